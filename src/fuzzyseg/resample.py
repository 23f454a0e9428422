"""Bring one volume onto the grid of another, through their affines."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from fuzzyseg.conventions import FWHM_PER_SIGMA
from fuzzyseg.errors import InputError
from fuzzyseg.io.hounsfield import AIR_HU
from fuzzyseg.pairing import LOW_AGREEMENT, check_hu, check_identity, outline_overlap
from fuzzyseg.separable import apply_matrices, blur_matrix, linear_matrix
from fuzzyseg.volume import Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.volume import Study

# Below the first share of the smaller field two images are taken for strangers; below the
# second the user is told.
MIN_OVERLAP = 0.1
LOW_OVERLAP = 0.5
# Points along each axis of the smaller field at which its overlap is judged.
_PROBES = 48
# Slack at the faces of the field, in voxels: rounding must not push the last voxel outside.
_FACE_SLACK = 1e-4
# Axes that leave each other by less over the whole field, in voxels, are parallel.
_PARALLEL = 1e-4


def resample(
    moving: Volume, onto: Volume, *, order: Literal[0, 1, 2, 3, 4, 5] = 1, fill: float | None = None
) -> Volume:
    """Resample a volume onto another's grid.

    Where the target's voxels are larger, the moving image is first blurred so that each result
    averages what its voxel covers: a Gaussian whose FWHM is sqrt(target^2 - source^2), with both
    voxels' widths taken as the FWHM of their point spread.

    Parameters
    ----------
    moving : Volume
        The image to bring over, such as a CT.
    onto : Volume
        The image whose grid is wanted, such as a SPECT.
    order : int, default 1
        Order of the spline, 0 to 5. 0 takes the nearest voxel and does not blur, for labels.
    fill : float, optional
        Value outside the moving image's field; by default -1024 for HU, otherwise 0.

    Returns
    -------
    Volume
        On `onto`'s grid, with `moving`'s modality, unit and source; its warnings gain a
        sentence where the fields overlap by less than half.

    Raises
    ------
    InputError
        If the fields share less than a tenth of the smaller one.

    References
    ----------
    .. [1] Cardoso MJ, Modat M, Vercauteren T, Ourselin S. Scale factor point spread function
       matching: beyond aliasing in image resampling. MICCAI 2015, LNCS 9350:675-683.
    """
    warnings = _check_overlap(moving, onto)
    if fill is None:
        fill = AIR_HU if moving.unit == "HU" else 0.0
    sigma = _blur_sigma(moving, onto) if order > 0 else np.zeros(3)
    matrix = np.linalg.inv(moving.affine) @ onto.affine
    box = _needed(matrix, onto.shape, moving.shape, margin=4.0 * sigma + order + 2)
    array = moving.array[box]
    matrix[:3, 3] -= [part.start for part in box]
    along = _axes_along(matrix, onto.shape) if order == 1 else None
    result = (
        _splined(array, matrix, onto.shape, sigma, order)
        if along is None
        else _separately(array, matrix, onto.shape, sigma, along)
    )
    _fill_outside(result, np.linalg.inv(moving.affine) @ onto.affine, moving.shape, fill)
    said = moving.warnings + warnings
    # The headers are those of the other grid.
    return replace(moving, array=result, affine=onto.affine, warnings=said, headers=())


def _axes_along(
    matrix: NDArray[np.float64], shape: tuple[int, int, int]
) -> tuple[int, int, int] | None:
    """Axis of the target that runs along each of the moving image's; None if they are oblique."""
    x, y, z = (int(axis) for axis in np.abs(matrix[:3, :3]).argmax(axis=1))
    across = np.abs(matrix[:3, :3]) * np.array(shape)
    across[range(3), (x, y, z)] = 0
    if across.max() > _PARALLEL or {x, y, z} != {0, 1, 2}:
        return None
    return x, y, z


def _separately(
    array: NDArray[np.float32],
    matrix: NDArray[np.float64],
    shape: tuple[int, int, int],
    sigma: NDArray[np.float64],
    along: tuple[int, int, int],
) -> NDArray[np.float32]:
    """Blur and interpolate linearly, one axis after the other."""
    x, y, z = (
        linear_matrix(matrix[i, axis] * np.arange(shape[axis]) + matrix[i, 3], array.shape[i])
        @ blur_matrix(array.shape[i], float(sigma[i]))
        for i, axis in enumerate(along)
    )
    return apply_matrices((x, y, z), array).transpose(np.argsort(along))


def _splined(
    array: NDArray[np.float32],
    matrix: NDArray[np.float64],
    shape: tuple[int, int, int],
    sigma: NDArray[np.float64],
    order: Literal[0, 1, 2, 3, 4, 5],
) -> NDArray[np.float32]:
    from scipy import ndimage

    if sigma.any():
        array = ndimage.gaussian_filter(array, sigma, mode="nearest", output=np.float32)
    result: NDArray[np.float32] = ndimage.affine_transform(
        array,
        matrix[:3, :3],
        matrix[:3, 3],
        output_shape=shape,
        output=np.float32,
        order=order,
        mode="nearest",
    )
    return result


def align(study: Study, *, allow_mismatch: bool = False) -> Study:
    """Bring the CT of a study onto the grid of its SPECT, and check that they belong together.

    Parameters
    ----------
    study : Study
    allow_mismatch : bool
        Take images whose Patient IDs differ, with a warning.

    Returns
    -------
    Study
        With `outline_overlap`, and in the warnings of its CT what does not fit: another frame of
        reference, outlines of bodies that hardly agree, values that are no HU (of a CT alone
        too). The same study where there is nothing to do or say, or it has been through here.

    Raises
    ------
    InputError
        If the images do not belong together: they are of two patients, or their fields hardly
        overlap.
    """
    if study.ct is None or study.outline_overlap is not None:
        return study
    if study.spect is None:
        new = tuple(text for text in check_hu(study.ct) if text not in study.ct.warnings)
        told = replace(study.ct, warnings=study.ct.warnings + new)
        return replace(study, ct=told) if new else study
    said = check_identity(study, allow_mismatch=allow_mismatch) + check_hu(study.ct)
    ct = study.ct if study.aligned else resample(study.ct, study.spect)
    overlap = outline_overlap(study.spect, ct)
    if overlap is not None and overlap < LOW_AGREEMENT:
        said += (
            f"The body outlines in the SPECT and in the CT hardly agree ({overlap:.2f} of 1, "
            f"{LOW_AGREEMENT} expected): is the CT that of this patient, in the same position?",
        )
    elif overlap is not None and said:
        said += (f"The outlines of the bodies agree ({overlap:.2f} of 1).",)
    return replace(study, ct=replace(ct, warnings=ct.warnings + said), outline_overlap=overlap)


def overlap_fraction(a: Volume, b: Volume) -> float:
    """Share of the smaller of two fields of view that lies in the other, from 0 to 1.

    A field reaches to the outer faces of its voxels. Judged at 48 points along each axis, so
    accurate to about 0.02.
    """
    small, large = sorted((a, b), key=lambda v: v.voxel_volume_ml * math.prod(v.shape))
    steps = (np.arange(_PROBES) + 0.5) / _PROBES
    grid = np.stack(np.meshgrid(*[steps * n - 0.5 for n in small.shape], indexing="ij"))
    matrix = np.linalg.inv(large.affine) @ small.affine
    index = np.tensordot(matrix[:3, :3], grid, axes=1) + matrix[:3, 3, None, None, None]
    limit = np.reshape(large.shape, (3, 1, 1, 1)) - 0.5
    return float(((index >= -0.5) & (index <= limit)).all(axis=0).mean())


def _check_overlap(moving: Volume, onto: Volume) -> tuple[str, ...]:
    share = overlap_fraction(moving, onto)
    gap = float(np.linalg.norm(_centre(moving) - _centre(onto)))
    found = f"{100 * share:.0f}% of the smaller one's field, centres {gap:.0f} mm apart"
    if share < MIN_OVERLAP:
        raise InputError(
            f"expected two images of the same part of a patient, found an overlap of {found}; "
            "pass the CT of the same study, in the same frame of reference"
        )
    if share < LOW_OVERLAP:
        return (f"The images overlap little: {found}.",)
    return ()


def _centre(volume: Volume) -> NDArray[np.float64]:
    middle = (np.array(volume.shape) - 1) / 2
    return np.asarray(volume.affine[:3, :3] @ middle + volume.affine[:3, 3], dtype=np.float64)


def _blur_sigma(moving: Volume, onto: Volume) -> NDArray[np.float64]:
    """Find the blur's standard deviation along the moving image's axes, in its voxels."""
    own = np.array(moving.spacing_mm)
    directions = moving.affine[:3, :3] / own
    # Width of the target's voxel, a Gaussian with its spacings as FWHM, along those axes.
    wanted = np.linalg.norm(directions.T @ onto.affine[:3, :3], axis=1)
    sigma = np.sqrt(np.maximum(wanted**2 - own**2, 0.0)) / FWHM_PER_SIGMA / own
    # Rounding of equal spacings must not blur an image onto its own grid.
    return np.where(sigma < 0.05, 0.0, sigma)


def _needed(
    matrix: NDArray[np.float64],
    shape: tuple[int, int, int],
    available: tuple[int, int, int],
    margin: NDArray[np.float64],
) -> tuple[slice, slice, slice]:
    """Part of the moving array that a grid of `shape` draws on; never empty."""
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape])).reshape(3, -1)
    index = matrix[:3, :3] @ corners + matrix[:3, 3:]
    low = np.clip(np.floor(index.min(axis=1) - margin), 0, np.array(available) - 1).astype(int)
    high = np.clip(np.ceil(index.max(axis=1) + margin), 0, np.array(available) - 1).astype(int)
    x, y, z = (slice(int(a), int(b) + 1) for a, b in zip(low, high, strict=True))
    return x, y, z


def _fill_outside(
    result: NDArray[np.float32],
    matrix: NDArray[np.float64],
    shape: tuple[int, int, int],
    fill: float,
) -> None:
    """Write `fill` into the voxels of `result` whose centres lie outside a field, in place."""
    _, ny, nz = result.shape
    j, k = np.arange(ny)[:, None], np.arange(nz)[None, :]
    for i, plane in enumerate(result):
        outside = np.zeros((ny, nz), dtype=bool)
        for axis, length in enumerate(shape):
            a, b, c, d = matrix[axis]
            index = a * i + b * j + c * k + d
            outside |= (index < -0.5 - _FACE_SLACK) | (index > length - 0.5 + _FACE_SLACK)
        plane[outside] = fill


def isotropic(volume: Volume, spacing_mm: float, shape: tuple[int, int, int]) -> Volume:
    """Resample a volume onto voxels of one width along its own axes, about the same centre."""
    steps = spacing_mm / np.array(volume.spacing_mm)
    affine = volume.affine.copy()
    affine[:3, :3] *= steps
    offset = (np.array(volume.shape) - 1) / 2 - steps * (np.array(shape) - 1) / 2
    affine[:3, 3] += volume.affine[:3, :3] @ offset
    return resample(volume, Volume(np.zeros(shape, np.float32), affine))


def as_patient(volume: Volume) -> Volume:
    """Return a volume with its axes from left to right, back to front and feet to head (RAS)."""
    return reoriented(volume, Volume(np.zeros((1, 1, 1), np.float32), np.eye(4)))


def reoriented(volume: Volume, like: Volume) -> Volume:
    """Return a volume with its axes in the order and direction of another's.

    Voxels are only renumbered: nothing is interpolated, and every voxel stays in its place.

    Parameters
    ----------
    volume, like : Volume

    Returns
    -------
    Volume
        Its axes run along those of `like`, as nearly as turning and flipping allows.
    """
    from nibabel.orientations import (
        apply_orientation,
        inv_ornt_aff,
        io_orientation,
        ornt_transform,
    )

    change = ornt_transform(io_orientation(volume.affine), io_orientation(like.affine))
    affine = volume.affine @ inv_ornt_aff(change, volume.shape)
    return replace(volume, array=apply_orientation(volume.array, change), affine=affine)
