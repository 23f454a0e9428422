"""Rigid registration of a CT to the SPECT beside it, bone on bone."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.body import body_only
from fuzzyseg.conventions import FWHM_PER_SIGMA
from fuzzyseg.pairing import check_identity, warm_level
from fuzzyseg.resample import as_patient, isotropic, resample
from fuzzyseg.rigid import Correlation, matrix_of, rotation_vector, three
from fuzzyseg.volume import Registration, Study, Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float32]
    Vector = NDArray[np.float64]

GRID_MM = 5.0  # images are compared on voxels of this width
BLUR_MM = (20.0, 12.0)  # FWHM at which they are compared, coarse to fine
RESPONSE_MM = 12.0  # FWHM of SPECT around bone: a CT's bone is blurred to it
AROUND_MM = 60.0  # FWHM of the surroundings that bone stands out from
BONE_HU, SOLID_HU = 100.0, 600.0  # density counts from the first, up to the second
HOT = 4.0  # uptake counts up to this many times the mean of what is above the mean
BODY = 0.05  # SPECT below this share of that mean is outside the body
EDGE = 0.04  # standing out by less is nowhere near bone
POINTS = 15_000
# What is found is used only where the bones agree, and patients do not move further than that.
LEAST_AGREEMENT, LEAST_GAIN = 0.35, 0.002
MOST_MM, MOST_DEG = 30.0, 6.0
LEAST_MM = 0.5  # nothing in the field moves further: the CT stays
FAR_MM, FAR_DEG = 12.0, 3.0  # moved further than most patients move: the user is told
FITS, NO_BONE = "the images already fit", "too little bone in the field"


def register(study: Study, *, allow_mismatch: bool = False) -> Study:
    """Move the CT of a study so that its bone lies on the uptake of bone in the SPECT.

    Rigid: three shifts and three turns that maximise the correlation of bone in CT, blurred to
    the resolution of SPECT, with uptake; both stand out from their surroundings, and very hot
    places count no more than hot ones, so that a bladder or a lesion does not pull. The CT is not
    resampled: its affine changes.

    Parameters
    ----------
    study : Study
        As it was read: the CT on its own grid.
    allow_mismatch : bool
        Take images whose Patient IDs differ; `fuzzyseg.resample.align` then warns.

    Returns
    -------
    Study
        With `registration`; the same one where it holds one image or has been through here. The
        CT stays where too little bone agrees, the patient would have moved by more than 30 mm or
        6 degrees, or nothing moves by more than 0.5 mm.

    Raises
    ------
    InputError
        If the images are of two patients: before anything is computed.
    """
    if study.spect is None or study.ct is None or study.registration is not None:
        return study
    check_identity(study, allow_mismatch=allow_mismatch)
    found, move = _found(study.spect, study.ct)
    affine = move @ study.ct.affine if found.moved else study.ct.affine
    ct = replace(study.ct, affine=affine, warnings=study.ct.warnings + _warnings(found))
    return replace(study, ct=ct, registration=found)


def unregistered(study: Study) -> str:
    """Say why the CT of a study could not be brought onto its SPECT.

    Returns
    -------
    str
        Empty where it was, where it lay there already, and where nobody tried.
    """
    found = study.registration
    return "" if found is None or found.moved or found.reason == FITS else found.reason


def _warnings(found: Registration) -> tuple[str, ...]:
    """Say what the user should know, one sentence each."""
    if found.moved:
        shift, turn = float(np.linalg.norm(found.shift_mm)), float(np.linalg.norm(found.turn_deg))
        if shift < FAR_MM and turn < FAR_DEG:
            return ()
        return (
            f"The CT was moved by {shift:.0f} mm and turned by {turn:.1f} degrees to "
            "fit the SPECT: look at the preview, or switch this off with "
            "--no-register.",
        )
    if found.reason in {FITS, NO_BONE}:
        return ()
    return (f"The CT was not moved to fit the SPECT: {found.reason}.",)


def _found(spect: Volume, ct: Volume) -> tuple[Registration, Vector]:
    """Find how the CT moved, and the (4, 4) matrix in mm that brings it back."""
    grid = coarse(spect)
    uptake, bone, places = _features(grid, resample(ct, grid))
    if len(places) < POINTS // 100:
        return Registration(False, (0.0, 0.0), reason=NO_BONE), np.eye(4)
    middle = (np.array(grid.shape) - 1) / 2
    found = np.zeros(6)
    for blur_mm in BLUR_MM:
        sigma = math.sqrt(blur_mm**2 - RESPONSE_MM**2) / FWHM_PER_SIGMA / GRID_MM
        score = Correlation(blurred(uptake, sigma), blurred(bone, sigma), places, middle)
        found, best = score.highest(found)
    start = score.value(np.zeros(6))
    # From the grid's indices to mm: the CT's point that a SPECT's point falls on comes to it.
    matrix = matrix_of(found, middle)
    move = np.asarray(grid.affine @ np.linalg.inv(matrix) @ np.linalg.inv(grid.affine))
    centre = (grid.affine @ np.append(middle, 1.0))[:3]
    shift = (move @ np.append(centre, 1.0))[:3] - centre
    turned = np.degrees(rotation_vector(move[:3, :3]))
    corners = np.array(np.meshgrid(*[(0.0, n - 1.0) for n in grid.shape])).reshape(3, -1)
    there = grid.affine[:3, :3] @ corners + grid.affine[:3, 3:]
    furthest = np.linalg.norm(move[:3, :3] @ there + move[:3, 3:] - there, axis=0).max()
    reason = _refused(start, best, float(np.linalg.norm(shift)), turned, float(furthest))
    told = Registration(
        moved=not reason,
        agreement=(round(start, 4), round(best, 4)),
        shift_mm=three(shift),
        turn_deg=three(turned),
        reason=reason,
    )
    return told, move


def _refused(before: float, after: float, shift_mm: float, turn: Vector, furthest: float) -> str:
    """Say why a position is not taken; empty where it is."""
    if after < LEAST_AGREEMENT:
        return f"bone and uptake agree too little ({after:.2f} of 1, {LEAST_AGREEMENT} expected)"
    if shift_mm > MOST_MM or np.abs(turn).max() > MOST_DEG:
        return f"the best position is {shift_mm:.0f} mm and {np.abs(turn).max():.1f} degrees away"
    if after - before < LEAST_GAIN or furthest < LEAST_MM:
        return FITS
    return ""


def coarse(spect: Volume) -> Volume:
    """Bring a SPECT to axes along the patient's and voxels of `GRID_MM`."""
    turned = as_patient(spect)
    steps = GRID_MM / np.array(turned.spacing_mm)
    x, y, z = np.maximum(1, np.floor(np.array(turned.shape) / steps)).astype(int)
    return isotropic(turned, GRID_MM, (x, y, z))


def _features(spect: Volume, ct: Volume) -> tuple[Array, Array, Vector]:
    """Find uptake and bone as they stand out, and the points (N, 3) where they are compared."""
    from scipy import ndimage

    relative = relative_uptake(spect)
    if relative is None:
        return spect.array, ct.array, np.empty((0, 3))
    bone = outstanding_bone(ct)
    near = ndimage.maximum_filter(np.abs(bone) > EDGE, 3) & in_body(relative)
    return outstanding_uptake(relative), bone, some(near & (ct.array > ct.array.min()))


def relative_uptake(spect: Volume) -> Array | None:
    """Uptake over the level of what is warm, from 0 to `HOT`; None where nothing is warm."""
    level = warm_level(spect.array)
    if level is None or not level > 0:
        return None
    return np.asarray(np.clip(spect.array / np.float32(level), 0, HOT), np.float32)


def in_body(relative: Array) -> NDArray[np.bool_]:
    """Where the patient is, by `relative_uptake` on voxels of `GRID_MM`."""
    return np.asarray(blurred(relative, RESPONSE_MM / FWHM_PER_SIGMA / GRID_MM) > BODY)


def outstanding_uptake(relative: Array) -> Array:
    """How `relative_uptake` stands out from its surroundings, on voxels of `GRID_MM`."""
    return _outstanding(np.sqrt(relative))


def outstanding_bone(ct: Volume) -> Array:
    """How bone in a CT, seen at the resolution of SPECT, does; on voxels of `GRID_MM`."""
    hu = body_only(ct).array
    density = np.clip((hu - BONE_HU) / (SOLID_HU - BONE_HU), 0, 1).astype(np.float32)
    return _outstanding(np.sqrt(blurred(density, RESPONSE_MM / FWHM_PER_SIGMA / GRID_MM)))


def some(where: NDArray[np.bool_]) -> Vector:
    """Choose voxels out of a mask, `POINTS` of them at most; their indices (N, 3)."""
    places = np.argwhere(where)
    chosen = np.random.default_rng(0).permutation(len(places))[:POINTS]
    return np.asarray(places[chosen], np.float64)


def blurred(array: Array, sigma: float) -> Array:
    """Blur by a Gaussian of `sigma` voxels."""
    from scipy import ndimage

    return np.asarray(ndimage.gaussian_filter(array, sigma, truncate=3.0, output=np.float32))


def _outstanding(array: Array) -> Array:
    return np.asarray(array - blurred(array, AROUND_MM / FWHM_PER_SIGMA / GRID_MM), np.float32)
