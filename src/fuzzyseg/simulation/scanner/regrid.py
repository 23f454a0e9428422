"""Separable changes of grid; both grids share their middle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def overlap_matrix(
    n_in: int, size_in_cm: float, n_out: int, size_out_cm: float
) -> NDArray[np.float32]:
    """Averaging along one axis: the share of each output cell that an input cell covers.

    Sums times cell size are kept wherever the output covers the input. Shape (n_out, n_in).
    """
    low_in, low_out = (
        (np.arange(n) - n / 2) * size for n, size in ((n_in, size_in_cm), (n_out, size_out_cm))
    )
    top = np.minimum(low_in + size_in_cm, low_out[:, None] + size_out_cm)
    overlap = np.maximum(top - np.maximum(low_in, low_out[:, None]), 0.0)
    return np.asarray(overlap / size_out_cm, np.float32)


def interpolation_matrix(
    n_in: int, size_in_cm: float, n_out: int, size_out_cm: float
) -> NDArray[np.float32]:
    """Linear interpolation along one axis, constant beyond the ends. Shape (n_out, n_in)."""
    place = ((np.arange(n_out) - (n_out - 1) / 2) * size_out_cm) / size_in_cm + (n_in - 1) / 2
    place = np.clip(place, 0, n_in - 1)
    low = np.minimum(np.floor(place).astype(int), max(n_in - 2, 0))
    matrix = np.zeros((n_out, n_in), np.float32)
    rows = np.arange(n_out)
    matrix[rows, low] += (1 - (place - low)).astype(np.float32)
    matrix[rows, np.minimum(low + 1, n_in - 1)] += (place - low).astype(np.float32)
    return matrix


def regrid(volume: Any, matrices: Sequence[Any]) -> Any:
    """Apply a matrix along each axis of a volume; both as a backend loads them."""
    for matrix in matrices:  # each turn works on the first axis and moves it to the end
        volume = (matrix @ volume.reshape(matrix.shape[1], -1)).T
    return volume.reshape([matrix.shape[0] for matrix in matrices])
