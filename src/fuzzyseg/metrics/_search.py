"""Surface elements of two masks and the distance from each to the other surface."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fuzzyseg.metrics._surfels import surfel_areas

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# Cells tried around an element before other searches take over. Two surfaces worth comparing
# lie mostly within a few voxels, and there trying cells in order of distance is fastest.
NEAR_CELLS = 512
# Share of the grid's cells from which on a distance transform of the grid (about 0.1 us a cell)
# beats asking a k-d tree (about 2 us an element).
CROWDED = 0.06


class Elements(NamedTuple):
    """Surface elements of one mask, M of them, in no particular order.

    Parameters
    ----------
    distances : float64 ndarray of shape (M,)
        Distance to the nearest element of the other surface, in mm; infinity if there is none
        within the limit.
    areas : float64 ndarray of shape (M,)
        Area in mm^2; length in mm for a flat image.
    """

    distances: NDArray[np.float64]
    areas: NDArray[np.float64]


class Hits(NamedTuple):
    """Where the surface elements of one mask are and how far from the other surface.

    Parameters
    ----------
    positions : int64 ndarray of shape (M,)
        Cells on the padded, flattened grid.
    distances : float64 ndarray of shape (M,)
        Distance in mm; infinity where no element has been found.
    """

    positions: NDArray[np.int64]
    distances: NDArray[np.float64]


def find_elements(
    a: NDArray[np.bool_], b: NDArray[np.bool_], spacing_mm: Sequence[float], limit_mm: float
) -> tuple[Elements, Elements]:
    """Find the surface elements of two masks and how far apart they are.

    Parameters
    ----------
    a, b : bool ndarray of shape (X, Y, Z) or (X, Y)
        Masks on one grid.
    spacing_mm : sequence of float
        Voxel spacing along each axis, in mm.
    limit_mm : float
        Longest distance of interest, infinity for all.

    Returns
    -------
    tuple of two Elements
        Those of `a`, then those of `b`.
    """
    if a.flags.f_contiguous and b.flags.f_contiguous:
        # As NIfTI files come: the loops below want the last axis to be the contiguous one.
        a, b, spacing_mm = a.T, b.T, spacing_mm[::-1]
    box = _bounding_box(a, b)
    if box is None:
        return Elements(np.empty(0), np.empty(0)), Elements(np.empty(0), np.empty(0))
    # A flat image is a single plane of cells: its codes are the last four bits.
    flat = a.ndim == 2
    cells = np.array([1] * flat + [s.stop - s.start + 1 for s in box])
    spacing = np.array([1.0] * flat + list(spacing_mm))
    reach_mm = min(limit_mm, _ball_radius(NEAR_CELLS, spacing_mm))
    offsets, lengths = _offsets(spacing, cells, reach_mm)
    pad = np.abs(offsets).max(axis=0)
    shape = tuple(int(n) for n in cells + 2 * pad)
    steps = offsets @ np.array([shape[1] * shape[2], shape[2], 1])

    areas = surfel_areas(spacing_mm)
    codes_a, codes_b = (_codes(mask, box, cells, pad, areas.size - 1) for mask in (a, b))
    hits_a = _search_near(codes_a, codes_b, steps, lengths)
    hits_b = _search_near(codes_b, codes_a, steps, lengths)
    if limit_mm > reach_mm:
        _search_far(hits_a, hits_b, shape, spacing, limit_mm)
        _search_far(hits_b, hits_a, shape, spacing, limit_mm)
    return (
        Elements(hits_a.distances, areas[codes_a[hits_a.positions]]),
        Elements(hits_b.distances, areas[codes_b[hits_b.positions]]),
    )


def _bounding_box(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> tuple[slice, ...] | None:
    """Box around both masks; None if there are none."""
    either: NDArray[np.bool_] = np.logical_or(a, b)
    # Folding the first axis once makes the other axes' projections nearly free.
    folded: NDArray[np.bool_] = np.logical_or.reduce(either, axis=0)
    axes = tuple(range(folded.ndim))
    projections = [either.any(axis=tuple(i + 1 for i in axes))]
    projections += [folded.any(axis=axes[:i] + axes[i + 1 :]) for i in axes]
    ends = [np.flatnonzero(p)[[0, -1]] for p in projections if p.any()]
    return tuple(slice(int(i), int(j) + 1) for i, j in ends) or None


def _codes(
    mask: NDArray[np.bool_],
    box: tuple[slice, ...],
    cells: NDArray[np.int64],
    pad: NDArray[np.int64],
    whole: int,
) -> NDArray[np.uint8]:
    """Neighbourhood codes of the cells in the box, padded and flattened; 0 off the surface."""
    from fuzzyseg.metrics import _surface_kernels

    part = mask[box]
    if part.ndim == 2:
        part = part[np.newaxis]
    shell = np.zeros([n + 2 for n in part.shape], np.uint8)
    shell[1:-1, 1:-1, 1:-1] = part
    shape = cells + 2 * pad
    size = int(np.prod(shape))
    # Rounded up to whole 8-byte words, as the search wants it.
    codes = np.zeros(-(-size // 8) * 8, np.uint8)
    (x, y, z), (nx, ny, nz) = pad, cells
    inner = codes[:size].reshape(shape)[x : x + nx, y : y + ny, z : z + nz]
    _surface_kernels.neighbour_codes(shell, inner, whole)
    return codes


def _search_near(
    codes: NDArray[np.uint8],
    others: NDArray[np.uint8],
    steps: NDArray[np.int64],
    lengths: NDArray[np.float64],
) -> Hits:
    """Find the surface elements of one mask and, within reach, the nearest of the other."""
    from fuzzyseg.metrics import _surface_kernels

    n = int(np.count_nonzero(codes))
    positions, ranks = np.empty(n, np.int64), np.empty(n, np.int32)
    _surface_kernels.nearest_offsets(codes, others, steps, positions, ranks)
    return Hits(positions, np.append(lengths, np.inf)[ranks])


def _ball_radius(n_cells: int, spacing_mm: Sequence[float]) -> float:
    """Radius in mm of the ball (disc in 2-D) that holds about `n_cells` cells."""
    volume = n_cells * float(np.prod(spacing_mm))
    if len(spacing_mm) == 2:
        return float(np.sqrt(volume / np.pi))
    return float(np.cbrt(0.75 * volume / np.pi))


def _offsets(
    spacing: NDArray[np.float64], cells: NDArray[np.int64], reach_mm: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """List the steps to all cells within reach on a grid of this size, from short to long.

    Returns
    -------
    offsets : int64 ndarray of shape (K, 3)
        Steps along each axis, in cells.
    lengths : float64 ndarray of shape (K,)
        Their lengths in mm.
    """
    # Held at the grid's size while still a float: a coarse limit over a tiny spacing is huge.
    most = np.minimum(np.floor(reach_mm / spacing), cells - 1).astype(np.int64)
    axes = np.meshgrid(*(np.arange(-m, m + 1) for m in most), indexing="ij")
    offsets = np.stack(axes, axis=-1).reshape(-1, 3)
    lengths = np.sqrt(((offsets * spacing) ** 2).sum(axis=1))
    order = np.argsort(lengths, kind="stable")
    order = order[: np.searchsorted(lengths[order], reach_mm, side="right")]
    return offsets[order], lengths[order]


def _search_far(
    hits: Hits, others: Hits, shape: tuple[int, ...], spacing: NDArray[np.float64], limit_mm: float
) -> None:
    """Fill in the distances of elements whose nearest one is out of the offsets' reach."""
    far = np.flatnonzero(np.isinf(hits.distances))
    if far.size == 0 or others.positions.size == 0:
        return
    if far.size > CROWDED * np.prod(shape):
        from scipy.ndimage import distance_transform_edt

        off = np.ones(shape, bool)
        off.ravel()[others.positions] = False
        found = np.asarray(distance_transform_edt(off, sampling=spacing))
        found = found.ravel()[hits.positions[far]]
        hits.distances[far] = np.where(found <= limit_mm, found, np.inf)
        return

    from scipy.spatial import KDTree

    here = np.column_stack(np.unravel_index(hits.positions[far], shape))
    there = np.column_stack(np.unravel_index(others.positions, shape))
    tree = KDTree(there * spacing, balanced_tree=False, compact_nodes=False)
    nearest = np.asarray(tree.query(here * spacing, distance_upper_bound=limit_mm)[1])
    within = nearest < tree.n
    steps = here[within] - there[nearest[within]]
    # From whole steps, not from the tree's coordinates, so that rounding is that of `_offsets`.
    hits.distances[far[within]] = np.sqrt(((steps * spacing) ** 2).sum(axis=1))
