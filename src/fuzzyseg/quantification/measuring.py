"""How to measure: what users choose, and what they know that a file does not say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from fuzzyseg.administration import Administration, Decay, Sex
from fuzzyseg.errors import InputError
from fuzzyseg.io.dicom.facts import HALF_LIVES_S
from fuzzyseg.quantification.suv import (
    HEIGHT_M,
    INJECTED_MBQ,
    WAITED_S,
    WEIGHT_KG,
    SuvKind,
    implausible,
)

if TYPE_CHECKING:
    from fuzzyseg.volume import Volume


@dataclass(frozen=True)
class Measuring:
    """How to measure what was found.

    Parameters
    ----------
    merge_mm : float
        Merge lesions that are no further apart than this.
    min_ml : float
        Ignore lesions smaller than this; the default is the volume of a sphere of 7 mm.
    resolution_mm : float or None
        Resolution (FWHM) of the image around bone; uptake is then also corrected for partial
        volume.
    suv : {"bw", "lbm", "bsa"}
        SUV by body weight, lean body mass (Janmahasatian) or body surface (Du Bois).
    unit : {"Bq/mL", "counts", "SUV"} or None
        Unit of the image, if the file names none.
    calibration : float or None
        Bq/mL per count, or per whatever unit the image has.
    weight_kg : float or None
        Patient's weight; this and the following are by default taken from the file.
    height_m : float or None
        Patient's height, for SUV by lean body mass or body surface.
    sex : {"male", "female"} or None
        Patient's sex, for SUV by lean body mass.
    injected_mbq : float or None
        Administered activity, at the time of administration.
    uptake_min : float or None
        Minutes from the administration to the moment to which the image's values refer.
    decay : {"acquisition", "series", "administration"} or None
        Moment to which the image's values refer: the start of the acquisition (the default) or of
        the series, or the administration.
    nuclide : str
        Administered nuclide, if the file names none.
    """

    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {
        "Lesions": ("merge_mm", "min_ml", "resolution_mm"),
        "SUV, if the file does not say": (
            "suv", "unit", "calibration", "weight_kg", "height_m", "sex", "injected_mbq",
            "uptake_min", "decay", "nuclide",
        ),
    }  # fmt: skip

    merge_mm: float = 0.0
    min_ml: float = 0.2
    resolution_mm: float | None = None
    suv: SuvKind = "bw"
    unit: Literal["Bq/mL", "counts", "SUV"] | None = None
    calibration: float | None = None
    weight_kg: float | None = None
    height_m: float | None = None
    sex: Sex | None = None
    injected_mbq: float | None = None
    uptake_min: float | None = None
    decay: Decay | None = None
    nuclide: str = "Tc-99m"


_AN = {"activity given": "an", "uptake time": "an"}


def check_measuring(measuring: Measuring) -> None:
    """Raise InputError for a number that no patient and no lesion has, or an unknown nuclide."""
    if measuring.nuclide not in HALF_LIVES_S:
        raise InputError(
            f"expected a nuclide out of {', '.join(HALF_LIVES_S)}, found {measuring.nuclide!r}; "
            "choose one"
        )
    given = (
        ("weight", measuring.weight_kg, WEIGHT_KG, "kg"),
        ("height", measuring.height_m, HEIGHT_M, "m"),
        ("activity given", measuring.injected_mbq, INJECTED_MBQ, "MBq"),
        ("uptake time", measuring.uptake_min, (0, WAITED_S[1] / 60), "min"),
        ("calibration", measuring.calibration, (1e-12, 1e12), "Bq/mL"),
        ("distance to merge", measuring.merge_mm, (0, 1000), "mm"),
        ("smallest volume", measuring.min_ml, (0, 10_000), "mL"),
        ("resolution", measuring.resolution_mm, (2, 40), "mm"),
    )
    for name, value, (low, high), unit in given:
        if value is not None and implausible(name, value, (low, high), unit):
            raise InputError(
                f"expected {_AN.get(name, 'a')} {name} from {low:g} to {high:g} {unit}, found "
                f"{value:g}; check it"
            )


def calibrated(volume: Volume, measuring: Measuring) -> Volume:
    """Give an emission image the unit that the user knows.

    Raises
    ------
    InputError
        If the file names another unit.
    """
    if measuring.unit is not None and volume.unit not in ("arbitrary", measuring.unit):
        raise InputError(
            f"expected an image without a unit for --unit {measuring.unit}, found one in "
            f"{volume.unit}; leave out --unit"
        )
    volume = volume if measuring.unit is None else replace(volume, unit=measuring.unit)
    if measuring.calibration is None:
        return volume
    if volume.unit not in ("arbitrary", "counts"):
        raise InputError(
            f"expected counts, or no unit, to calibrate, found an image in {volume.unit}; "
            "leave out --calibration"
        )
    return replace(volume, array=volume.array * np.float32(measuring.calibration), unit="Bq/mL")


def known_administration(volume: Volume, measuring: Measuring) -> Administration:
    """Put what the user says over what the file says."""
    said = {
        name: getattr(measuring, name)
        for name in ("weight_kg", "height_m", "sex", "injected_mbq", "decay")
        if getattr(measuring, name) is not None
    }
    if measuring.uptake_min is not None:
        waited = 60 * measuring.uptake_min
        said |= {"acquisition_after_s": waited, "series_after_s": waited}
    return replace(volume.administration, **said)


def known_half_life_s(volume: Volume, measuring: Measuring) -> float:
    """Half-life by the file, else of the nuclide it names, else of the one the user names."""
    return volume.half_life_s or HALF_LIVES_S[volume.nuclide or measuring.nuclide]
