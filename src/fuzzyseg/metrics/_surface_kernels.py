"""Compiled loops of the surface metrics; numba compiles them at first use and caches them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.compiled import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def neighbour_codes(mask: NDArray[np.uint8], codes: NDArray[np.uint8], whole: int) -> None:
    """Write the code of every 2 x 2 x 2 neighbourhood that the surface crosses.

    Parameters
    ----------
    mask : uint8 ndarray of shape (P, Y + 1, Z + 1) with P > X
        0 outside and 1 inside, with a shell of zeros around the object.
    codes : uint8 ndarray of shape (X, Y, Z), last axis contiguous
        Receives the codes, bits as in `surfel_areas`; 0 where all are outside or all inside.
    whole : int
        Code of a neighbourhood that is all inside.
    """
    nx, ny, nz = codes.shape
    pairs = np.empty(nz + 1, np.uint8)
    for i in range(nx):
        for j in range(ny):
            m00, m01, m10, m11 = mask[i, j], mask[i, j + 1], mask[i + 1, j], mask[i + 1, j + 1]
            for k in range(nz + 1):
                pairs[k] = (m00[k] << 6) | (m01[k] << 4) | (m10[k] << 2) | m11[k]
            row = codes[i, j]
            for k in range(nz):
                code = np.uint8((pairs[k] << 1) | pairs[k + 1])
                row[k] = code if code != whole else np.uint8(0)


@njit(cache=True, nogil=True)
def nearest_offsets(
    codes: NDArray[np.uint8],
    other: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    positions: NDArray[np.int64],
    ranks: NDArray[np.int32],
) -> None:
    """Find, for each surface element of one mask, the nearest one of the other.

    Parameters
    ----------
    codes, other : uint8 ndarray of shape (N,)
        Codes of the two masks on one flattened grid, padded by the reach of the offsets; N is
        a multiple of 8.
    offsets : int64 ndarray of shape (K,)
        Steps on the flattened grid, from the shortest to the longest in mm.
    positions : int64 ndarray of shape (M,)
        Receives the cells of the M non-zero codes.
    ranks : int32 ndarray of shape (M,)
        Receives the index of the first offset that lands on the other surface; K if none.
    """
    n = 0
    # Eight cells at a time: most of the grid is empty.
    words = codes.view(np.uint64)
    for w in range(words.size):
        if words[w]:
            for p in range(8 * w, 8 * w + 8):
                if codes[p]:
                    rank = 0
                    while rank < offsets.size and other[p + offsets[rank]] == 0:
                        rank += 1
                    positions[n] = p
                    ranks[n] = rank
                    n += 1
