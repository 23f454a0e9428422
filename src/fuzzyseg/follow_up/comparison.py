"""From two days to what has changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.follow_up.alignment import Alignment, align_days
from fuzzyseg.follow_up.change import Change, changes_of
from fuzzyseg.follow_up.comparable_uptake import Uptake, comparable
from fuzzyseg.follow_up.repeatability import Repeatability, repeatability_of
from fuzzyseg.models.locate import bundled_models

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fuzzyseg.follow_up.day import Day

_SMALL_FIELD = 0.9  # of the skeleton: sums over less are not of the same bones
_NAMED = 5  # lesions that a note names
_WIDTH = 1.15  # ratio of voxels' widths from which images are taken for unlike


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two days of a patient, compared.

    Parameters
    ----------
    baseline, follow_up : Day
    alignment : Alignment
    uptake : Uptake
    limits : Repeatability
    changes : tuple of Change
        Every lesion of either day, the largest first.
    notes : tuple of str
        What to know when reading it, one sentence each.
    """

    baseline: Day
    follow_up: Day
    alignment: Alignment
    uptake: Uptake
    limits: Repeatability
    changes: tuple[Change, ...]
    notes: tuple[str, ...]


def compare(baseline: Day, follow_up: Day, *, allow_mismatch: bool = False) -> Comparison:
    """Align two days, match their lesions and say what has changed.

    Parameters
    ----------
    baseline, follow_up : Day
    allow_mismatch : bool
        Go on, with a note, where IDs or bones say that these are two patients.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If they are of two patients by their IDs or bones, or show no bones.
    """
    notes = _whose(baseline, follow_up, allow_mismatch=allow_mismatch)
    alignment = align_days(baseline, follow_up)
    if alignment.doubt:
        if not allow_mismatch:
            raise InputError(
                f"expected two scans of the same part of one patient, found that {alignment.doubt};"
                " check which results are given, or pass --allow-mismatch"
            )
        notes.append(f"The alignment is not to be trusted: {alignment.doubt}. It was allowed.")
    uptake = comparable(baseline, follow_up)
    limits = repeatability_of(follow_up.method)
    changes = changes_of(baseline, follow_up, alignment.baseline_from_follow_up, uptake, limits)
    notes += [*_remarks(baseline, follow_up, alignment, uptake, limits), *_cut(changes)]
    return Comparison(baseline, follow_up, alignment, uptake, limits, changes, tuple(notes))


def _whose(baseline: Day, follow_up: Day, *, allow_mismatch: bool) -> list[str]:
    """Compare Patient IDs, where both days' results hold them."""
    ids = (baseline.identity.patient, follow_up.identity.patient)
    if not all(ids):
        return []
    if ids[0] == ids[1]:
        return []
    if not allow_mismatch:
        raise InputError(
            "expected two scans of one patient, found two Patient IDs; give results of the same "
            "patient, or --allow-mismatch if the IDs are known to be one person's"
        )
    return ["The two days have different Patient IDs, which was allowed."]


def _remarks(
    baseline: Day, follow_up: Day, alignment: Alignment, uptake: Uptake, limits: Repeatability
) -> list[str]:
    notes = []
    if baseline.date and follow_up.date and follow_up.date < baseline.date:
        notes.append("The follow-up is of an earlier day than the baseline: they may be swapped.")
    if np.array_equal(baseline.spect.array, follow_up.spect.array):
        notes.append("Both days have the same image: one scan may have been given twice.")
    if not (baseline.identity.patient and follow_up.identity.patient):
        notes.append(
            "The results tell no Patient IDs: only bones say that both days are one patient's "
            f"(agreement {alignment.agreement:.2f} of 1)."
        )
    if uptake.scales is None:
        notes.append(f"Uptake is not compared: {uptake.reason}.")
    elif uptake.reason:
        notes.append(
            f"Uptake is compared relative to each day's bone far from lesions: {uptake.reason}."
        )
    if baseline.method != follow_up.method:
        notes.append(
            f"Lesions were found by {baseline.method} at baseline and by {follow_up.method} at "
            "follow-up: differences may be of the methods. Segment both by one."
        )
    elif baseline.digest and follow_up.digest and baseline.digest != follow_up.digest:
        notes.append(
            f"Lesions were found by two models named {follow_up.method}, one at baseline and "
            "another at follow-up: differences may be of the models. Segment both by one."
        )
    elif limits.measured_on != follow_up.method:
        notes.append(
            f"The repeatability of {follow_up.method} is not known: limits are those of "
            f"{limits.measured_on}."
        )
    elif not _bundled(follow_up):
        notes.append(
            f"The repeatability of this {follow_up.method} is not known: limits are those of the "
            f"bundled {limits.measured_on}, which is another model."
        )
    if alignment.shared < _SMALL_FIELD:
        notes.append(
            f"The fields share {100 * alignment.shared:.0f}% of the bones that the smaller one "
            "shows: the patient's sums are of different parts."
        )
    widths = [day.spect.voxel_volume_ml ** (1 / 3) for day in (baseline, follow_up)]
    if max(widths) > _WIDTH * min(widths):
        notes.append(
            "Voxels of the two days differ in width: resolution and noise may too, and with them "
            "volumes and peaks."
        )
    return notes


def _cut(changes: Sequence[Change]) -> list[str]:
    """Say which lesions a field cuts: sums hold parts of them."""
    cut = [str(each.number) for each in changes if each.at_border]
    if not cut:
        return []
    named, more = ", ".join(cut[:_NAMED]), len(cut) - _NAMED
    which = f"Lesion {named} reaches" if len(cut) == 1 else f"Lesions {named} reach"
    if more > 0:
        which = f"Lesions {named} and {more} more reach"
    return [
        f"{which} the border of a day's field: parts outside it are not measured, nor are they in "
        "the patient's sums."
    ]


def _bundled(day: Day) -> bool:
    """Tell whether the day's model is the bundled one of its name, where that can be told."""
    card = bundled_models().get(day.method)
    return card is None or not day.digest or day.digest == card.sha256
