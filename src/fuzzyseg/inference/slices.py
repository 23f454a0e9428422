"""Slices of a volume as a network of slices takes them. The same in training and afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.models.card import Plane

# The axis of (X, Y, Z) that counts the slices in a plane; the others, in order, are the image's.
AXES: dict[Plane, int] = {"transverse": 2, "coronal": 1, "sagittal": 0}


def along(volume: NDArray[np.float32], plane: Plane) -> NDArray[np.float32]:
    """Return (D, X, Y, Z) as (D, N, H, W): N slices, such as (D, Z, X, Y) of transverse ones."""
    return np.moveaxis(volume, 1 + AXES[plane], 1)


def slices(
    image: NDArray[np.float32],
    plane: Plane,
    start: int,
    stop: int,
    context: int = 0,
    outside: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Take slices start, ..., stop - 1 in a plane, each with its neighbours.

    Parameters
    ----------
    image : float32 ndarray of shape (D, X, Y, Z)
    plane : {"transverse", "coronal", "sagittal"}
    start, stop : int
        At most the number of slices.
    context : int
        Neighbouring slices on either side that join the channels.
    outside : float32 ndarray of shape (D,), optional
        What slices beyond the first and last hold; by default each channel's minimum.

    Returns
    -------
    C-contiguous float32 ndarray of shape (stop - start, D (2 context + 1), H, W)
        For each channel in turn, its 2 context + 1 slices in order of rising index.
    """
    stack = along(image, plane)
    if not context:
        return np.ascontiguousarray(stack[:, start:stop].swapaxes(0, 1))
    if outside is None:
        outside = image.min(axis=(1, 2, 3))
    n_channels, length, *size = stack.shape
    width = 2 * context + 1
    result = np.empty((stop - start, n_channels, width, *size), dtype=np.float32)
    result[:] = outside[:, None, None, None]
    for offset in range(width):
        shift = offset - context
        low, high = max(start + shift, 0), min(stop + shift, length)
        if low < high:
            there = slice(low - shift - start, high - shift - start)
            result[there, :, offset] = stack[:, low:high].swapaxes(0, 1)
    return result.reshape(stop - start, n_channels * width, *size)
