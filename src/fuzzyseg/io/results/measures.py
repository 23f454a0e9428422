"""What is measured of a lesion, under the codes by which DICOM reports name it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from fuzzyseg.volume import Unit

SuvKind = Literal["bw", "lbm", "bsa"]
_Coded = tuple[str, str, str]  # value, scheme, meaning


@dataclass(frozen=True)
class LesionMeasures:
    """The measures of one lesion.

    Parameters
    ----------
    number : int
        Its number in the map of lesions.
    values : mapping of str to float or None
        By the names of `MEASURES`; what is None was not measured and is left out, as is a name
        that is not there.
    site : str, optional
        One of `terms.SITES`; None where it is not known: then a lesion is in bone.
    """

    number: int
    values: Mapping[str, float | None]
    site: str | None = None


@dataclass(frozen=True, eq=False)
class MeasuredLesions:
    """Lesions for a report.

    Parameters
    ----------
    lesion_map : integer ndarray of shape (X, Y, Z)
        Number of the lesion that each voxel belongs to, 0 outside.
    lesions : sequence of LesionMeasures
        One for each number from 1 on; none where nothing was found.
    suv : {"bw", "lbm", "bsa"}
        What their SUV is normalised by.
    """

    lesion_map: NDArray[np.integer[Any]]
    lesions: Sequence[LesionMeasures]
    suv: SuvKind = "bw"


@dataclass(frozen=True)
class Measure:
    """How one kind of measure is coded.

    Parameters
    ----------
    name, unit : tuple of 3 str
        Code, scheme and meaning (PS3.16 CID 7469 and CID 7466; UCUM).
    derivation : tuple of 3 str, optional
        How it follows from the values of the voxels (CID 7464).
    """

    name: _Coded
    unit: _Coded
    derivation: _Coded | None = None


_MAXIMUM, _MEAN = ("56851009", "SCT", "Maximum"), ("373098007", "SCT", "Mean")
_PEAK = ("126031", "DCM", "Peak Value Within ROI")
# SUV by body weight, by lean body mass (Janmahasatian), and by body surface area.
_SUV: dict[SuvKind, tuple[_Coded, str]] = {
    "bw": (("126401", "DCM", "SUVbw"), "g/ml{SUVbw}"),
    "lbm": (("126405", "DCM", "SUVlbm(Janma)"), "g/ml{SUVlbm(Janma)}"),
    "bsa": (("126403", "DCM", "SUVbsa"), "cm2/ml{SUVbsa}"),
}
_IMAGE = ("110821", "DCM", "Nuclear Medicine Tomographic Activity")
_IMAGE_UNITS: dict[Unit, _Coded] = {
    "Bq/mL": ("Bq/ml", "UCUM", "Becquerels/milliliter"),
    "counts": ("{counts}", "UCUM", "Counts"),
}
_HU = ("[hnsf'U]", "UCUM", "Hounsfield unit")
# Codes of our own (PS3.16 8.2: schemes that begin with 99 are private).
_OWN = "99FUZZYSEG"


def measures(unit: Unit, suv: SuvKind = "bw") -> dict[str, Measure]:
    """Code every measure that is known, by the names of `fuzzyseg.quantification`'s lesions.

    Parameters
    ----------
    unit : str
        Of the image; its own values have no code unless that is Bq/mL or counts.
    suv : {"bw", "lbm", "bsa"}

    Raises
    ------
    InputError
        If no such SUV is known.
    """
    if suv not in _SUV:
        raise InputError(f"expected SUV by {', '.join(_SUV)}, found {suv!r}; choose one")
    name, of_suv = _SUV[suv]
    suv_unit = (of_suv, "UCUM", of_suv)
    total_unit = (of_suv.replace("/ml", ""), "UCUM", f"{of_suv} times milliliter")
    found = {
        "volume_ml": Measure(("118565006", "SCT", "Volume"), ("ml", "UCUM", "milliliter")),
        "longest_diameter_mm": Measure(
            ("81827009", "SCT", "Diameter"), ("mm", "UCUM", "millimeter"), _MAXIMUM
        ),
        "suv_max": Measure(name, suv_unit, _MAXIMUM),
        "suv_peak": Measure(name, suv_unit, _PEAK),
        "suv_mean": Measure(name, suv_unit, _MEAN),
        "total_suv_ml": Measure(("total-uptake", _OWN, "Mean SUV times volume"), total_unit),
        "activity_bq": Measure(("activity", _OWN, "Activity"), ("Bq", "UCUM", "Becquerel")),
        "to_bone": Measure(
            ("to-bone", _OWN, "Lesion to healthy bone ratio"), ("{ratio}", "UCUM", "ratio")
        ),
        "hu_mean": Measure(("112181", "DCM", "Mean Attenuation Coefficient"), _HU),
        "hu_sd": Measure(("112183", "DCM", "Standard Deviation of Attenuation Coefficient"), _HU),
    }
    if unit in _IMAGE_UNITS:
        for ending, how in (("max", _MAXIMUM), ("peak", _PEAK), ("mean", _MEAN)):
            found[f"image_{ending}"] = Measure(_IMAGE, _IMAGE_UNITS[unit], how)
    return found
