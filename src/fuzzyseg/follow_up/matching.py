"""Which lesions of one day are which of the other's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.quantification.extent import places_mm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Places = Sequence[NDArray[np.float64]]

# Of the smaller of two lesions: sharing so much of it they are one. Touching is not enough.
LEAST_OVERLAP = 0.2
# A lesion that overlaps none is the nearest one no further away: bends, and what noise does to
# the outline of a small lesion, are of this order, as is half the resolution of bone SPECT.
MOST_GAP_MM = 8.0


@dataclass(frozen=True)
class Match:
    """Lesions of two days that are one: several where it merged or split, none where it is absent.

    Parameters
    ----------
    baseline, follow_up : tuple of int
        Numbers of lesions.
    overlap : float
        Share of the smaller side's volume that lies in the other's.
    """

    baseline: tuple[int, ...]
    follow_up: tuple[int, ...]
    overlap: float = 0.0


def lesion_places(
    labels: NDArray[np.int32], affine: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    """Voxels' centres (N, 3) of each lesion in mm, from number 1 on."""
    index = np.argwhere(labels)
    numbers = labels[tuple(index.T)]
    order = np.argsort(numbers, kind="stable")
    voxels = np.bincount(numbers, minlength=1)[1:]
    places = places_mm(index[order], affine)
    return np.split(places, np.cumsum(voxels)[:-1]) if len(voxels) else []


def shares(
    places: Places, labels: NDArray[np.int32], affine: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Share of each of L lesions, given by places, that lies in each of M lesions of a map.

    Returns
    -------
    float64 ndarray of shape (L, M)
    """
    n = int(labels.max(initial=0))
    found = np.zeros((len(places), n))
    for row, at in zip(found, places, strict=True):
        own = values_at(labels, affine, at)
        row[:] = np.bincount(own[own > 0], minlength=n + 1)[1:] / len(at)
    return found


def values_at(
    labels: NDArray[np.int32], affine: NDArray[np.float64], places: NDArray[np.float64]
) -> NDArray[np.int32]:
    """Find the labels (N,) of the voxels in which places (N, 3), mm, lie; -1 outside the field."""
    index, inside = voxels_at(labels.shape, affine, places)
    values = np.full(len(places), -1, np.int32)
    values[inside] = labels[tuple(index.T)]
    return values


def voxels_at(
    shape: tuple[int, ...], affine: NDArray[np.float64], places: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Find the voxels (M, 3) that places (N, 3), mm, lie in, and which places lie in the field."""
    back = np.linalg.inv(affine)
    index = np.rint(places @ back[:3, :3].T + back[:3, 3]).astype(np.intp)
    inside = ((index >= 0) & (index < np.array(shape))).all(axis=1)
    return index[inside], inside


def match(
    before: Places, after: Places, overlap: NDArray[np.float64], volumes: NDArray[np.float64]
) -> list[Match]:
    """Match lesions by what they share and, of those that share nothing, by how near they are.

    Parameters
    ----------
    before, after : sequences of B and F float64 ndarrays of shape (N, 3)
        Places of each lesion in mm, aligned.
    overlap : float64 ndarray of shape (B, F)
        Share of the smaller of two lesions that lies in the other.
    volumes : float64 ndarray of shape (B + F,)
        Of the lesions of both days: groups come in the order of their larger side.

    Returns
    -------
    list of Match
        Every lesion is in exactly one.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n, m = overlap.shape
    linked = overlap >= LEAST_OVERLAP
    alone = [np.flatnonzero(np.logical_not(linked.any(axis=axis))).tolist() for axis in (1, 0)]
    for pair in _near(before, after, *alone):
        linked[pair] = True
    rows, columns = np.nonzero(linked)
    graph = coo_array((np.ones(len(rows)), (rows, n + columns)), shape=(n + m, n + m))
    count, group = connected_components(graph, directed=False)
    found = []
    for k in range(count):
        members = np.flatnonzero(group == k)
        of_before, of_after = members[members < n], members[members >= n] - n
        share = float(overlap[np.ix_(of_before, of_after)].max(initial=0.0))
        size = max(volumes[of_before].sum(), volumes[n + of_after].sum())
        one, other = (tuple((index + 1).tolist()) for index in (of_before, of_after))
        found.append((size, Match(one, other, share)))
    return [each for _, each in sorted(found, key=lambda pair: -pair[0])]


def _near(
    before: Places, after: Places, alone: Sequence[int], others: Sequence[int]
) -> list[tuple[int, int]]:
    """Pair lesions without a partner, the nearest two first, no further apart than allowed."""
    from scipy.spatial import cKDTree

    gaps = [
        (float(np.min(cKDTree(before[one]).query(after[other])[0])), one, other)
        for one in alone
        for other in others
    ]
    pairs: list[tuple[int, int]] = []
    for gap, one, other in sorted(gaps):
        if gap <= MOST_GAP_MM and all(one != p and other != q for p, q in pairs):
            pairs.append((one, other))
    return pairs
