"""From the unit of an image to SUV and to Bq, or why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuzzyseg.quantification.measuring import known_administration, known_half_life_s
from fuzzyseg.quantification.suv import suv_scale

if TYPE_CHECKING:
    from fuzzyseg.quantification.measuring import Measuring
    from fuzzyseg.quantification.suv import SuvScale
    from fuzzyseg.volume import Unit, Volume


@dataclass(frozen=True)
class Scales:
    """What to multiply values of an image by.

    Parameters
    ----------
    unit : str
        Of the image's values.
    suv, bq : float or None
        To have SUV, and to have Bq/mL.
    no_suv, no_bq : str
        Why there is none; empty where there is.
    computed : SuvScale or None
        How the SUV follows from Bq/mL; None where the image is in another unit.
    """

    unit: Unit
    suv: float | None = None
    bq: float | None = None
    no_suv: str = ""
    no_bq: str = ""
    computed: SuvScale | None = None


def scales_of(volume: Volume, measuring: Measuring) -> Scales:
    """Find the scales of an emission image; `measuring.unit` and calibration are applied already.

    Units never mix: counts have neither SUV nor Bq, and an image in SUV has no Bq.
    """
    if volume.modality == "CT":
        why = "a CT shows no uptake"
        return Scales(volume.unit, no_suv=why, no_bq=why)
    if volume.unit == "Bq/mL":
        scale = suv_scale(
            known_administration(volume, measuring),
            known_half_life_s(volume, measuring),
            measuring.suv,
        )
        return Scales(volume.unit, scale.per_bq_ml, 1.0, scale.reason, "", scale)
    if volume.unit == "SUV":
        why = "the image is in SUV"
        if measuring.suv == "bw":
            return Scales(volume.unit, 1.0, None, "", why)
        return Scales(volume.unit, None, None, f"{why}, normalised as its file says", why)
    named = "counts" if volume.unit == "counts" else "no known unit"
    why = f"the image is in {named}, not calibrated to Bq/mL"
    return Scales(volume.unit, no_suv=why, no_bq=why)
