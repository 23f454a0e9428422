"""Implicit shapes: each knows its bounding box and a signed distance, negative inside.

Distances are exact for round tubes of constant radius and plates, and right to first order near
the surface elsewhere, (f - 1) / |grad f|, which is all that a boundary fraction or a cortical
shell of a few millimetres needs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Vector = tuple[float, float, float]
Array = np.ndarray[Any, np.dtype[np.float32]]
Points = tuple[Array, Array, Array]  # x, y and z in mm, of one shape
_TINY = np.float32(1e-6)


class Shape(Protocol):
    """What the voxeliser asks of a shape."""

    @property
    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lowest and highest corner of a box that holds the shape, in mm."""

    def distance(self, points: Points) -> Array:
        """Signed distance in mm, negative inside."""

    def mirrored(self) -> Self:
        """Exchange x and -x: the body's other side."""


def vector(values: ArrayLike) -> Vector:
    """Three floats as a tuple, so that shapes stay hashable and printable."""
    x, y, z = np.asarray(values, dtype=float)
    return float(x), float(y), float(z)


def flip(v: Vector) -> Vector:
    """Reflect in the sagittal plane."""
    return -v[0], v[1], v[2]


def _dot(a: Points, b: Vector) -> Array:
    sum_ = a[0] * np.float32(b[0]) + a[1] * np.float32(b[1]) + a[2] * np.float32(b[2])
    return np.asarray(sum_, dtype=np.float32)


def _from(points: Points, origin: Vector) -> Points:
    x, y, z = (p - np.float32(o) for p, o in zip(points, origin, strict=True))
    return x, y, z


def _norm(v: Points) -> Array:
    return np.asarray(np.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]), dtype=np.float32)


@dataclass(frozen=True)
class Ellipsoid:
    """A superellipsoid: ((|x/a|^2 + |y/b|^2)^(n/2) + |z/c|^n)^(1/n) = 1.

    Parameters
    ----------
    centre : (x, y, z), mm
    radii : (a, b, c), mm
    axes : three unit vectors, default the body's
        Directions of a, b and c.
    power : float, default 2
        n above: 2 is an ellipsoid, 6 nearly an elliptic cylinder along c.
    """

    centre: Vector
    radii: Vector
    axes: tuple[Vector, Vector, Vector] = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    power: float = 2.0

    @cached_property
    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The shape's box, of the block that holds it."""
        axes = np.abs(np.array(self.axes))
        radii = np.array(self.radii)
        reach = np.sqrt((radii**2) @ axes**2) if self.power == 2.0 else radii @ axes
        return np.array(self.centre) - reach, np.array(self.centre) + reach

    def distance(self, points: Points) -> Array:
        """Signed distance, first order."""
        v = _from(points, self.centre)
        u, w, h = (
            _dot(v, axis) / np.float32(r) for axis, r in zip(self.axes, self.radii, strict=True)
        )
        a, b, c = (np.float32(r) for r in self.radii)
        round_ = np.sqrt(u * u + w * w) + _TINY
        tall = np.abs(h) + _TINY
        if self.power == 2.0:
            f = np.sqrt(round_ * round_ + tall * tall)
            slope = np.sqrt((u / a) ** 2 + (w / b) ** 2 + (h / c) ** 2) / f
        else:
            n = np.float32(self.power)
            # Shares of the larger one, so that no power overflows.
            larger = np.maximum(round_, tall)
            f = larger * ((round_ / larger) ** n + (tall / larger) ** n) ** (1 / n)
            side = (round_ / f) ** (n - 1) / round_
            slope = np.sqrt(
                side**2 * ((u / a) ** 2 + (w / b) ** 2) + ((tall / f) ** (n - 1) / c) ** 2
            )
        return np.asarray((f - 1) / (slope + _TINY), dtype=np.float32)

    def mirrored(self) -> Self:
        """Reflect in the sagittal plane."""
        a, b, c = (flip(axis) for axis in self.axes)
        return replace(self, centre=flip(self.centre), axes=(a, b, c))


@dataclass(frozen=True)
class Segment:
    """A round-ended cone from a to b, flattened along `normal` if asked.

    Parameters
    ----------
    a, b : (x, y, z), mm
    radius_a, radius_b : float, mm
        Radii at the ends, across `normal`.
    normal : unit vector, optional
        Direction in which the section is thinner.
    flatness : float, default 1
        How many times thinner.
    """

    a: Vector
    b: Vector
    radius_a: float
    radius_b: float
    normal: Vector = (1.0, 0.0, 0.0)
    flatness: float = 1.0

    @cached_property
    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The shape's box."""
        ends = np.array([self.a, self.b])
        radii = np.array([[self.radius_a], [self.radius_b]])
        return (ends - radii).min(axis=0), (ends + radii).max(axis=0)

    def distance(self, points: Points) -> Array:
        """Signed distance, first order."""
        along = np.subtract(self.b, self.a)
        v = _from(points, self.a)
        t = np.clip(_dot(v, vector(along)) / np.float32(along @ along + 1e-9), 0, 1)
        x, y, z = (p - t * np.float32(d) for p, d in zip(v, along, strict=True))
        v = (x, y, z)
        radius = np.float32(self.radius_a) + t * np.float32(self.radius_b - self.radius_a)
        if self.flatness == 1.0:
            return np.asarray(_norm(v) - radius, dtype=np.float32)
        across = _dot(v, self.normal)
        square = x * x + y * y + z * z
        s2 = np.float32(self.flatness**2)
        metric = np.sqrt(square + (s2 - 1) * across * across)
        slope = np.sqrt(square + (s2 * s2 - 1) * across * across) / (metric + _TINY)
        return np.asarray((metric - radius) / np.maximum(slope, 1), dtype=np.float32)

    def mirrored(self) -> Self:
        """Reflect in the sagittal plane."""
        return replace(self, a=flip(self.a), b=flip(self.b), normal=flip(self.normal))


@dataclass(frozen=True)
class Plate:
    """A triangle with rounded thickness, for thin bones: a, b, c with a radius at each corner."""

    a: Vector
    b: Vector
    c: Vector
    radii: Vector

    @cached_property
    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The shape's box."""
        corners = np.array([self.a, self.b, self.c])
        radii = np.array(self.radii)[:, None]
        return (corners - radii).min(axis=0), (corners + radii).max(axis=0)

    def distance(self, points: Points) -> Array:
        """Signed distance."""
        e, f = np.subtract(self.b, self.a), np.subtract(self.c, self.a)
        normal = np.cross(e, f)
        area = float(normal @ normal)
        v = _from(points, self.a)
        # Barycentric coordinates of the foot of the perpendicular.
        beta = _dot(v, vector(np.cross(f, normal) / area))
        gamma = _dot(v, vector(np.cross(normal, e) / area))
        alpha = 1 - beta - gamma
        ra, rb, rc = (np.float32(r) for r in self.radii)
        face = np.abs(_dot(v, vector(normal / np.sqrt(area)))) - (
            alpha * ra + beta * rb + gamma * rc
        )
        corners = (self.a, self.b, self.c)
        edges = [
            Segment(corners[i], corners[j], self.radii[i], self.radii[j]).distance(points)
            for i, j in ((0, 1), (1, 2), (2, 0))
        ]
        edge = np.minimum(np.minimum(edges[0], edges[1]), edges[2])
        inside = (alpha >= 0) & (beta >= 0) & (gamma >= 0)
        return np.where(inside, face, edge)

    def mirrored(self) -> Self:
        """Reflect in the sagittal plane."""
        return replace(self, a=flip(self.a), b=flip(self.b), c=flip(self.c))
