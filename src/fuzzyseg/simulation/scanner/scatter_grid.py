"""The scatter kernels on a Cartesian grid, for convolution by Fourier transform."""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.simulation.scanner.montecarlo import ScatterKernels

_AROUND = 24  # points that the mass of a ring is spread over
_JITTER = (-1 / 3, 0.0, 1 / 3)  # places of a source in its voxel, along each axis


def kernels_on_grid(
    kernels: ScatterKernels, voxel_cm: float, shape: tuple[int, int, int], angle_rad: float = 0.0
) -> tuple[tuple[int, ...], list[NDArray[np.float32]]]:
    """Kernels wrapped around the corner of a grid padded enough to convolve on.

    Parameters
    ----------
    kernels : ScatterKernels
    voxel_cm : float
    shape : tuple of int
        Of the volumes to convolve.
    angle_rad : float
        From the first axis to the direction of the detector, in the plane of the first two.

    Returns
    -------
    padded : tuple of int
        Shape to transform at: results in the first `shape` voxels are those of a convolution
        without wrapping.
    tables : list of three float32 ndarray of shape `padded`
    """
    whole = (
        _cartesian(kernels, voxel_cm) if angle_rad == 0 else _turned(kernels, voxel_cm, angle_rad)
    )
    reach = whole.shape[1] // 2
    halves = [min(n - 1, reach) for n in shape]
    padded = tuple(fft.next_fast_len(n + h, real=True) for n, h in zip(shape, halves, strict=True))
    tables = []
    for kernel in whole:
        table = np.zeros(padded, np.float32)
        cut = kernel[tuple(slice(reach - h, reach + h + 1) for h in halves)]
        table[tuple(slice(n) for n in cut.shape)] = cut
        tables.append(np.roll(table, [-h for h in halves], axis=(0, 1, 2)))
    return padded, tables


@lru_cache(maxsize=4)
def _cartesian(kernels: ScatterKernels, voxel_cm: float) -> NDArray[np.float32]:
    """Kernels between cubic voxels, (3, N, N, N), N odd, the source in the middle.

    The mass of every ring is spread over points around it and over the places that a source
    has in its voxel, then summed by voxel: none is lost but what falls outside.
    """
    _, n_along, n_across = kernels.moments.shape
    reach = int(n_across * kernels.bin_cm / voxel_cm)
    size = 2 * reach + 1
    angles = (np.arange(_AROUND) + 0.5) * (2 * np.pi / _AROUND)
    along = (np.arange(n_along) - n_along // 2 + 0.5) * kernels.bin_cm
    across = (np.arange(n_across) + 0.5) * kernels.bin_cm
    planes, rows, columns = (
        [_voxels(place + shift * voxel_cm, voxel_cm, reach) for shift in _JITTER]
        for place in (along, np.outer(across, np.cos(angles)), np.outer(across, np.sin(angles)))
    )
    by_plane = np.zeros((3, size + 1, n_across))  # the last plane takes what falls outside
    for plane in planes:
        for moment, total in zip(kernels.moments, by_plane, strict=True):
            np.add.at(total, plane, moment)
    pairs = [row * size + column for row in rows for column in columns]
    inside = [(row < size) & (column < size) for row in rows for column in columns]
    places, kept = np.stack(pairs), np.stack(inside)
    rings = np.broadcast_to(np.arange(n_across)[:, None], places.shape)[kept]
    mass = np.full(rings.size, 1 / (_AROUND * len(_JITTER) ** 3))
    # How a ring falls onto a plane; sparse, so no sum depends on the number of BLAS threads.
    share = csr_array((mass, (places[kept], rings)), shape=(size * size, n_across))
    spread = (share @ by_plane[:, :size].reshape(-1, n_across).T).T
    return spread.reshape(3, size, size, size).astype(np.float32)


@lru_cache(maxsize=8)
def _turned(kernels: ScatterKernels, voxel_cm: float, angle_rad: float) -> NDArray[np.float32]:
    """As `_cartesian`, with the detector at an angle from the first axis."""
    _, n_along, n_across = kernels.moments.shape
    reach = int(n_across * kernels.bin_cm / voxel_cm)
    size = 2 * reach + 1
    angles = (np.arange(_AROUND) + 0.5) * (2 * np.pi / _AROUND)
    along = ((np.arange(n_along) - n_along // 2 + 0.5) * kernels.bin_cm)[:, None]
    across = (np.arange(n_across) + 0.5) * kernels.bin_cm
    mass = kernels.moments / (_AROUND * len(_JITTER) ** 3)
    total = np.zeros((3, size**3))
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    for around in angles:
        side, height = across * np.cos(around), across * np.sin(around)
        x, y = along * cos - side * sin, along * sin + side * cos
        planes, rows, columns = (
            [_voxels(place + shift * voxel_cm, voxel_cm, reach) for shift in _JITTER]
            for place in (x, y, height)
        )
        places, weights = [], []
        for plane, row, column in product(planes, rows, columns):
            inside = (plane < size) & (row < size) & (column < size)
            places.append(((plane * size + row) * size + column)[inside])
            weights.append(mass[:, inside])
        place, weight = np.concatenate(places), np.concatenate(weights, axis=1)
        for sums, moment in zip(total, weight, strict=True):
            np.add(sums, np.bincount(place, moment, size**3), out=sums)
    return total.reshape(3, size, size, size).astype(np.float32)


def _voxels(place: NDArray[np.float64], voxel_cm: float, reach: int) -> NDArray[np.int64]:
    """Voxel that each place is in, the middle one numbered `reach`; one past the last outside."""
    index = np.floor(place / voxel_cm + 0.5).astype(np.int64) + reach
    return np.where((index >= 0) & (index <= 2 * reach), index, 2 * reach + 1)
