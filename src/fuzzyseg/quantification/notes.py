"""What to know when reading the numbers of a study."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.quantification.bladder import FULL_ML
from fuzzyseg.quantification.lesion import NO_DATA, SHOWS_AIR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fuzzyseg.quantification.bladder import Bladder
    from fuzzyseg.quantification.measuring import Measuring
    from fuzzyseg.quantification.records import Lesion
    from fuzzyseg.quantification.scales import Scales
    from fuzzyseg.volume import Volume

_NAMED = 5  # lesions that a sentence names
_HIGHEST_SUV = 1000.0
# What users say where a file does not, by the words of `suv_scale` for what is missing or wrong.
_OPTIONS = {
    "weight": "--weight-kg",
    "activity given": "--injected-mbq",
    "time from administration": "--uptake-min",
    "height": "--height-m",
    "sex": "--sex",
}


def notes_on(
    lesions: Sequence[Lesion],
    scales: Scales,
    volume: Volume,
    measuring: Measuring,
    bladder: Bladder | None = None,
) -> tuple[str, ...]:
    """One sentence each: what was assumed, cut off, or could not be computed."""
    notes = list(volume.administration.notes)
    cut = [each for each in lesions if each.at_border]
    if cut:
        reach = "reaches" if len(cut) == 1 else "reach"
        which = _which(cut).capitalize()
        notes.append(f"{which} {reach} the border of the field: parts outside it are not measured.")
    notes += [
        f"No density of {_which(without)}: {why}."
        for why in (NO_DATA, SHOWS_AIR)
        if (without := [each for each in lesions if each.reasons.get("hu_mean") == why])
    ]
    if bladder is not None and bladder.volume_ml >= FULL_ML:
        notes.append(
            f"What looks like a full bladder ({bladder.volume_ml:.0f} mL, "
            f"{bladder.to_bone:.0f} times as hot as bone) may hide lesions of the pelvis beside it."
        )
    lowest = float(volume.array.min())
    if lowest < 0:
        notes.append(
            f"The image has negative values, down to {lowest:.4g}, which were not changed."
        )
    highest = float(volume.array.max())
    if scales.unit == "SUV" and highest > _HIGHEST_SUV:
        notes.append(
            f"The image reaches an SUV of {highest:.4g}: even a full bladder has only "
            "hundreds. Is the image in SUV? If it is in Bq/mL, give --unit Bq/mL."
        )
    if scales.suv is None:
        notes.append(f"No SUV: {scales.no_suv}{_remedy(scales)}.")
    elif scales.computed is not None:
        if not volume.half_life_s and not volume.nuclide:
            notes.append(f"The file names no nuclide: {measuring.nuclide} was taken.")
        if volume.administration.decay is None and measuring.decay is None:
            notes.append("Values were assumed to refer to the start of the acquisition.")
    return tuple(notes)


def _which(lesions: Sequence[Lesion]) -> str:
    """Name lesions by their numbers: "lesions 1, 2"."""
    named = ", ".join(str(each.number) for each in lesions[:_NAMED])
    more = len(lesions) - _NAMED
    return f"lesion{'s' * (len(lesions) > 1)} {named}" + (f" and {more} more" if more > 0 else "")


def _remedy(scales: Scales) -> str:
    """Name the options that would give SUV, where any would."""
    if scales.unit == "arbitrary":
        return "; give its unit with --unit, or the Bq/mL of a value of 1 with --calibration"
    if scales.unit == "counts":
        return "; give the Bq/mL of one count with --calibration"
    wanted = [option for words, option in _OPTIONS.items() if words in scales.no_suv]
    return f"; give {', '.join(wanted)}" if wanted and scales.unit == "Bq/mL" else ""
