"""Interpolation along one axis after another: matrix products, many times faster than splines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Array = NDArray[np.float32]

_PLANES = 32  # that are interpolated at a time: no copy of a large image


def linear_matrix(places: NDArray[np.float64], length: int) -> Array:
    """Matrix that interpolates `length` values at places; beyond the ends, these go on."""
    places = places.clip(0, length - 1)
    left = np.minimum(places.astype(int), max(length - 2, 0))
    right = np.minimum(left + 1, length - 1)
    rows = np.arange(len(places))
    matrix = np.zeros((len(places), length), np.float32)
    matrix[rows, left] += 1 - (places - left)
    matrix[rows, right] += places - left
    return matrix


def blur_matrix(length: int, sigma: float) -> Array:
    """Matrix that blurs `length` values by a Gaussian; beyond the ends, these go on."""
    from scipy.ndimage import gaussian_filter1d

    identity = np.eye(length, dtype=np.float32)
    if sigma == 0:
        return identity
    blurred: Array = gaussian_filter1d(identity, sigma, axis=0, mode="nearest")
    return blurred


def apply_matrices(
    matrices: tuple[Array, Array, Array], array: Array, out: Array | None = None
) -> Array:
    """Multiply each axis of an array by a matrix.

    Parameters
    ----------
    matrices : three float32 ndarrays of shapes (X', X), (Y', Y), (Z', Z)
        Mostly zeros but near a diagonal.
    array : float32 ndarray of shape (X, Y, Z)
        Fastest where X runs fastest in memory, as the readers give it.
    out : float32 ndarray of shape (X', Y', Z'), optional
        Where to put the result.

    Returns
    -------
    float32 ndarray of shape (X', Y', Z'), by default X' fastest in memory.
    """
    x, y, z = matrices
    source = array.T
    if out is None:
        out = np.empty((len(z), len(y), len(x)), np.float32).T
    planes = np.empty((len(source), len(y), len(x)), np.float32)
    for start in range(0, len(source), _PLANES):
        some = source[start : start + _PLANES]
        rows = np.empty((len(some), some.shape[1], len(x)), np.float32)
        for to, used, part in _bands(x):
            np.matmul(some[..., used], part.T, out=rows[..., to])
        np.matmul(y, rows, out=planes[start : start + _PLANES])
    for to, used, part in _bands(z):
        out.T[to] = np.tensordot(part, planes[used], 1)
    return out


def _bands(matrix: Array, rows: int = 2 * _PLANES) -> Iterator[tuple[slice, slice, Array]]:
    """Blocks of rows, each with the columns that it uses."""
    for start in range(0, len(matrix), rows):
        to = slice(start, min(start + rows, len(matrix)))
        found = np.flatnonzero(matrix[to].any(axis=0))
        used = slice(int(found[0]), int(found[-1]) + 1)
        yield to, used, np.ascontiguousarray(matrix[to, used])
