"""Whose image it is, as a DICOM result must say: the source's patient and study."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.errors import InputError
from fuzzyseg.io.dicom.elements import text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydicom import Dataset

# What a result refers to by, so that there is no result without it.
_REFERRED = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")
# Patient and General Study (PS3.3 C.7.1.1 and C.7.2.1): there, but perhaps empty (type 2).
PATIENT_AND_STUDY = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)
_SEXES = ("M", "F", "O", "")


def complete(headers: Sequence[Dataset]) -> list[Dataset]:
    """Copy the headers of a series, with empty elements where they are missing or no values.

    Raises
    ------
    InputError
        If one lacks a UID by which results refer to images; no path is in the message.
    """
    from pydicom.uid import UID, generate_uid

    for keyword in _REFERRED:
        lacking = [h for h in headers if not UID(text(h, keyword)).is_valid]
        if lacking:
            raise InputError(
                f"expected a valid {keyword} in every image, found none in {len(lacking)} of "
                f"{len(headers)}, so DICOM results cannot refer to them; export the series "
                "again, or choose --formats without DICOM"
            )
    series = text(headers[0], "SeriesInstanceUID")
    frame = text(headers[0], "FrameOfReferenceUID")
    if not UID(frame).is_valid:  # always the same one for a series
        frame = str(generate_uid(entropy_srcs=[series, "frame of reference"]))
    return [_completed(header, frame) for header in headers]


def _completed(header: Dataset, frame: str) -> Dataset:
    from pydicom import Dataset

    copy = Dataset()
    copy.update(header)
    copy.FrameOfReferenceUID = frame
    for keyword in PATIENT_AND_STUDY:
        if keyword not in copy or not _is_a_value(copy, keyword):
            setattr(copy, keyword, None)
    return copy


def _is_a_value(header: Dataset, keyword: str) -> bool:
    """Tell whether a date, time or sex is one; nothing else has a form that matters."""
    from pydicom.valuerep import DA, TM

    value = str(header[keyword].value or "")
    if keyword == "PatientSex":
        return value in _SEXES
    try:
        if keyword.endswith("Date"):
            DA(value)
        elif keyword.endswith("Time"):
            TM(value)
    except ValueError:
        return False
    return True
