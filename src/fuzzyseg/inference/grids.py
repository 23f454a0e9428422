"""The grid a network runs on: axes along the patient's, voxels of the width it was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.resample import as_patient, isotropic, reoriented
from fuzzyseg.separable import apply_matrices, linear_matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.volume import Volume

_SAME = 0.05  # widths that differ by less than this are the same


def model_grid(volume: Volume, spacing_mm: float | None) -> Volume:
    """Bring a volume to axes from left to right, back to front, feet to head, and to a spacing.

    Parameters
    ----------
    volume : Volume
    spacing_mm : float or None
        Width of isotropic voxels; None, or one within 5% of the volume's own, keeps these.

    Returns
    -------
    Volume
        It covers the same field.
    """
    turned = as_patient(volume)
    widths = np.array(turned.spacing_mm)
    if spacing_mm is None or np.all(np.abs(widths / spacing_mm - 1) <= _SAME):
        return turned
    # The faces of the field stay where they are, to half a voxel.
    x, y, z = np.maximum(1, np.round(np.array(turned.shape) * widths / spacing_mm)).astype(int)
    return isotropic(turned, spacing_mm, (x, y, z))


def from_model_grid(
    memberships: NDArray[np.float32],
    grid: Volume,
    volume: Volume,
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Bring memberships from the grid of `model_grid` back to the volume's.

    Parameters
    ----------
    memberships : float32 ndarray of shape (C, *grid.shape)
        That sum to 1 over C.
    grid : Volume
        `model_grid(volume, ...)`.
    volume : Volume
    out : float32 ndarray of shape (C, *volume.shape), optional
        Where to put them.

    Returns
    -------
    float32 ndarray of shape (C, *volume.shape)
        Interpolated linearly where the grids' voxels differ; sums to 1 over C.
    """
    turned = reoriented(volume, grid)
    same = turned.shape == grid.shape and np.allclose(turned.affine, grid.affine)
    if out is None:
        if same and np.array_equal(turned.affine, volume.affine):
            return memberships
        out = _empty(len(memberships), volume.shape)
    if same:
        for mine, part in zip(out, memberships, strict=True):
            _turned(mine, volume, grid)[:] = part
        return out
    # The axes are parallel: only steps and offsets differ.
    matrix = np.linalg.inv(grid.affine) @ turned.affine
    x, y, z = (
        linear_matrix(matrix[i, i] * np.arange(turned.shape[i]) + matrix[i, 3], grid.shape[i])
        for i in range(3)
    )
    for mine, part in zip(out[1:], memberships[1:], strict=True):
        apply_matrices((x, y, z), part, _turned(mine, volume, grid))
    for first, *others in zip(*(u.T for u in out), strict=True):  # what the others leave
        np.subtract(1, sum(others), out=first)
        np.maximum(first, 0, out=first)
    return out


def _turned(array: NDArray[np.float32], volume: Volume, like: Volume) -> NDArray[np.float32]:
    """View an array on a volume's grid with its axes in the order and direction of another's."""
    from nibabel.orientations import apply_orientation, io_orientation, ornt_transform

    change = ornt_transform(io_orientation(volume.affine), io_orientation(like.affine))
    view: NDArray[np.float32] = apply_orientation(array, change)
    return view


def _empty(n_classes: int, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Make room for memberships (C, X, Y, Z), ordered in memory as (C, Z, Y, X)."""
    return np.empty((n_classes, *shape[::-1]), np.float32).transpose(0, 3, 2, 1)
