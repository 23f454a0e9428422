"""What to know when reading the numbers of a study."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fuzzyseg.quantification.measuring import Measuring
    from fuzzyseg.quantification.records import Lesion
    from fuzzyseg.quantification.scales import Scales
    from fuzzyseg.volume import Volume


def notes_on(
    lesions: Sequence[Lesion], scales: Scales, volume: Volume, measuring: Measuring
) -> tuple[str, ...]:
    """One sentence each: what was assumed, cut off, or could not be computed."""
    notes = list(volume.administration.notes)
    cut = [str(each.number) for each in lesions if each.at_border]
    if cut:
        which = f"Lesion {cut[0]} reaches" if len(cut) == 1 else f"Lesions {', '.join(cut)} reach"
        notes.append(f"{which} the border of the field: parts outside are not measured.")
    lowest = float(volume.array.min())
    if lowest < 0:
        notes.append(
            f"The image has negative values, down to {lowest:.4g}: they count as they are."
        )
    if scales.suv is None:
        notes.append(f"No SUV: {scales.no_suv}.")
    elif scales.computed is not None:
        if not volume.half_life_s and not volume.nuclide:
            notes.append(f"The file names no nuclide: {measuring.nuclide} was taken.")
        if volume.administration.decay is None and measuring.decay is None:
            notes.append("Values were taken to hold at the start of the acquisition.")
    return tuple(notes)
