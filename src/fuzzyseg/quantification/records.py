"""What is known of a lesion, of a patient, and of a whole study: plain values.

A number that cannot be computed is None, and `reasons` says why; it is never 0 instead.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from fuzzyseg.administration import Administration
    from fuzzyseg.models.card import Intervals
    from fuzzyseg.quantification.measuring import Measuring
    from fuzzyseg.quantification.scales import Scales


@dataclass(frozen=True)
class Lesion:
    """One lesion, measured.

    Parameters
    ----------
    number : int
        From 1, the largest.
    volume_ml, longest_diameter_mm : float
    centroid_mm : tuple of 3 floats
        Mean of its voxels' centres, in `frame`.
    frame : {"RAS", "LPS"}
        Patient coordinates, as programs for the image's format give them: LPS for DICOM.
    at_border : bool
        It reaches the border of the field: part of it may lie outside, unmeasured.
    image_max, image_mean, image_peak : float or None
        In the image's own unit.
    suv_max, suv_mean, suv_peak : float or None
    total_suv_ml : float or None
        Mean SUV times volume, SUV mL.
    activity_bq : float or None
        Bq.
    to_bone : float or None
        Mean of the lesion over the reference of healthy bone.
    fuzzy_volume_ml, fuzzy_total_suv_ml, fuzzy_activity_bq : float or None
        Sums of u and u A over the voxels that are nearest to this lesion and near it.
    corrected_total_suv_ml, corrected_activity_bq : float or None
        Uptake corrected for partial volume voxel by voxel, where the resolution is known.
    volume_low_ml, volume_high_ml, total_suv_low_ml, total_suv_high_ml, activity_low_bq,
    activity_high_bq : float or None
        Between them lies the true figure of the share `interval_coverage` of lesions.
    interval_coverage : float or None
    hu_mean, hu_sd : float or None
        In the CT under it.
    site : str or None
        One of `site.SITES`.
    site_confidence : float or None
        From 0 to 1.
    reasons : mapping of str to str
        Why a number is None, by its name.
    """

    number: int
    volume_ml: float
    longest_diameter_mm: float
    centroid_mm: tuple[float, float, float]
    frame: Literal["RAS", "LPS"]
    at_border: bool
    image_max: float | None
    image_mean: float | None
    image_peak: float | None
    suv_max: float | None
    suv_mean: float | None
    suv_peak: float | None
    total_suv_ml: float | None
    activity_bq: float | None
    to_bone: float | None
    fuzzy_volume_ml: float | None
    fuzzy_total_suv_ml: float | None
    fuzzy_activity_bq: float | None
    corrected_total_suv_ml: float | None
    corrected_activity_bq: float | None
    volume_low_ml: float | None
    volume_high_ml: float | None
    total_suv_low_ml: float | None
    total_suv_high_ml: float | None
    activity_low_bq: float | None
    activity_high_bq: float | None
    interval_coverage: float | None
    hu_mean: float | None
    hu_sd: float | None
    site: str | None
    site_confidence: float | None
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Patient:
    """All lesions, and the skeleton.

    Parameters
    ----------
    lesion_count : int or None
    lesion_volume_ml, lesion_total_suv_ml, lesion_activity_bq : float or None
        Sums over the lesions.
    lesion_corrected_total_suv_ml, lesion_corrected_activity_bq : float or None
        Sums of what was corrected for partial volume.
    bone_volume_ml, skeleton_volume_ml : float or None
        Of the class bone; and of bone and lesions together.
    spect_skeletal_burden_percent : float or None
        Lesions' share of the skeleton's volume. It is not the Bone Scan Index of planar scans.
    bone_reference : float or None
        Median of the image in bone that is far from lesions, in the image's unit.
    hottest : tuple of int
        Numbers of the five lesions with the highest maximum, hottest first.
    left_out_pieces, left_out_ml
        Pieces too small to be lesions.
    reasons : mapping of str to str
    """

    lesion_count: int | None
    lesion_volume_ml: float | None
    lesion_total_suv_ml: float | None
    lesion_activity_bq: float | None
    lesion_corrected_total_suv_ml: float | None
    lesion_corrected_activity_bq: float | None
    bone_volume_ml: float | None
    skeleton_volume_ml: float | None
    spect_skeletal_burden_percent: float | None
    bone_reference: float | None
    hottest: tuple[int, ...] = ()
    left_out_pieces: int = 0
    left_out_ml: float = 0.0
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Amount:
    """Volume and uptake of lesions, by memberships; `threshold` None for plain sums."""

    threshold: float | None
    volume_ml: float
    total_suv_ml: float | None
    activity_bq: float | None


@dataclass(frozen=True, eq=False)
class Quantification:
    """A study, measured.

    Parameters
    ----------
    lesions : tuple of Lesion
        Largest first.
    patient : Patient
    fuzzy : Amount or None
        Sums of u and of u A over the whole image; None without a class of lesions.
    curve : tuple of Amount
        Volume and uptake of the voxels whose membership is at least a threshold.
    labels : int32 ndarray of shape (X, Y, Z)
        Each voxel's lesion, by number.
    scales : Scales
        Between units.
    given : Administration
        What SUV was computed from.
    half_life_s : float or None
    measuring : Measuring
    notes : tuple of str
        What to know when reading the numbers, one sentence each.
    intervals : Intervals or None
        By which lesions have intervals.
    """

    lesions: tuple[Lesion, ...]
    patient: Patient
    fuzzy: Amount | None
    curve: tuple[Amount, ...]
    labels: NDArray[np.int32]
    scales: Scales
    given: Administration
    half_life_s: float | None
    measuring: Measuring
    notes: tuple[str, ...] = ()
    intervals: Intervals | None = None
