"""Shapes made of shapes: cut, hollow, and a body swept through sections of changing size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

from fuzzyseg.simulation.phantom.shapes.implicit import Array, Points, Shape, Vector, flip

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class HalfSpace:
    """Everything on the far side of a plane from `normal`, which points out of the solid."""

    point: Vector
    normal: Vector

    @property
    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Endless: meant for cutting other shapes."""
        return np.full(3, -np.inf), np.full(3, np.inf)

    def distance(self, points: Points) -> Array:
        """Signed distance, exact."""
        n = np.array(self.normal) / np.linalg.norm(self.normal)
        x, y, z = (
            (p - np.float32(o)) * np.float32(c)
            for p, o, c in zip(points, self.point, n, strict=True)
        )
        return np.asarray(x + y + z)

    def mirrored(self) -> Self:
        """Reflect in the sagittal plane."""
        return replace(self, point=flip(self.point), normal=flip(self.normal))


@dataclass(frozen=True)
class Blend:
    """A union of shapes rounded over `blend_mm` where they meet."""

    shapes: tuple[Shape, ...]
    blend_mm: float

    @cached_property
    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The box of them all."""
        low = np.min([s.bounds[0] for s in self.shapes], axis=0)
        high = np.max([s.bounds[1] for s in self.shapes], axis=0)
        return low - self.blend_mm / 4, high + self.blend_mm / 4

    def distance(self, points: Points) -> Array:
        """Signed distance, first order."""
        d = self.shapes[0].distance(points)
        for shape in self.shapes[1:]:
            d = smooth_minimum(d, shape.distance(points), self.blend_mm)
        return d

    def mirrored(self) -> Self:
        """Reflect in the sagittal plane."""
        return replace(self, shapes=tuple(s.mirrored() for s in self.shapes))


@dataclass(frozen=True)
class Solid:
    """`base`, within every shape of `within` and outside every shape of `without`.

    Parameters
    ----------
    base : Shape
    within, without : tuple of Shape
    wall_mm : float, optional
        Keep only a wall of this thickness under the surface, before `without` is cut away.
    grow_mm : float, default 0
        Move the surface out (in, where negative) before `wall_mm` and `without`.
    """

    base: Shape
    within: tuple[Shape, ...] = ()
    without: tuple[Shape, ...] = ()
    wall_mm: float | None = None
    grow_mm: float = 0.0

    @cached_property
    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The base's box, cut to the boxes of `within`."""
        low, high = self.base.bounds
        for shape in self.within:
            low, high = np.maximum(low, shape.bounds[0]), np.minimum(high, shape.bounds[1])
        return low - max(self.grow_mm, 0.0), high + max(self.grow_mm, 0.0)

    def distance(self, points: Points) -> Array:
        """Signed distance, a lower bound near edges."""
        d = self.base.distance(points)
        for shape in self.within:
            d = np.maximum(d, shape.distance(points))
        d = d - np.float32(self.grow_mm)
        if self.wall_mm is not None:
            half = np.float32(self.wall_mm / 2)
            d = np.abs(d + half) - half
        for shape in self.without:
            d = np.maximum(d, -shape.distance(points))
        return d

    def mirrored(self) -> Self:
        """Reflect in the sagittal plane."""
        return replace(
            self,
            base=self.base.mirrored(),
            within=tuple(s.mirrored() for s in self.within),
            without=tuple(s.mirrored() for s in self.without),
        )


@dataclass(frozen=True)
class Profile:
    """A solid of superelliptic sections whose size changes with height.

    Parameters
    ----------
    rows : tuple of (z, half width, front y, back y), mm, rising in z
    power : float, default 2.4
        Exponent of the section: 2 an ellipse, more is boxier.
    centre_x : float, default 0
    grow_mm : float, default 0
        Move the surface out (in, where negative), on the sides only.
    """

    rows: tuple[tuple[float, float, float, float], ...]
    power: float = 2.4
    centre_x: float = 0.0
    grow_mm: float = 0.0

    @cached_property
    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The shape's box."""
        z, width, front, back = np.array(self.rows).T
        wide = width.max() + self.grow_mm
        low = np.array([self.centre_x - wide, back.min() - self.grow_mm, z[0]])
        high = np.array([self.centre_x + wide, front.max() + self.grow_mm, z[-1]])
        return low, high

    def distance(self, points: Points) -> Array:
        """Signed distance, first order across and exact at the ends."""
        x, y, z = points
        table = np.array(self.rows).T
        # Heights are looked up at a millimetre; a spline keeps the skin free of creases.
        fine = np.arange(table[0, 0], table[0, -1] + 1.0)
        width, front, back = (_smooth(table[0], row, fine) for row in table[1:])
        at = np.clip(np.rint(z - fine[0]), 0, fine.size - 1).astype(np.intp)
        grow = np.float32(self.grow_mm)
        a = np.maximum(width[at] + grow, 1)
        middle = (front + back)[at] / 2
        b = np.maximum((front - back)[at] / 2 + grow, 1)
        n = np.float32(self.power)
        u, w = np.abs(x - np.float32(self.centre_x)) / a + 1e-6, np.abs(y - middle) / b + 1e-6
        f = (u**n + w**n) ** (1 / n)
        slope = np.sqrt(((u / f) ** (n - 1) / a) ** 2 + ((w / f) ** (n - 1) / b) ** 2)
        sides = (f - 1) / slope
        ends = np.maximum(np.float32(fine[0]) - z, z - np.float32(fine[-1]))
        return np.asarray(np.maximum(sides, ends), dtype=np.float32)

    def mirrored(self) -> Self:
        """Reflect in the sagittal plane."""
        return replace(self, centre_x=-self.centre_x)


def _smooth(z: NDArray[np.float64], values: NDArray[np.float64], at: NDArray[np.float64]) -> Array:
    from scipy.interpolate import PchipInterpolator

    return np.asarray(PchipInterpolator(z, values)(at), dtype=np.float32)


def smooth_minimum(a: Array, b: Array, k: float) -> Array:
    """Minimum of two distances, rounded where they differ by less than k.

    References
    ----------
    .. [1] Quilez I. Smooth minimum. iquilezles.org/articles/smin, the quadratic polynomial.
    """
    if k <= 0:
        return np.minimum(a, b)
    h = np.maximum(np.float32(k) - np.abs(a - b), 0) / np.float32(k)
    return np.asarray(np.minimum(a, b) - h * h * np.float32(k * 0.25))
