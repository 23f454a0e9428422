"""The JSON file beside a NIfTI image, which says what NIfTI cannot: modality, unit, dose, nuclide.

Names are those of BIDS [1]_ and, where they differ, of dcm2niix, which takes them from DICOM. Of
BIDS, times are in seconds from a common zero.

References
----------
.. [1] Brain Imaging Data Structure, specification 1.10, "Positron emission tomography".
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fuzzyseg.administration import Administration
from fuzzyseg.io.dicom.administered import NOT_CORRECTED, SEXES, total_dose_mbq
from fuzzyseg.io.dicom.facts import HALF_LIVES_S, nuclide_of_half_life, nuclide_of_name
from fuzzyseg.io.dicom.units import PT_UNITS, parse_unit
from fuzzyseg.io.nifti_header import NIFTI_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fuzzyseg.administration import Decay
    from fuzzyseg.volume import Modality, Unit

_MODALITIES: Mapping[str, Modality] = {"CT": "CT", "NM": "NM", "PT": "PT", "PET": "PT"}
_MBQ = {"Bq": 1e-6, "kBq": 1e-3, "MBq": 1.0, "GBq": 1e3, "mCi": 37.0, "uCi": 0.037}
_NO_UNIT = {"", "arbitrary", "none", "n/a", "unknown", "1"}
_CORRECTED = {"true": True, "false": False}
_SAME_S = 1.0  # times that differ by less are one moment
_LARGEST = 1 << 20  # bytes; headers in JSON have some thousand
_OF_JSON = "Unit, dose, times or size of the patient are those of the JSON file beside the image."


@dataclass(frozen=True)
class Sidecar:
    """What the file says; what it leaves out is None or empty.

    Parameters
    ----------
    modality : {"CT", "NM", "PT", "other"} or None
        "other" where only a unit of emission images is given.
    unit : {"HU", "Bq/mL", "counts", "SUV"} or None
    factor : float
        What to multiply values by to have them in `unit`.
    nuclide : str
        Such as "Tc-99m".
    half_life_s : float or None
    administration : Administration
    warnings : tuple of str
        One sentence each.
    """

    modality: Modality | None = None
    unit: Unit | None = None
    factor: float = 1.0
    nuclide: str = ""
    half_life_s: float | None = None
    administration: Administration = field(default_factory=Administration)
    warnings: tuple[str, ...] = ()


def sidecar_path(image: Path) -> Path:
    """Return the path of the JSON file that belongs to a NIfTI image, there or not."""
    lower = image.name.lower()
    suffix = next((each for each in NIFTI_SUFFIXES if lower.endswith(each)), "")
    return image.with_name(image.name[: len(image.name) - len(suffix)] + ".json")


def read_sidecar(image: Path) -> Sidecar:
    """Read NAME.json beside NAME.nii or NAME.nii.gz; an empty one where there is none."""
    path = sidecar_path(image)
    try:
        if path == image or not path.is_file():
            return Sidecar()
        if path.stat().st_size > _LARGEST:
            raise ValueError
        said: Any = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return Sidecar(warnings=("The JSON file beside the image cannot be read: it is ignored.",))
    return _understood(said) if isinstance(said, dict) else Sidecar()


def _understood(said: dict[str, Any]) -> Sidecar:
    modality = _MODALITIES.get(_text(said, "Modality").upper())
    unit, factor, warnings = _unit(_text(said, "Units"))
    if unit and modality and (modality == "CT") != (unit == "HU"):
        told = f"The JSON file beside the image says {modality} in {unit}: the unit is ignored."
        unit, factor, warnings = None, 1.0, (told,)
    if factor != 1.0:
        warnings += (f"Values were multiplied by {factor:g}, since the JSON file says their unit.",)
    administration = _administration(said, nm=modality == "NM")
    nuclide, half_life, doubt = _nuclide(said)
    if nuclide is None:  # of another one a half-life would be taken
        administration = replace(administration, injected_mbq=None)
    if unit not in (None, "HU") or administration != Administration():
        administration = replace(administration, notes=(_OF_JSON, *administration.notes))
    return Sidecar(
        modality=modality or ("CT" if unit == "HU" else "other" if unit else None),
        unit=unit,
        factor=factor,
        nuclide=nuclide or "",
        half_life_s=half_life,
        administration=administration,
        warnings=warnings + doubt,
    )


def _unit(name: str) -> tuple[Unit | None, float, tuple[str, ...]]:
    if name.lower() in _NO_UNIT:
        return None, 1.0, ()
    if name.upper() == "HU":
        return "HU", 1.0, ()
    if name.upper() == "CM2ML":
        name = "cm2/ml"
    elif name.upper() in PT_UNITS:
        return PT_UNITS[name.upper()], 1.0, ()
    unit, factor, warning = parse_unit(name)
    return (None if unit == "arbitrary" else unit), factor, (warning,) if warning else ()


def _nuclide(said: dict[str, Any]) -> tuple[str | None, float | None, tuple[str, ...]]:
    """Name, half-life where only that is told, and doubts; a name of None is one not known."""
    half_life = _number(said, "RadionuclideHalfLife")
    named = _text(said, "TracerRadionuclide")
    name = nuclide_of_name(named) or nuclide_of_name(_text(said, "Radiopharmaceutical"))
    by_life = nuclide_of_half_life(half_life)
    if name and half_life is not None and by_life != name:
        told = f"The JSON file gives {name} a half-life of {half_life:g} s: {HALF_LIVES_S[name]:g} "
        return name, None, (told + "s are taken.",)
    if name or by_life:
        return name or by_life, half_life, ()
    if named or half_life is not None:
        told = "The JSON file names a nuclide, or a half-life, that is not known: no SUV by it."
        return None, None, (told,)
    return "", None, ()


def _administration(said: dict[str, Any], *, nm: bool) -> Administration:
    given, scanned = _number(said, "InjectionStart"), _number(said, "ScanStart")
    decay, to_moment, notes = _decay(said, given, scanned)
    injected, doubt = _injected_mbq(said, nm=nm)
    # Who does not know writes 0 and 0.
    waited = None if given is None or scanned in (None, given) else scanned - given
    return Administration(
        weight_kg=_number(said, "PatientWeight"),
        height_m=_number(said, "PatientSize"),
        sex=SEXES.get(_text(said, "PatientSex").upper()),
        injected_mbq=injected,
        acquisition_after_s=waited,
        series_after_s=waited if to_moment is None else to_moment,
        decay=decay,
        notes=doubt + notes,
    )


def _injected_mbq(said: dict[str, Any], *, nm: bool) -> tuple[float | None, tuple[str, ...]]:
    injected = _number(said, "InjectedRadioactivity")
    per_unit = _MBQ.get(_text(said, "InjectedRadioactivityUnits"))
    if injected is not None and per_unit is not None:
        return injected * per_unit, ()
    total = _number(said, "RadionuclideTotalDose")
    return (None, ()) if total is None else total_dose_mbq(total, nm=nm)


def _decay(
    said: dict[str, Any], given: float | None, scanned: float | None
) -> tuple[Decay | None, float | None, tuple[str, ...]]:
    """Convention, seconds from the administration to the moment where they are told, and notes."""
    moment = _number(said, "ImageDecayCorrectionTime")
    corrected = said.get("ImageDecayCorrected")
    if isinstance(corrected, str):
        corrected = _CORRECTED.get(corrected.strip().lower())
    if corrected is True and moment is not None and given is not None:
        if abs(moment - given) < _SAME_S:
            return "administration", None, ()
        if scanned is not None and abs(moment - scanned) < _SAME_S:
            return "acquisition", None, ()
        return "series", moment - given, ()
    named: Mapping[str, Decay] = {"START": "acquisition", "ADMIN": "administration"}
    by_dicom = named.get(_text(said, "DecayCorrection").upper())
    if by_dicom is None and (corrected is False or _text(said, "DecayCorrection") == "NONE"):
        return "acquisition", None, (NOT_CORRECTED,)
    return by_dicom, None, ()


def _text(said: dict[str, Any], name: str) -> str:
    value = said.get(name)
    return value.strip() if isinstance(value, str) else ""


def _number(said: dict[str, Any], name: str) -> float | None:
    """Return a finite number, also one written as text."""
    value = said.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None
