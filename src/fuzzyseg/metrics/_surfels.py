"""Area of the surface inside one 2 x 2 x 2 neighbourhood, for all 256 neighbourhoods.

Marching cubes (Lorensen and Cline 1987, doi 10.1145/37401.37422) cuts the cube whose
corners are eight neighbouring voxel centres halfway along every edge that joins an inside
to an outside corner. The table is derived here rather than stored:

1. With more than half of the corners inside, inside and outside change roles.
2. Each group of inside corners joined by cube edges is cut off by its own polygon, whose
   vertices are the cut edges' midpoints and whose sides lie in the faces of the cube.
3. A polygon is split into triangles. Only two kinds are bent, so that the split matters
   (three corners in an L; four in a zigzag); published tables, Nikolov's among them, use
   the split of greatest area on a cubic voxel, and so does this one.

In 2-D the same steps on a square give the length of the contour.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

Corner = tuple[int, ...]
Point = tuple[float, ...]


def surfel_areas(spacing_mm: Sequence[float]) -> NDArray[np.float64]:
    """Area of the surface element of each neighbourhood code.

    Parameters
    ----------
    spacing_mm : sequence of float, length 3 or 2
        Voxel spacing along each axis, in mm.

    Returns
    -------
    float64 ndarray of shape (256,), or (16,) in 2-D
        Area in mm^2 (length in mm). The corner at (a, b, c) sets bit 7 - (4a + 2b + c) of
        the code, in 2-D the corner at (a, b) bit 3 - (2a + b).
    """
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    if spacing.size == 2:
        codes, elements = _segments()
        scale = spacing
    else:
        codes, elements = _triangle_normals()
        # A normal is a cross product: stretching the axes scales it by the other two.
        scale = np.prod(spacing) / spacing
    areas = np.linalg.norm(elements * scale, axis=1)
    table = np.zeros(2 ** (2**spacing.size))
    np.add.at(table, codes, areas)
    return table


@cache
def _segments() -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Code and end-to-end vector of every contour segment on the unit square."""
    found = [
        (code, np.subtract(start, end))
        for code in range(1, 15)
        for group in _groups(code, ndim=2)
        for start, end in [_midpoints(group)]
    ]
    return np.array([code for code, _ in found]), np.array([vector for _, vector in found])


@cache
def _triangle_normals() -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Code and normal (as long as the area) of every triangle in the unit cube."""
    found = [
        (code, normal)
        for code in range(1, 255)
        for group in _groups(code, ndim=3)
        for normal in _largest_split(_ring(_midpoints(group)))
    ]
    return np.array([code for code, _ in found]), np.array([normal for _, normal in found])


def _groups(code: int, ndim: int) -> Iterator[set[Corner]]:
    """Yield the edge-connected groups of the corners on the smaller side of a code."""
    corners = list(product((0, 1), repeat=ndim))
    inside = {c for bit, c in enumerate(reversed(corners)) if code >> bit & 1}
    left = inside if 2 * len(inside) <= len(corners) else set(corners) - inside
    while left:
        group = {left.pop()}
        while near := {c for c in left if any(_are_neighbours(c, g) for g in group)}:
            group |= near
            left -= near
        yield group


def _are_neighbours(a: Corner, b: Corner) -> bool:
    """Say whether an edge joins two corners."""
    return sum(x != y for x, y in zip(a, b, strict=True)) == 1


def _midpoints(group: set[Corner]) -> list[Point]:
    """Midpoints of the edges that join the group to the other corners."""
    others = set(product((0, 1), repeat=len(next(iter(group))))) - group
    return [
        tuple((x + y) / 2 for x, y in zip(a, b, strict=True))
        for a in sorted(group)
        for b in sorted(others)
        if _are_neighbours(a, b)
    ]


def _ring(points: list[Point]) -> list[Point]:
    """Order the polygon's vertices so that neighbours lie in one face of the cube."""
    ring = [points[0]]
    left = points[1:]
    while left:
        following = next(p for p in left if _share_face(p, ring[-1]))
        ring.append(following)
        left.remove(following)
    return ring


def _share_face(a: Point, b: Point) -> bool:
    """Say whether two edge midpoints lie in one face of the unit cube."""
    return any(x == y and x != 0.5 for x, y in zip(a, b, strict=True))


def _largest_split(ring: list[Point]) -> list[NDArray[np.float64]]:
    """Pick the normals of the split that has the greatest area."""

    def area(normals: list[NDArray[np.float64]]) -> float:
        return float(sum(np.linalg.norm(n) for n in normals))

    return max(_splits(ring), key=area)


def _splits(ring: list[Point]) -> Iterator[list[NDArray[np.float64]]]:
    """Yield every split of a polygon into triangles, as lists of normals."""
    if len(ring) < 3:
        yield []
        return
    first, last = np.array(ring[0]), np.array(ring[-1])
    for k in range(1, len(ring) - 1):
        normal = np.cross(np.array(ring[k]) - first, last - first) / 2
        for before, after in product(_splits(ring[: k + 1]), _splits(ring[k:])):
            yield [*before, normal, *after]
