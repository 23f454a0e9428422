"""Rigid motions that bring one image onto another: their correlation, climbed by its gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float32]
    Vector = NDArray[np.float64]

_STEP_RAD = 0.01  # of a turn that is worth about as much as a step of 1 voxel


class Correlation:
    """Correlation of an image, at some places, with another in another position.

    A position has six numbers: shifts in voxels, and a rotation vector in units of `_STEP_RAD`
    about a middle.

    Parameters
    ----------
    fixed, moving : float32 ndarray of shape (X, Y, Z)
        On voxels of one width; where fields differ, their shapes do.
    places : float64 ndarray of shape (N, 3)
        Indices of `fixed` at which they are compared.
    middle : float64 ndarray of shape (3,)
        Index of `fixed` about which a position turns.
    """

    def __init__(self, fixed: Array, moving: Array, places: Vector, middle: Vector) -> None:
        from scipy import ndimage

        self._from_middle, self._middle = places - middle, middle
        mine = ndimage.map_coordinates(fixed, places.T, order=1, output=np.float64)
        mine -= mine.mean()
        self._mine = mine / max(float(np.linalg.norm(mine)), 1e-12)
        self._moving = moving
        self._slopes: list[Array] = [np.gradient(moving, axis=axis) for axis in range(3)]

    def value(self, position: Vector) -> float:
        """Correlation, from -1 to 1, in a position (6,)."""
        return -self._negative(position)[0]

    def highest(self, start: Vector) -> tuple[Vector, float]:
        """Climb from a position (6,) to the nearest best one, and its correlation."""
        from scipy import optimize

        found = optimize.minimize(
            self._negative, start, jac=True, method="BFGS", options={"maxiter": 40, "gtol": 1e-5}
        )
        return np.asarray(found.x, np.float64), -float(found.fun)

    def _negative(self, position: Vector) -> tuple[float, Vector]:
        turned = self._from_middle @ rotation(position[3:] * _STEP_RAD).T
        at = (turned + self._middle + position[:3]).T
        theirs = self._at(self._moving, at)
        theirs -= theirs.mean()
        length = max(float(np.linalg.norm(theirs)), 1e-12)
        score = float(self._mine @ theirs) / length
        weights = (self._mine - score * theirs / length) / length
        pull = weights[:, None] * np.stack([self._at(s, at) for s in self._slopes], axis=1)
        # To first order a further turn w moves a point by w x (its place from the middle).
        turning = np.cross(turned, pull).sum(axis=0) * _STEP_RAD
        return -score, -np.concatenate([pull.sum(axis=0), turning])

    @staticmethod
    def _at(array: Array, at: Vector) -> Vector:
        from scipy import ndimage

        return np.asarray(
            ndimage.map_coordinates(array, at, order=1, mode="nearest", output=np.float64)
        )


def matrix_of(position: Vector, middle: Vector) -> Vector:
    """Matrix (4, 4) from indices of the fixed image to those of the moving one."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation(position[3:] * _STEP_RAD)
    matrix[:3, 3] = middle + position[:3] - matrix[:3, :3] @ middle
    return matrix


def rotation(vector: Vector) -> Vector:
    """Matrix (3, 3) of a rotation vector (3,) in radians."""
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_rotvec(vector).as_matrix(), np.float64)


def rotation_vector(matrix: Vector) -> Vector:
    """Rotation vector (3,) in radians of a matrix (3, 3)."""
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_matrix(matrix).as_rotvec(), np.float64)


def three(values: Vector) -> tuple[float, float, float]:
    """Round three numbers to what is worth telling: 0.001."""
    x, y, z = (round(float(v), 3) for v in values)
    return x, y, z
