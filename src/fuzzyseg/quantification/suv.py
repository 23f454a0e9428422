"""Standardised uptake values: activity in a place over activity given by size of the patient.

SUV = c / (A / m), with c the activity concentration in Bq/mL, A the activity given in Bq,
decayed to the moment for which c holds, and m the patient's size: body weight in g (SUVbw, g/mL),
lean body mass in g (SUVlbm, g/mL) or body surface area in cm2 (SUVbsa, cm2/mL). Units as in
DICOM PS3.16 CID 85.

References
----------
.. [1] Janmahasatian S, Duffull SB, Ash S, et al. Quantification of lean bodyweight.
   Clin Pharmacokinet 2005;44:1051.
.. [2] Du Bois D, Du Bois EF. A formula to estimate the approximate surface area if height and
   weight be known. Arch Intern Med 1916;17:863.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from fuzzyseg.administration import Administration, Decay, Sex

SuvKind = Literal["bw", "lbm", "bsa"]
SUV_UNITS: dict[SuvKind, str] = {"bw": "g/mL", "lbm": "g/mL", "bsa": "cm2/mL"}
# What a patient can be; beyond, a header or an option is wrong.
WEIGHT_KG, HEIGHT_M, INJECTED_MBQ, WAITED_S = (2, 400), (0.4, 2.5), (0.1, 50_000), (0, 864_000)
# After 20 half-lives nothing is left to be measured.
_LEAST_LEFT = 1e-6


@dataclass(frozen=True)
class SuvScale:
    """From activity concentration to SUV.

    Parameters
    ----------
    kind : {"bw", "lbm", "bsa"}
    per_bq_ml : float or None
        SUV of 1 Bq/mL; None where `reason` says what is missing.
    reason : str
        Empty where there is a scale.
    decay : {"acquisition", "series", "administration"} or None
        For which moment the image's values were taken to hold.
    waited_s : float or None
        Seconds of decay from the administration to that moment.
    """

    kind: SuvKind
    per_bq_ml: float | None = None
    reason: str = ""
    decay: Decay | None = None
    waited_s: float | None = None


def lean_body_mass_kg(weight_kg: float, height_m: float, sex: Sex) -> float:
    """Lean body mass by Janmahasatian [1]_: 9270 W / (a + b BMI), a and b by sex."""
    a, b = (6680.0, 216.0) if sex == "male" else (8780.0, 244.0)
    return 9270.0 * weight_kg / (a + b * weight_kg / height_m**2)


def body_surface_area_m2(weight_kg: float, height_m: float) -> float:
    """Body surface area by Du Bois [2]_: 0.007184 W^0.425 (H in cm)^0.725."""
    return float(0.007184 * weight_kg**0.425 * (100 * height_m) ** 0.725)


def remaining(waited_s: float, half_life_s: float) -> float:
    """Share of an activity that is left after a time."""
    return float(0.5 ** (waited_s / half_life_s))


def implausible(name: str, value: float | None, limits: tuple[float, float], unit: str) -> str:
    """Say what is wrong with a number that SUV needs; empty if nothing is."""
    if value is None:
        return f"{name} is not known"
    if not limits[0] <= value <= limits[1]:
        low, high = limits
        return f"{name} of {value:g} {unit} is not between {low:g} and {high:g} {unit}"
    return ""


def suv_scale(given: Administration, half_life_s: float | None, kind: SuvKind = "bw") -> SuvScale:
    """Find the factor from Bq/mL to SUV.

    Parameters
    ----------
    given : Administration
        Where it does not say to which moment decay is corrected, the start of the acquisition
        is taken.
    half_life_s : float or None
    kind : {"bw", "lbm", "bsa"}

    Returns
    -------
    SuvScale
        Without a factor where anything it needs is missing or impossible.
    """
    decay: Decay = given.decay or "acquisition"
    waited = {
        "acquisition": given.acquisition_after_s,
        "series": given.series_after_s,
        "administration": 0.0,
    }[decay]
    wrong = [
        implausible("weight", given.weight_kg, WEIGHT_KG, "kg"),
        implausible("activity given", given.injected_mbq, INJECTED_MBQ, "MBq"),
        implausible("time from administration to scan", waited, WAITED_S, "s"),
    ]
    if kind != "bw":
        wrong.append(implausible("height", given.height_m, HEIGHT_M, "m"))
    if kind == "lbm" and given.sex is None:
        wrong.append("sex is not known")
    if half_life_s is None and decay != "administration":
        wrong.append("half-life is not known")
    wrong = [text for text in wrong if text]
    if wrong or given.weight_kg is None or given.injected_mbq is None or waited is None:
        return SuvScale(kind, reason="; ".join(wrong), decay=decay)
    left = remaining(waited, half_life_s) if half_life_s is not None else 1.0
    if left < _LEAST_LEFT:
        reason = f"less than {_LEAST_LEFT:g} of the activity is left after {waited:.0f} s"
        return SuvScale(kind, reason=f"{reason}, so that its half-life is wrong", decay=decay)
    size = _size(given, kind)
    return SuvScale(kind, size / (1e6 * given.injected_mbq * left), "", decay, waited)


def _size(given: Administration, kind: SuvKind) -> float:
    """Size of the patient: g, or cm2 for "bsa"; all that it needs is there."""
    weight, height = given.weight_kg or 0.0, given.height_m or 0.0
    if kind == "bw":
        return 1e3 * weight
    if kind == "bsa":
        return 1e4 * body_surface_area_m2(weight, height)
    assert given.sex is not None  # noqa: S101, checked by the caller
    return 1e3 * lean_body_mass_kg(weight, height, given.sex)
