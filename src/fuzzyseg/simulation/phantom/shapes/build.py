"""Tools for drawing anatomy: tubes along splines, sheets through points, parts with a mirror."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.simulation.phantom.shapes.implicit import Ellipsoid, Plate, Segment, Shape, vector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Chain:
    """Shapes that continue each other, such as the segments of a tube.

    Their union is sharp: rounding between neighbours that overlap would swell every joint.

    Parameters
    ----------
    shapes : tuple of Shape
    """

    shapes: tuple[Shape, ...]

    def mirrored(self) -> Chain:
        """Reflect in the sagittal plane."""
        return Chain(tuple(shape.mirrored() for shape in self.shapes))


@dataclass(frozen=True)
class Part:
    """One named bone or organ: a smooth union of shapes.

    Parameters
    ----------
    name : str
        A bone's region, such as "L3" or "rib 5 left", or an organ.
    shapes : tuple of Shape or Chain
    tissue : str, default "bone"
        Key of the tissue table; "bone" is split into cortex and spongiosa.
    cortex_mm : float, default 1
        Thickness of the cortical shell.
    blend_mm : float, default 2
        Radius over which the shapes melt into each other.
    """

    name: str
    shapes: tuple[Shape | Chain, ...]
    tissue: str = "bone"
    cortex_mm: float = 1.0
    blend_mm: float = 2.0


def both_sides(right: Part) -> tuple[Part, Part]:
    """Return the right part, and its mirror image named left."""
    stem = right.name.removesuffix(" right")
    left = tuple(shape.mirrored() for shape in right.shapes)
    return replace(right, name=f"{stem} right"), replace(right, name=f"{stem} left", shapes=left)


def paired(shapes: Sequence[Shape | Chain]) -> tuple[Shape | Chain, ...]:
    """Return the shapes and their mirror images, for a bone that straddles the midline."""
    return (*shapes, *(shape.mirrored() for shape in shapes))


def spline(points: ArrayLike, n: int) -> NDArray[np.float64]:
    """`n` points along a smooth curve through `points` (K, D), spaced by chord length."""
    from scipy.interpolate import Akima1DInterpolator

    nodes = np.asarray(points, dtype=float)
    steps = np.linalg.norm(np.diff(nodes[:, :3], axis=0), axis=1)
    s = np.concatenate([[0.0], np.cumsum(steps)])
    if len(nodes) == 2:
        t = np.linspace(0.0, 1.0, n)[:, None]
        return np.asarray(nodes[0] * (1 - t) + nodes[1] * t)
    return np.asarray(Akima1DInterpolator(s, nodes, method="makima")(np.linspace(0.0, s[-1], n)))


def tube(
    nodes: ArrayLike,
    n: int = 8,
    *,
    normals: ArrayLike | None = None,
    flatness: float = 1.0,
) -> Chain:
    """Draw a chain of segments along a spline.

    Parameters
    ----------
    nodes : array-like of shape (K, 4)
        x, y, z and radius, in mm.
    n : int, default 8
        Number of segments.
    normals : array-like of shape (3,) or (n, 3), optional
        Direction in which each segment is flattened.
    flatness : float, default 1
        How many times thinner it is along the normal.

    Returns
    -------
    Chain of n segments
    """
    curve = spline(nodes, n + 1)
    directions = np.broadcast_to(np.array([1.0, 0, 0]) if normals is None else normals, (n, 3))
    return Chain(
        tuple(
            Segment(vector(a[:3]), vector(b[:3]), float(a[3]), float(b[3]), vector(d), flatness)
            for a, b, d in zip(curve, curve[1:], directions, strict=False)
        )
    )


def sheet(grid: ArrayLike, fine: tuple[int, int] = (6, 6)) -> Chain:
    """Draw a curved plate through a grid of points.

    Parameters
    ----------
    grid : array-like of shape (R, C, 4)
        x, y, z and half thickness, in mm.
    fine : (int, int), default (6, 6)
        Number of cells that the surface is divided into along rows and columns.

    Returns
    -------
    Chain of plates, two a cell
    """
    nodes = np.asarray(grid, dtype=float)
    rows = np.stack([spline(nodes[:, c], fine[0] + 1) for c in range(nodes.shape[1])], axis=1)
    mesh = np.stack([spline(rows[r], fine[1] + 1) for r in range(rows.shape[0])])
    plates: list[Plate] = []
    for i in range(fine[0]):
        for j in range(fine[1]):
            a, b, c, d = mesh[i, j], mesh[i + 1, j], mesh[i + 1, j + 1], mesh[i, j + 1]
            plates += [_plate(a, b, c), _plate(a, c, d)]
    return Chain(tuple(plates))


def _plate(a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]) -> Plate:
    radii = (float(a[3]), float(b[3]), float(c[3]))
    return Plate(vector(a[:3]), vector(b[:3]), vector(c[:3]), radii)


def ball(centre: ArrayLike, radius: float) -> Ellipsoid:
    """Draw a sphere."""
    return Ellipsoid(vector(centre), (radius, radius, radius))


def rod(a: ArrayLike, b: ArrayLike, radius_a: float, radius_b: float | None = None) -> Segment:
    """Draw a straight round bar, tapered where a second radius is given."""
    return Segment(vector(a), vector(b), radius_a, radius_a if radius_b is None else radius_b)
