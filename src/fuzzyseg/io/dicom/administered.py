"""Size of the patient, activity given and times, from the headers of a series.

Decay Correction (0054,1102) is START or ADMIN (PS3.3 C.8.9.1.1.5). START means the start of the
acquisition by the standard; scanners that make one volume of several beds mean the time of the
series, which then is no later than the first acquisition [1]_. NM has no such element by the
standard, and writers add it.

References
----------
.. [1] RSNA QIBA, "SUV calculation", vendor-neutral pseudo-code.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from fuzzyseg.administration import Administration
from fuzzyseg.errors import InputError
from fuzzyseg.io.dicom.elements import items, number, text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydicom import Dataset

    from fuzzyseg.administration import Decay, Sex

ADMINISTRATION_TAGS = (
    "PatientWeight",
    "PatientSize",
    "PatientSex",
    "AcquisitionDateTime",
    "AcquisitionDate",
    "AcquisitionTime",
    "SeriesDate",
    "SeriesTime",
    "DecayCorrection",
    "RadiopharmaceuticalInformationSequence",
)
SEXES: dict[str, Sex] = {"M": "male", "F": "female"}
# Radionuclide Total Dose is in MBq in NM and in Bq in PT (PS3.3 C.8.4.10, C.8.9.2). No patient
# gets as much as the first in MBq, or as little as the second in Bq: the units were mixed up.
_TOO_MANY_MBQ, _TOO_FEW_BQ = 1e5, 1e5
_DAY = timedelta(days=1)
NOT_CORRECTED = (
    "Decay is not corrected: values are assumed to refer to the start of the acquisition."
)


def administration(headers: Sequence[Dataset], path: Path) -> Administration:
    """Find what SUV needs in the headers of an emission image.

    Parameters
    ----------
    headers : sequence of Dataset
        Of its files, with the elements named in `ADMINISTRATION_TAGS`.
    path : Path
        For messages.

    Returns
    -------
    Administration
        What is absent or damaged is None.
    """
    first = headers[0]
    compound = _compound(first, path)
    injected, said = _injected_mbq(first, compound, path)
    acquired = [t for t in map(_acquired, headers) if t is not None]
    acquisition = min(acquired) if acquired else None
    series = _moment(text(first, "SeriesDate"), text(first, "SeriesTime"))
    given, assumed = _given(compound, acquisition or series)
    after, series_after = _seconds(given, acquisition), _seconds(given, series)
    decay, doubt = _decay(text(first, "DecayCorrection").upper(), after, series_after)
    return Administration(
        weight_kg=_number(first, "PatientWeight", path),
        height_m=_number(first, "PatientSize", path),
        sex=SEXES.get(text(first, "PatientSex").upper()),
        injected_mbq=injected,
        acquisition_after_s=after,
        series_after_s=series_after,
        decay=decay,
        notes=said + assumed + doubt,
    )


def _compound(header: Dataset, path: Path) -> Dataset | None:
    try:
        found = items(header, "RadiopharmaceuticalInformationSequence", path)
    except InputError:
        return None
    return found[0] if found else None


def _number(header: Dataset, keyword: str, path: Path) -> float | None:
    try:
        return number(header, keyword, path)
    except InputError:
        return None


def _injected_mbq(
    header: Dataset, compound: Dataset | None, path: Path
) -> tuple[float | None, tuple[str, ...]]:
    found = None if compound is None else _number(compound, "RadionuclideTotalDose", path)
    if found is None:
        return None, ()
    return total_dose_mbq(found, nm=text(header, "Modality").upper() == "NM")


def total_dose_mbq(found: float, *, nm: bool) -> tuple[float, tuple[str, ...]]:
    """Read Radionuclide Total Dose, with a note where its unit must have been mixed up."""
    if nm:
        if found < _TOO_MANY_MBQ:
            return found, ()
        return found / 1e6, (
            "The administered activity is too high for MBq: it was taken to be in Bq.",
        )
    if found >= _TOO_FEW_BQ or found <= 0:
        return found / 1e6, ()
    return found, ("The administered activity is too low for Bq: it was taken to be in MBq.",)


def _acquired(header: Dataset) -> datetime | None:
    return _date_time(text(header, "AcquisitionDateTime")) or _moment(
        text(header, "AcquisitionDate"), text(header, "AcquisitionTime")
    )


def _given(
    compound: Dataset | None, scanned: datetime | None
) -> tuple[datetime | None, tuple[str, ...]]:
    """When it was given; a time without a date is the last such time before the scan."""
    if compound is None:
        return None, ()
    whole = _date_time(text(compound, "RadiopharmaceuticalStartDateTime"))
    if whole is not None or scanned is None:
        return whole, ()
    given = _moment(f"{scanned:%Y%m%d}", text(compound, "RadiopharmaceuticalStartTime"))
    if given is not None and given > scanned:
        return given - _DAY, ("The injection was assumed to be on the day before the scan.",)
    return given, ()


def _seconds(given: datetime | None, then: datetime | None) -> float | None:
    return None if given is None or then is None else (then - given).total_seconds()


def _decay(
    name: str, after: float | None, series_after: float | None
) -> tuple[Decay | None, tuple[str, ...]]:
    if name == "ADMIN":
        return "administration", ()
    if name == "START":
        of_series = series_after is not None and (after is None or 0 <= series_after <= after)
        return "series" if of_series else "acquisition", ()
    if name == "NONE":
        return "acquisition", (NOT_CORRECTED,)
    return None, ()


def _moment(date: str, time: str) -> datetime | None:
    return _date_time(date.replace(".", "") + time.replace(":", "")) if date and time else None


def _date_time(found: str) -> datetime | None:
    """Parse DICOM's YYYYMMDDHHMMSS.FFFFFF; an offset from UTC is left out, all times having it."""
    whole, _, fraction = re.split(r"[+-]", found)[0].strip().partition(".")
    for pattern, length in (("%Y%m%d%H%M%S", 14), ("%Y%m%d%H%M", 12)):
        if len(whole) == length and whole.isdigit():
            try:
                seconds = float(f"0.{fraction}") if fraction.isdigit() else 0.0
                return datetime.strptime(whole, pattern) + timedelta(seconds=seconds)
            except ValueError:
                return None
    return None
