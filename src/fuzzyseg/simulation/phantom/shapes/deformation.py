"""A smooth map of the body onto itself that cannot fold: a cubic B-spline displacement.

A patient's point p is drawn from the reference anatomy at p + u(p). The map has an inverse
wherever no coefficient exceeds 0.40 of the lattice spacing [1]_, which `draw` sees to.

Tissues are carried along unchanged (attenuation, Bq/mL of a tissue), so their volumes change; an
activity that was measured is multiplied by the Jacobian, so that its total is kept.

References
----------
.. [1] Choi Y, Lee S. Injectivity conditions of 2D and 3D uniform cubic B-spline functions.
   Graphical Models 2000;62:411-427: |coefficient| < spacing / 2.4795 in 3-D.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


INJECTIVE = 1 / 2.4795
# Share of that bound which is used: keeps local volume changes within about a third.
_USED = 0.6


@dataclass(frozen=True)
class Deformation:
    """Displacement u, in mm, on a lattice of control points.

    Parameters
    ----------
    origin_mm : (x, y, z)
        First control point.
    spacing_mm : float
        Between control points.
    coefficients : float64 ndarray of shape (3, A, B, C)
        Control displacements along x, y and z, in mm.
    linear : float64 ndarray of shape (3, 4)
        What a turn and a shift of the whole body add: [A t], a displacement A p + t.
    """

    origin_mm: tuple[float, float, float]
    spacing_mm: float
    coefficients: NDArray[np.float64]
    linear: NDArray[np.float64] = field(default_factory=lambda: np.zeros((3, 4)))

    @property
    def bend_mm(self) -> float:
        """Largest displacement along an axis that is possible, whole body aside."""
        return float(np.abs(self.coefficients).max(initial=0.0))

    @property
    def limit_mm(self) -> float:
        """Largest displacement along an axis that is possible on the lattice."""
        if not self.linear.any():
            return self.bend_mm
        last = self.spacing_mm * (np.array(self.coefficients.shape[1:]) - 1)
        ends = np.array(self.origin_mm)[:, None] + np.stack([np.zeros(3), last], axis=1)
        corners = np.array(np.meshgrid(*ends)).reshape(3, -1)
        moved = self.linear[:, :3] @ corners + self.linear[:, 3:]
        return self.bend_mm + float(np.abs(moved).max())

    @property
    def turn(self) -> float:
        """Largest slope of the whole body's displacement."""
        return float(np.linalg.norm(self.linear[:, :3], 2))

    def plus(self, other: Deformation) -> Deformation:
        """Add the bends of another on the same lattice, within the bound that keeps it unfolded."""
        bound = _USED * INJECTIVE * self.spacing_mm
        together = self.coefficients + other.coefficients
        return replace(self, coefficients=np.clip(together, -bound, bound))

    def moved(self, to_before: NDArray[np.float64]) -> Deformation:
        """Deformation of the same body elsewhere: bends go along with a shift, nearly with a turn.

        Parameters
        ----------
        to_before : float64 ndarray of shape (4, 4)
            From places after the motion to places before it, mm: rigid.
        """
        linear = (to_before - np.eye(4))[:3]
        low = np.array(self.origin_mm)
        middle = low + self.spacing_mm * (np.array(self.coefficients.shape[1:]) - 1) / 2
        x, y, z = (float(v) for v in low - linear[:, :3] @ middle - linear[:, 3])
        return replace(self, origin_mm=(x, y, z), linear=linear)

    def _basis(self, i: int, at: NDArray[np.float64], slope: bool) -> NDArray[np.float32]:
        n = self.coefficients.shape[i + 1]
        s = (np.asarray(at) - self.origin_mm[i]) / self.spacing_mm
        d = s[:, None] - np.arange(n)
        a = np.abs(d)
        if slope:
            near = -np.sign(d) * (2 * a - 1.5 * a * a)
            far = -np.sign(d) * (2 - a) ** 2 / 2
            values = np.where(a < 1, near, np.where(a < 2, far, 0.0)) / self.spacing_mm
        else:
            near = 2 / 3 - a * a + a**3 / 2
            values = np.where(a < 1, near, np.where(a < 2, (2 - a) ** 3 / 6, 0.0))
        return np.asarray(values, dtype=np.float32)

    def _sum(self, component: int, bases: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        c = self.coefficients[component].astype(np.float32)
        c = np.tensordot(bases[0], c, axes=(1, 0))
        c = np.matmul(bases[1], c)
        return np.asarray(np.matmul(c, bases[2].T), dtype=np.float32)

    def on_axes(self, axes: list[NDArray[np.float64]]) -> NDArray[np.float32]:
        """Displacement (3, X, Y, Z) in mm on the grid that three coordinate axes span."""
        bases = [self._basis(i, axis, False) for i, axis in enumerate(axes)]
        displacement = np.stack([self._sum(c, bases) for c in range(3)])
        if self.linear.any():
            x, y, z = np.ix_(*axes)
            for i, (a, b, c, t) in enumerate(self.linear):
                displacement[i] += (a * x + b * y + (c * z + t)).astype(np.float32)
        return displacement

    def jacobian(self, axes: list[NDArray[np.float64]]) -> NDArray[np.float32]:
        """Return det d(p + u) / dp, (X, Y, Z): volume of anatomy per volume of patient."""
        value = [self._basis(i, axis, False) for i, axis in enumerate(axes)]
        slope = [self._basis(i, axis, True) for i, axis in enumerate(axes)]
        rows = [
            [self._sum(c, [*value[:i], slope[i], *value[i + 1 :]]) for i in range(3)]
            for c in range(3)
        ]
        matrix = np.moveaxis(np.array(rows), (0, 1), (-2, -1))
        matrix = matrix + (np.eye(3) + self.linear[:, :3]).astype(np.float32)
        return np.asarray(np.linalg.det(matrix), dtype=np.float32)

    def inverse(self, points: NDArray[np.float64], steps: int = 7) -> NDArray[np.float64]:
        """Points p (N, 3) of the patient with p + u(p) = `points`, by fixed-point iteration."""
        p = points.copy()
        for _ in range(steps):
            p = points - self.at(p)
        return p

    def at(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Displacement (N, 3) in mm at points (N, 3)."""
        bases = [self._basis(i, points[:, i], False) for i in range(3)]
        return np.asarray(
            np.einsum("na,nb,nc,dabc->nd", *bases, self.coefficients, optimize=True)
            + (points @ self.linear[:, :3].T + self.linear[:, 3]),
            dtype=np.float64,
        )


def draw(
    rng: np.random.Generator,
    low_mm: NDArray[np.float64],
    high_mm: NDArray[np.float64],
    *,
    sd_mm: float = 12.0,
    spacing_mm: float = 90.0,
) -> Deformation:
    """Draw a deformation over a box; it does not depend on the voxels the box is divided into.

    Parameters
    ----------
    rng : Generator
    low_mm, high_mm : (x, y, z)
        Corners of the box where it is needed; the lattice reaches two spacings beyond.
    sd_mm : float, default 12
        Standard deviation of the control displacements, cut at 0.24 of the spacing; the body's
        own displacements are about a third of it.
    spacing_mm : float, default 90
        Between control points.

    Returns
    -------
    Deformation
        With a Jacobian above 0 everywhere.
    """
    low = np.asarray(low_mm) - 2 * spacing_mm
    extent = np.asarray(high_mm) - low_mm + 4 * spacing_mm
    counts = np.ceil(extent / spacing_mm).astype(int) + 1
    bound = _USED * INJECTIVE * spacing_mm
    coefficients = np.clip(rng.normal(0.0, sd_mm, (3, *counts)), -bound, bound)
    return Deformation((float(low[0]), float(low[1]), float(low[2])), spacing_mm, coefficients)


def none() -> Deformation:
    """Return the identity."""
    return Deformation((0.0, 0.0, 0.0), 1.0, np.zeros((3, 1, 1, 1)))


def sample_points(
    axes: list[NDArray[np.float64]], deformation: Deformation
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Where the samples of a grid are looked up: p + u(p) as x, y and z, each (X, Y, Z), mm."""
    p = deformation.on_axes(axes)
    for i in range(3):
        p[i] += np.reshape(axes[i], [-1 if j == i else 1 for j in range(3)]).astype(np.float32)
    return p[0], p[1], p[2]
