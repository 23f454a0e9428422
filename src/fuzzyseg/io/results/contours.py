"""Outlines of masks, plane by plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Directions of edges, clockwise where rows are counted downwards, as steps of (row, column);
# and from the corner where such an edge begins to the voxel on its right, which is inside.
_STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0))
_INSIDE = ((0, 0), (0, -1), (-1, -1), (-1, 0))


def outlines(mask: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """Trace the outlines of a plane along the sides of its voxels.

    So the area inside is exactly that of the voxels. One outline surrounds each part that holds
    together by sides; a part's holes are joined to it by a channel of no width (the "keyhole" of
    DICOM PS3.3 C.8.8.6.3).

    Parameters
    ----------
    mask : bool ndarray of shape (rows, columns)

    Returns
    -------
    list of float64 ndarray of shape (n, 2)
        Corners as (column, row) in voxels, where whole numbers are centres; each closes itself.
    """
    from scipy.ndimage import label

    loops = _loops(mask)
    if not loops:
        return []
    parts, _ = label(mask)
    outer: dict[int, NDArray[np.float64]] = {}
    holes: list[tuple[int, NDArray[np.float64]]] = []
    for inside, corners in loops:
        part = int(parts[inside])
        if _area(corners) > 0:
            outer[part] = corners
        else:
            holes.append((part, corners))
    for part, hole in holes:
        outer[part] = _joined(outer[part], hole)
    return [corners[:, ::-1] - 0.5 for corners in outer.values()]


def _loops(mask: NDArray[np.bool_]) -> list[tuple[tuple[int, int], NDArray[np.float64]]]:
    """Walk along the sides of voxels, with the inside on the right, until each walk closes.

    Returns
    -------
    list of (voxel inside, corners of shape (n, 2) as (row, column))
        Outer ones run clockwise, those around holes the other way.
    """
    starts = _edges(mask)
    following = _following(starts)
    at = np.full(starts.shape, -1)
    edges = np.argwhere(starts)
    at[tuple(edges.T)] = np.arange(len(edges))
    after = at[tuple(following.T)]
    turns = edges[:, 0] != following[:, 0]
    # A corner where the walk turns is the beginning of the edge behind it.
    corner, step = following[:, 1:].tolist(), after.tolist()
    bends, left = turns.tolist(), np.ones(len(edges), bool).tolist()
    loops = []
    for first in range(len(edges)):
        if not left[first]:
            continue
        corners, edge = [], first
        while left[edge]:
            left[edge] = False
            if bends[edge]:
                corners.append(corner[edge])
            edge = step[edge]
        direction, row, column = edges[first]
        down, right = _INSIDE[direction]
        loops.append(((int(row + down), int(column + right)), np.array(corners, float)))
    return loops


def _edges(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where an edge between inside and outside begins: (direction, row, column) of its corner."""
    rows, columns = mask.shape
    padded = np.pad(mask, 1)
    starts = np.zeros((4, rows + 2, columns + 2), bool)
    for direction, (down, right) in enumerate(_STEPS):
        # The voxel on the left of the walk is across from that on its right.
        across = np.roll(padded, (right, -down), (0, 1))
        border = np.argwhere(padded & ~across) - 1
        inside = _INSIDE[direction]
        starts[direction, border[:, 0] - inside[0], border[:, 1] - inside[1]] = True
    return starts


def _following(starts: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Find the edge behind each: to the right first, so that voxels touching at a corner part."""
    edges = np.argwhere(starts)
    directions = edges[:, 0]
    ends = edges[:, 1:] + np.array(_STEPS)[directions]
    chosen = (directions - 1) % 4
    for turn in (0, 1):
        tried = (directions + turn) % 4
        there = starts[tried, ends[:, 0], ends[:, 1]]
        chosen[there] = tried[there]
    return np.column_stack([chosen, ends])


def _area(corners: NDArray[np.float64]) -> float:
    """Signed area, positive where the walk is clockwise with rows counted downwards."""
    row, column = corners.T
    return float(column @ np.roll(row, -1) - row @ np.roll(column, -1)) / 2


def _joined(outer: NDArray[np.float64], hole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Go into a hole where it is nearest, around it, and back the same way.

    The way runs along the sides of voxels: no centre is on it, so that none is in doubt.
    """
    away = np.abs(outer[:, None] - hole[None]).sum(-1)
    i, j = np.unravel_index(int(away.argmin()), away.shape)
    around = np.roll(hole, -int(j), axis=0)
    bend = np.array([[outer[i, 0], hole[j, 1]]])
    return np.concatenate([outer[: i + 1], bend, around, around[:1], bend, outer[i:]])
