"""The regular grid a patient is sampled on: RAS, millimetres, axes along the body's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.errors import InputError, TooWideError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Grid:
    """Voxel centres at origin + index times spacing.

    Parameters
    ----------
    shape : (X, Y, Z)
    spacing_mm : (dx, dy, dz)
    origin_mm : (x, y, z)
        Centre of the first voxel; +x right, +y anterior, +z superior.
    """

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float]

    @property
    def affine(self) -> NDArray[np.float64]:
        """Voxel-to-millimetre matrix (4, 4)."""
        matrix = np.diag([*self.spacing_mm, 1.0])
        matrix[:3, 3] = self.origin_mm
        return matrix

    @property
    def voxel_ml(self) -> float:
        """Volume of a voxel in millilitres."""
        return float(np.prod(self.spacing_mm)) / 1000.0

    def cropped(self, first: int, last: int) -> Grid:
        """Return the grid of slices `first` to `last` - 1."""
        x, y, z = self.origin_mm
        shape = (self.shape[0], self.shape[1], last - first)
        return Grid(shape, self.spacing_mm, (x, y, z + first * self.spacing_mm[2]))

    def axis(self, i: int, factor: int = 1) -> NDArray[np.float64]:
        """Coordinates in mm along axis i, of `factor` samples a voxel."""
        step = self.spacing_mm[i] / factor
        first = self.origin_mm[i] - self.spacing_mm[i] / 2 + step / 2
        return np.asarray(first + step * np.arange(self.shape[i] * factor))

    @classmethod
    def covering(
        cls,
        low_mm: NDArray[np.float64],
        high_mm: NDArray[np.float64],
        spacing_mm: tuple[float, float, float],
        matrix: int | None = None,
    ) -> Grid:
        """Return the smallest grid, even along each axis, that holds a box.

        In-plane it lies around the box's middle, in z it begins at the box's lower end. Even
        numbers let two voxels be collapsed into one.

        Raises
        ------
        TooWideError
            If `matrix` voxels in-plane do not hold the box.
        """
        step = np.array(spacing_mm)
        counts = [math.ceil(n) for n in (high_mm - low_mm) / step]
        x, y, z = (n + n % 2 for n in counts)
        if matrix is not None:
            if max(x, y) > matrix:
                raise TooWideError(
                    f"expected a body within {matrix} x {matrix} voxels of {step[0]:g} mm, "
                    f"found {x} x {y}; use a larger matrix, larger voxels or a smaller patient"
                )
            x = y = matrix
        shape = (x, y, z)
        middle = (np.asarray(low_mm) + high_mm) / 2
        first = middle - step * (np.array(shape) - 1) / 2
        first[2] = low_mm[2] + step[2] / 2
        return cls(shape, spacing_mm, (float(first[0]), float(first[1]), float(first[2])))


def check_spacing(voxel_mm: float | tuple[float, float, float]) -> tuple[float, float, float]:
    """Three voxel widths in mm; the first two must agree, for a camera turns around z.

    Raises
    ------
    InputError
        If a width is not a positive number, or the first two differ by more than 1%.
    """
    widths = np.broadcast_to(np.asarray(voxel_mm, dtype=float), 3)
    if not (np.isfinite(widths).all() and (widths > 0).all()):
        raise InputError(
            f"expected voxel widths above 0 mm, found {widths.tolist()}; give mm, such as 4.42"
        )
    x, y, z = (float(w) for w in widths)
    if abs(x - y) > 0.01 * max(x, y):
        raise InputError(
            f"expected voxels isotropic in-plane, found {x:g} x {y:g} mm; "
            "resample so that the first two widths agree, since the camera turns around z"
        )
    return x, y, z
