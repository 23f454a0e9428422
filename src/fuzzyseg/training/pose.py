"""Blocks of a case as if the patient lay otherwise: turned, larger or smaller, CT beside SPECT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fuzzyseg.training.config import Config


@dataclass(frozen=True, eq=False)
class Pose:
    """Where the voxels of a block come from.

    Parameters
    ----------
    matrix : float64 ndarray of shape (3, 3)
        From a voxel's offset to the block's centre to that in the case, both in voxels.
    shifts : float64 ndarray of shape (D, 3)
        By how many voxels each channel is shifted against the labels.
    """

    matrix: NDArray[np.float64]
    shifts: NDArray[np.float64]


def draw_pose(config: Config, spacing_mm: Sequence[float], rng: np.random.Generator) -> Pose:
    """Draw rotations about the three axes, one zoom, and a shift of the CT beside the SPECT."""
    matrix = np.eye(3)
    for axis, angle in enumerate(np.radians(rng.uniform(-config.rotate, config.rotate, 3))):
        turned = np.eye(3)
        a, b = (axis + 1) % 3, (axis + 2) % 3
        turned[a, a] = turned[b, b] = np.cos(angle)
        turned[a, b], turned[b, a] = -np.sin(angle), np.sin(angle)
        matrix = matrix @ turned
    matrix /= (1 + config.zoom) ** rng.uniform(-1, 1)
    widths = np.asarray(spacing_mm, dtype=np.float64)
    shifts = np.zeros((len(config.channels), 3))
    if "spect" in config.channels and "ct" in config.channels:
        shift_mm = rng.uniform(-config.ct_shift_mm, config.ct_shift_mm, 3)
        shifts[config.channels.index("ct")] = shift_mm / widths
    return Pose(matrix * widths / widths[:, None], shifts)


def posed(
    volume: NDArray[Any],
    centre: NDArray[np.float64],
    width: int,
    matrix: NDArray[np.float64],
    *,
    order: Literal[0, 1],
    fill: float,
) -> NDArray[Any]:
    """Interpolate a block of a volume.

    Parameters
    ----------
    volume : ndarray of shape (X, Y, Z)
    centre : float64 ndarray of shape (3,)
        Where the block's centre lies, in voxels.
    width : int
        Of the block, in voxels.
    matrix : float64 ndarray of shape (3, 3)
        Of a `Pose`.
    order : {0, 1}
        Nearest neighbour, for labels, or linear.
    fill : float
        Beyond the volume.

    Returns
    -------
    ndarray of shape (width, width, width), of the volume's type, or float32 for float16
    """
    from scipy import ndimage

    reach = np.abs(matrix).sum(1) * (width - 1) / 2
    first = np.floor(centre - reach).astype(int) - 1
    part = cut(volume, first, np.ceil(centre + reach).astype(int) + 2 - first, fill)
    offset = centre - first - matrix.sum(1) * (width - 1) / 2
    found = ndimage.affine_transform(
        part, matrix, offset, (width,) * 3, order=order, mode="nearest"
    )
    return np.asarray(found)


def cut(
    volume: NDArray[Any], corner: NDArray[np.intp], widths: NDArray[np.intp], fill: float
) -> NDArray[Any]:
    """Cut a block that may reach over the edges, where it is filled; float16 becomes float32."""
    block = np.full(widths, fill, np.float32 if volume.dtype == np.float16 else volume.dtype)
    first = np.maximum(corner, 0)
    last = np.minimum(np.add(corner, widths), volume.shape)
    if np.all(last > first):
        onto = tuple(slice(a, b) for a, b in zip(first - corner, last - corner, strict=True))
        block[onto] = volume[tuple(slice(a, b) for a, b in zip(first, last, strict=True))]
    return block
