"""Volume and uptake from memberships: sums of u and of u A, and their curve over a threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

THRESHOLDS = tuple(round(0.05 * k, 2) for k in range(1, 20))


class FuzzySums(NamedTuple):
    """Sums over voxels, times the volume of one: mL, and the image's unit times mL."""

    volume_ml: float
    total: float


def fuzzy_sums(
    membership: NDArray[np.float32], image: NDArray[np.float32], voxel_ml: float
) -> FuzzySums:
    """Sum memberships u and u A, over arrays of any one shape."""
    volume = float(membership.sum(dtype=np.float64)) * voxel_ml
    total = float(np.sum(membership * image, dtype=np.float64)) * voxel_ml
    return FuzzySums(volume, total)


def threshold_curve(
    membership: NDArray[np.float32],
    image: NDArray[np.float32],
    voxel_ml: float,
    thresholds: Sequence[float] = THRESHOLDS,
) -> list[FuzzySums]:
    """Volume and uptake of the voxels whose membership is at least each threshold.

    Parameters
    ----------
    membership, image : ndarray of one shape
    voxel_ml : float
    thresholds : sequence of T floats, rising

    Returns
    -------
    list of T FuzzySums
    """
    likely = membership >= thresholds[0]
    passed = np.searchsorted(np.asarray(thresholds, np.float32), membership[likely], side="right")
    n = len(thresholds) + 1
    voxels = np.bincount(passed, minlength=n)
    totals = np.bincount(passed, image[likely].astype(np.float64), minlength=n)
    from_top = (np.cumsum(a[::-1])[::-1][1:] * voxel_ml for a in (voxels, totals))
    return [FuzzySums(float(v), float(t)) for v, t in zip(*from_top, strict=True)]
