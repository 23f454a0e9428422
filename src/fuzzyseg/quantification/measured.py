"""From a segmentation to its measures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.quantification.around import bone_reference, nearest_lesion
from fuzzyseg.quantification.bladder import find_bladder
from fuzzyseg.quantification.extent import places_mm
from fuzzyseg.quantification.fuzzy_sums import (
    THRESHOLDS,
    FuzzySums,
    fuzzy_sums,
    threshold_curve,
)
from fuzzyseg.quantification.interval import calibration_of
from fuzzyseg.quantification.lesion import NO_CT, Surroundings, measure, times
from fuzzyseg.quantification.measuring import (
    Measuring,
    calibrated,
    check_measuring,
    known_administration,
    known_half_life_s,
)
from fuzzyseg.quantification.notes import notes_on
from fuzzyseg.quantification.peak import sphere_weights
from fuzzyseg.quantification.pieces import Components, components
from fuzzyseg.quantification.records import Amount, Lesion, Patient, Quantification
from fuzzyseg.quantification.scales import Scales, scales_of
from fuzzyseg.quantification.skeleton import Skeleton, find_landmarks
from fuzzyseg.quantification.totals import patient_of, without_lesion_class

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.models.card import Intervals
    from fuzzyseg.quantification.bladder import Bladder
    from fuzzyseg.volume import Segmentation, Volume


def quantify(
    segmentation: Segmentation,
    *,
    ct: Volume | None = None,
    no_ct: str = NO_CT,
    measuring: Measuring | None = None,
) -> Quantification:
    """Measure the lesions of a segmentation, and the patient.

    Parameters
    ----------
    segmentation : Segmentation
        Its classes "bone" and "lesion" are measured in its image.
    ct : Volume, optional
        Beside a SPECT, on any grid: best on its own, where the spread of HU is not blurred.
    no_ct : str
        Why there is none, for the lesions' reasons.
    measuring : Measuring, optional

    Returns
    -------
    Quantification
        Without a class of lesions, as of a CT alone, what concerns them is None with a reason.

    Raises
    ------
    InputError
        If a number in `measuring` is impossible or contradicts the image, or `ct` is no CT.
    """
    measuring = measuring or Measuring()
    check_measuring(measuring)
    if ct is not None and ct.modality != "CT":
        raise InputError(f"expected a CT under the lesions, found {ct.modality}; give the CT")
    volume = calibrated(segmentation.volume, measuring)
    scales = scales_of(volume, measuring)
    names = segmentation.class_names
    bone = segmentation.labels == names.index("bone") if "bone" in names else None
    if "lesion" not in names:
        empty = np.zeros(volume.shape, np.int32)
        patient = without_lesion_class(bone, volume, names)
        return _quantification((), patient, None, (), empty, scales, volume, measuring)
    k = names.index("lesion")
    found = components(
        segmentation.labels == k,
        volume.affine,
        merge_mm=measuring.merge_mm,
        min_ml=measuring.min_ml,
    )
    owner, distance_mm = nearest_lesion(found.labels, volume.spacing_mm)
    voxel_ml = volume.voxel_volume_ml
    reference = None if bone is None else bone_reference(volume.array, bone, distance_mm, voxel_ml)
    membership = segmentation.memberships[k]
    calibration = calibration_of(segmentation.provenance)
    around = Surroundings(
        volume=volume,
        scales=scales,
        labels=found.labels,
        owner=owner,
        distance_mm=distance_mm,
        memberships=segmentation.memberships,
        k=k,
        weights=sphere_weights(volume.affine),
        reference=reference,
        ct=ct,
        no_ct=no_ct,
        skeleton=_skeleton(bone, found.labels, volume),
        resolution_mm=measuring.resolution_mm,
        calibration=calibration,
    )
    lesions = tuple(
        measure(number, index, around) for number, index in enumerate(_indices(found), start=1)
    )
    sums = fuzzy_sums(membership, volume.array, voxel_ml)
    curve = threshold_curve(membership, volume.array, voxel_ml)
    return _quantification(
        lesions,
        patient_of(lesions, found, bone, reference, scales, voxel_ml, measuring.resolution_mm),
        _amount(None, sums, scales),
        tuple(_amount(t, s, scales) for t, s in zip(THRESHOLDS, curve, strict=True)),
        found.labels,
        scales,
        volume,
        measuring,
        None if isinstance(calibration, str) else calibration,
        find_bladder(volume, found.labels, reference) if volume.modality != "CT" else None,
    )


def _skeleton(
    bone: NDArray[np.bool_] | None, labels: NDArray[np.int32], volume: Volume
) -> Skeleton | str:
    """Landmarks of bone and lesions together, or why there are none."""
    if bone is None:
        return "no class is called bone"
    index = np.argwhere(bone | (labels > 0))
    return find_landmarks(places_mm(index, volume.affine), volume.voxel_volume_ml)


def _indices(found: Components) -> list[NDArray[np.intp]]:
    """Voxels (N, 3) of each lesion."""
    index = np.argwhere(found.labels)
    order = np.argsort(found.labels[tuple(index.T)], kind="stable")
    return np.split(index[order], np.cumsum(found.voxels)[:-1]) if len(found.voxels) else []


def _amount(threshold: float | None, sums: FuzzySums, scales: Scales) -> Amount:
    return Amount(
        threshold, sums.volume_ml, times(sums.total, scales.suv), times(sums.total, scales.bq)
    )


def _quantification(
    lesions: tuple[Lesion, ...],
    patient: Patient,
    fuzzy: Amount | None,
    curve: tuple[Amount, ...],
    labels: NDArray[np.int32],
    scales: Scales,
    volume: Volume,
    measuring: Measuring,
    intervals: Intervals | None = None,
    bladder: Bladder | None = None,
) -> Quantification:
    emission = volume.modality != "CT"
    return Quantification(
        lesions=lesions,
        patient=patient,
        fuzzy=fuzzy,
        curve=curve,
        labels=labels,
        scales=scales,
        given=known_administration(volume, measuring),
        half_life_s=known_half_life_s(volume, measuring) if emission else None,
        measuring=measuring,
        notes=notes_on(lesions, scales, volume, measuring, bladder) if emission else (),
        intervals=intervals,
    )
