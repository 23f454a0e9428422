"""Measures of one lesion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.quantification.around import REACH_MM
from fuzzyseg.quantification.ct_values import values_under
from fuzzyseg.quantification.extent import at_border, longest_diameter_mm, places_mm
from fuzzyseg.quantification.fuzzy_sums import FuzzySums, fuzzy_sums
from fuzzyseg.quantification.interval import Limits, limits
from fuzzyseg.quantification.partial_volume import NO_RESOLUTION, REACH_FWHM, recovered
from fuzzyseg.quantification.peak import peak
from fuzzyseg.quantification.records import Lesion
from fuzzyseg.quantification.site import site

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.models.card import Intervals
    from fuzzyseg.quantification.scales import Scales
    from fuzzyseg.quantification.skeleton import Skeleton
    from fuzzyseg.volume import Volume

_OF_INTERVALS = (
    "volume_low_ml", "volume_high_ml", "total_suv_low_ml", "total_suv_high_ml",
    "activity_low_bq", "activity_high_bq", "interval_coverage",
)  # fmt: skip
_LEAST_COVERED = 0.5  # share of a lesion; what a CT shows of less says nothing of it
_LUNG_HU = -930.0  # no bone is in what is lighter
NO_CT = "no CT was given"
NO_DATA, SHOWS_AIR = "the CT has no data there", "the CT shows air there"
_NO_REFERENCE = "too little bone far from lesions for comparison"


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What all lesions of a study are measured in.

    Parameters
    ----------
    volume : Volume
        The image.
    scales : Scales
    labels, owner : int32 ndarray of shape (X, Y, Z)
        Numbers of lesions, and of the nearest one.
    distance_mm : float32 ndarray of shape (X, Y, Z)
        To the nearest one.
    memberships : float32 ndarray of shape (C, X, Y, Z)
    k : int
        Class of lesions.
    weights : float64 ndarray
        Of the sphere of SUVpeak.
    reference : float or None
        Of bone, in the image's unit.
    ct : Volume or None
    no_ct : str
        Why it is None.
    skeleton : Skeleton or str
        Its landmarks, or why there are none.
    resolution_mm : float or None
        FWHM of the image; None: uptake is not corrected for partial volume.
    calibration : Intervals or str
        Of intervals, or why there are none.
    """

    volume: Volume
    scales: Scales
    labels: NDArray[np.int32]
    owner: NDArray[np.int32]
    distance_mm: NDArray[np.float32]
    memberships: NDArray[np.float32]
    k: int
    weights: NDArray[np.float64]
    reference: float | None
    ct: Volume | None
    no_ct: str
    skeleton: Skeleton | str
    resolution_mm: float | None
    calibration: Intervals | str


def measure(number: int, index: NDArray[np.intp], around: Surroundings) -> Lesion:
    """Measure a lesion.

    Parameters
    ----------
    number : int
    index : ndarray of shape (N, 3)
        Its voxels.
    around : Surroundings
    """
    volume, scales = around.volume, around.scales
    voxel_ml = volume.voxel_volume_ml
    values = volume.array[tuple(index.T)]
    places = places_mm(index, volume.affine)
    mean = float(values.mean(dtype=np.float64))
    highest, sphere = float(values.max()), peak(volume.array, index, around.weights)
    volume_ml = len(index) * voxel_ml
    fuzzy = _fuzzy(number, index, around)
    corrected = _corrected(number, index, around)
    hu, no_hu = _hu(number, index, around)
    ratio = mean / around.reference if around.reference and around.reference > 0 else None
    between, coverage, unsure = _limits(index, volume_ml, fuzzy, mean * volume_ml, around)
    reasons = unsure | _unknown(scales, corrected is None, ratio is None, no_hu)
    centre = places.mean(axis=0)
    x, y, z = centre
    where, sure = None, None
    if isinstance(around.skeleton, str):
        reasons |= dict.fromkeys(("site", "site_confidence"), around.skeleton)
    else:
        where, sure, why = site(centre, around.skeleton)
        reasons |= {"site": why} if why else {}
    flip = -1.0 if volume.file_frame == "LPS" else 1.0
    return Lesion(
        number=number,
        volume_ml=volume_ml,
        longest_diameter_mm=longest_diameter_mm(places, voxel_ml),
        centroid_mm=(flip * float(x), flip * float(y), float(z)),
        frame=volume.file_frame,
        at_border=at_border(index, volume.shape),
        image_max=highest,
        image_mean=mean,
        image_peak=sphere,
        suv_max=times(highest, scales.suv),
        suv_mean=times(mean, scales.suv),
        suv_peak=times(sphere, scales.suv),
        total_suv_ml=times(mean * volume_ml, scales.suv),
        activity_bq=times(mean * volume_ml, scales.bq),
        to_bone=ratio,
        fuzzy_volume_ml=fuzzy.volume_ml,
        fuzzy_total_suv_ml=times(fuzzy.total, scales.suv),
        fuzzy_activity_bq=times(fuzzy.total, scales.bq),
        corrected_total_suv_ml=times(corrected, scales.suv),
        corrected_activity_bq=times(corrected, scales.bq),
        volume_low_ml=None if between is None else between.volume[0],
        volume_high_ml=None if between is None else between.volume[1],
        total_suv_low_ml=None if between is None else times(between.uptake[0], scales.suv),
        total_suv_high_ml=None if between is None else times(between.uptake[1], scales.suv),
        activity_low_bq=None if between is None else times(between.uptake[0], scales.bq),
        activity_high_bq=None if between is None else times(between.uptake[1], scales.bq),
        interval_coverage=coverage,
        hu_mean=None if no_hu else float(hu.mean(dtype=np.float64)),
        hu_sd=None if no_hu else float(hu.std(dtype=np.float64)),
        site=where,
        site_confidence=sure,
        reasons=reasons,
    )


def _unknown(scales: Scales, no_resolution: bool, no_ratio: bool, no_hu: str) -> dict[str, str]:
    """Name the measures that a lesion has not, and why; the last reason of each holds."""
    reasons: dict[str, str] = {}
    if no_resolution:
        corrected = ("corrected_total_suv_ml", "corrected_activity_bq")
        reasons |= dict.fromkeys(corrected, NO_RESOLUTION)
    if no_ratio:
        reasons["to_bone"] = _NO_REFERENCE
    if scales.suv is None:
        suvs = ("suv_max", "suv_mean", "suv_peak")
        totals = ("total_suv_ml", "fuzzy_total_suv_ml", "corrected_total_suv_ml")
        ends = ("total_suv_low_ml", "total_suv_high_ml")
        reasons |= dict.fromkeys((*suvs, *totals, *ends), scales.no_suv)
    if scales.bq is None:
        activities = ("activity_bq", "fuzzy_activity_bq", "corrected_activity_bq")
        ends = ("activity_low_bq", "activity_high_bq")
        reasons |= dict.fromkeys((*activities, *ends), scales.no_bq)
    if no_hu:
        reasons |= dict.fromkeys(("hu_mean", "hu_sd"), no_hu)
    return reasons


def times(value: float | None, scale: float | None) -> float | None:
    """Scale a value; None where there is no value or no scale."""
    return None if value is None or scale is None else value * scale


def _fuzzy(number: int, index: NDArray[np.intp], around: Surroundings) -> FuzzySums:
    box = _box(index, around, REACH_MM)
    own = _own(number, box, around)
    return fuzzy_sums(
        around.memberships[around.k, *box][own],
        around.volume.array[box][own],
        around.volume.voxel_volume_ml,
    )


def _corrected(number: int, index: NDArray[np.intp], around: Surroundings) -> float | None:
    """Uptake corrected for partial volume, in the image's unit times mL."""
    fwhm_mm = around.resolution_mm
    if fwhm_mm is None:
        return None
    box = _box(index, around, REACH_MM + REACH_FWHM * fwhm_mm)
    found = recovered(
        around.volume.array[box],
        around.memberships[:, *box],
        _own(number, box, around),
        around.k,
        fwhm_mm,
        around.volume.spacing_mm,
    )
    return found.by_voxel * around.volume.voxel_volume_ml


def _limits(
    index: NDArray[np.intp],
    volume_ml: float,
    fuzzy: FuzzySums,
    uptake: float,
    around: Surroundings,
) -> tuple[Limits | None, float | None, dict[str, str]]:
    """Interval of a lesion, its coverage, and why there is none, by field."""
    calibration = around.calibration
    if isinstance(calibration, str):
        why = calibration
    elif at_border(index, around.volume.shape):
        why = "the field cuts it off"
    else:
        found = limits(volume_ml, fuzzy.volume_ml, uptake, calibration)
        if not isinstance(found, str):
            return found, calibration.coverage, {}
        why = found
    return None, None, dict.fromkeys(_OF_INTERVALS, why)


def _box(
    index: NDArray[np.intp], around: Surroundings, margin_mm: float
) -> tuple[slice, slice, slice]:
    margin = np.ceil(margin_mm / np.array(around.volume.spacing_mm)).astype(int)
    low = np.maximum(index.min(axis=0) - margin, 0)
    x, y, z = (slice(a, b) for a, b in zip(low, index.max(axis=0) + margin + 1, strict=True))
    return x, y, z


def _own(number: int, box: tuple[slice, slice, slice], around: Surroundings) -> NDArray[np.bool_]:
    """Voxels of a box that are nearest to a lesion, and near it."""
    return np.asarray((around.owner[box] == number) & (around.distance_mm[box] <= REACH_MM))


def _hu(
    number: int, index: NDArray[np.intp], around: Surroundings
) -> tuple[NDArray[np.float32], str]:
    """HU under a lesion, and why there are none."""
    none = np.zeros(0, np.float32)
    if around.ct is None:
        return none, around.no_ct
    if around.ct.unit != "HU":
        return none, "the CT is not in HU"
    found = values_under(around.labels, number, index, around.volume.affine, around.ct)
    least = _LEAST_COVERED * len(index) * around.volume.voxel_volume_ml
    if not found.size or found.size * around.ct.voxel_volume_ml < least:
        return none, NO_DATA
    return found, SHOWS_AIR if np.median(found) < _LUNG_HU else ""
