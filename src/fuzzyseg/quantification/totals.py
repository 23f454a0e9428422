"""Sums over a patient's lesions, and the skeleton."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.quantification.partial_volume import NO_RESOLUTION
from fuzzyseg.quantification.records import Patient

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from fuzzyseg.quantification.pieces import Components
    from fuzzyseg.quantification.records import Lesion
    from fuzzyseg.quantification.scales import Scales
    from fuzzyseg.volume import Volume

_HOTTEST = 5
_NO_BONE = "no class is called bone"


def patient_of(
    lesions: Sequence[Lesion],
    found: Components,
    bone: NDArray[np.bool_] | None,
    reference: float | None,
    scales: Scales,
    voxel_ml: float,
    resolution_mm: float | None,
) -> Patient:
    """Sum up lesions, and compare them with the skeleton; `bone` is None without such a class."""
    volume_ml = sum(each.volume_ml for each in lesions)
    # Every lesion has them, or none has: they are scales of one image.
    total = sum(each.total_suv_ml or 0.0 for each in lesions)
    activity = sum(each.activity_bq or 0.0 for each in lesions)
    corrected_total = sum(each.corrected_total_suv_ml or 0.0 for each in lesions)
    corrected_activity = sum(each.corrected_activity_bq or 0.0 for each in lesions)
    of_correction = ("lesion_corrected_total_suv_ml", "lesion_corrected_activity_bq")
    reasons = dict.fromkeys(of_correction if resolution_mm is None else (), NO_RESOLUTION)
    if scales.suv is None:
        suvs = ("lesion_total_suv_ml", "lesion_corrected_total_suv_ml")
        reasons |= dict.fromkeys(suvs, scales.no_suv)
    if scales.bq is None:
        activities = ("lesion_activity_bq", "lesion_corrected_activity_bq")
        reasons |= dict.fromkeys(activities, scales.no_bq)
    suv_unknown, bq_unknown = (name in reasons for name in of_correction)
    bone_ml = None if bone is None else int(bone.sum()) * voxel_ml
    skeleton_ml = None if bone_ml is None else bone_ml + volume_ml
    if not skeleton_ml:
        why = _NO_BONE if bone_ml is None else "no bone was found"
        reasons["spect_skeletal_burden_percent"] = why
    if bone_ml is None:
        reasons |= dict.fromkeys(("bone_volume_ml", "skeleton_volume_ml"), _NO_BONE)
    if reference is None:
        reasons["bone_reference"] = "too little bone far from lesions"
    hottest = sorted(lesions, key=lambda each: -(each.image_max or 0.0))[:_HOTTEST]
    return Patient(
        lesion_count=len(lesions),
        lesion_volume_ml=volume_ml,
        lesion_total_suv_ml=None if scales.suv is None else total,
        lesion_activity_bq=None if scales.bq is None else activity,
        lesion_corrected_total_suv_ml=None if suv_unknown else corrected_total,
        lesion_corrected_activity_bq=None if bq_unknown else corrected_activity,
        bone_volume_ml=bone_ml,
        skeleton_volume_ml=skeleton_ml,
        spect_skeletal_burden_percent=100 * volume_ml / skeleton_ml if skeleton_ml else None,
        bone_reference=reference,
        hottest=tuple(each.number for each in hottest),
        left_out_pieces=found.left_out,
        left_out_ml=found.left_out_voxels * voxel_ml,
        reasons=reasons,
    )


def without_lesion_class(
    bone: NDArray[np.bool_] | None, volume: Volume, names: Sequence[str]
) -> Patient:
    """Measure the bone alone, and say why there is nothing on lesions."""
    why = f"the classes are {', '.join(names)}: none is called lesion"
    unknown = (
        "lesion_count", "lesion_volume_ml", "lesion_total_suv_ml", "lesion_activity_bq",
        "lesion_corrected_total_suv_ml", "lesion_corrected_activity_bq",
        "spect_skeletal_burden_percent", "bone_reference",
    )  # fmt: skip
    bone_ml = None if bone is None else int(bone.sum()) * volume.voxel_volume_ml
    reasons = dict.fromkeys(unknown, why)
    if bone_ml is None:
        reasons |= dict.fromkeys(("bone_volume_ml", "skeleton_volume_ml"), _NO_BONE)
    return Patient(
        lesion_count=None,
        lesion_volume_ml=None,
        lesion_total_suv_ml=None,
        lesion_activity_bq=None,
        lesion_corrected_total_suv_ml=None,
        lesion_corrected_activity_bq=None,
        bone_volume_ml=bone_ml,
        skeleton_volume_ml=bone_ml,
        spect_skeletal_burden_percent=None,
        bone_reference=None,
        reasons=reasons,
    )
