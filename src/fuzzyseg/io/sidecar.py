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
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fuzzyseg.administration import Administration
from fuzzyseg.io.dicom.facts import nuclide_of_half_life, nuclide_of_name
from fuzzyseg.io.dicom.units import PT_UNITS, parse_unit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fuzzyseg.administration import Decay, Sex
    from fuzzyseg.volume import Modality, Unit

_MODALITIES: Mapping[str, Modality] = {"CT": "CT", "NM": "NM", "PT": "PT", "PET": "PT"}
_SEXES: Mapping[str, Sex] = {"M": "male", "F": "female"}
_MBQ = {"Bq": 1e-6, "kBq": 1e-3, "MBq": 1.0, "GBq": 1e3}
# RadionuclideTotalDose is as in DICOM: Bq in PT, MBq in NM. No patient gets as much in MBq.
_TOO_MANY_MBQ = 1e5
_SAME_S = 1.0  # times that differ by less are one moment
_LARGEST = 1 << 20  # bytes; headers in JSON have some thousand


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


def read_sidecar(image: Path) -> Sidecar:
    """Read NAME.json beside NAME.nii or NAME.nii.gz; an empty one where there is none."""
    path = image.with_name(image.name.removesuffix(".gz").removesuffix(".nii") + ".json")
    try:
        if not path.is_file() or path == image or path.stat().st_size > _LARGEST:
            return Sidecar()
        said: Any = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return Sidecar(warnings=("The JSON file beside the image cannot be read: it is ignored.",))
    return _understood(said) if isinstance(said, dict) else Sidecar()


def _understood(said: dict[str, Any]) -> Sidecar:
    modality = _MODALITIES.get(_text(said, "Modality").upper())
    unit, factor, unknown = _unit(_text(said, "Units"))
    half_life = _number(said, "RadionuclideHalfLife")
    half_life = half_life if half_life and half_life > 0 else None
    named = _text(said, "TracerRadionuclide") or _text(said, "Radiopharmaceutical")
    return Sidecar(
        modality=modality or ("CT" if unit == "HU" else "other" if unit else None),
        unit=unit,
        factor=factor,
        nuclide=nuclide_of_name(named) or nuclide_of_half_life(half_life),
        half_life_s=half_life,
        administration=_administration(said),
        warnings=unknown,
    )


def _unit(name: str) -> tuple[Unit | None, float, tuple[str, ...]]:
    if not name:
        return None, 1.0, ()
    if name.upper() == "HU":
        return "HU", 1.0, ()
    if name in PT_UNITS:
        return PT_UNITS[name], 1.0, ()
    unit, factor, warning = parse_unit(name)
    return (None if unit == "arbitrary" else unit), factor, (warning,) if warning else ()


def _administration(said: dict[str, Any]) -> Administration:
    given, scanned = _number(said, "InjectionStart"), _number(said, "ScanStart")
    waited = None if given is None or scanned is None else scanned - given
    return Administration(
        weight_kg=_number(said, "PatientWeight"),
        height_m=_number(said, "PatientSize"),
        sex=_SEXES.get(_text(said, "PatientSex").upper()),
        injected_mbq=_injected_mbq(said),
        acquisition_after_s=waited,
        series_after_s=waited,
        decay=_decay(said, given, scanned),
    )


def _injected_mbq(said: dict[str, Any]) -> float | None:
    injected = _number(said, "InjectedRadioactivity")
    per_unit = _MBQ.get(_text(said, "InjectedRadioactivityUnits"))
    if injected is not None and per_unit is not None:
        return injected * per_unit
    total = _number(said, "RadionuclideTotalDose")
    return total / 1e6 if total is not None and total >= _TOO_MANY_MBQ else total


def _decay(said: dict[str, Any], given: float | None, scanned: float | None) -> Decay | None:
    named: Mapping[str, Decay] = {"START": "acquisition", "ADMIN": "administration"}
    by_dicom = named.get(_text(said, "DecayCorrection").upper())
    if by_dicom is not None:
        return by_dicom
    moment = _number(said, "ImageDecayCorrectionTime")
    if said.get("ImageDecayCorrected") is not True or moment is None:
        return None
    if given is not None and abs(moment - given) < _SAME_S:
        return "administration"
    if scanned is not None and abs(moment - scanned) < _SAME_S:
        return "acquisition"
    return None


def _text(said: dict[str, Any], name: str) -> str:
    value = said.get(name)
    return value.strip() if isinstance(value, str) else ""


def _number(said: dict[str, Any], name: str) -> float | None:
    value = said.get(name)
    plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if plain and math.isfinite(value) else None  # type: ignore[arg-type]
