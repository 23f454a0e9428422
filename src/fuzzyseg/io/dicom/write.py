"""What every DICOM file that the package writes has in common: who, when, where, and saving."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.io.dicom.affine import LPS_TO_RAS
from fuzzyseg.io.output import cannot_write, replacing

if TYPE_CHECKING:
    from datetime import date, datetime
    from pathlib import Path

    from numpy.typing import NDArray
    from pydicom import Dataset

    from fuzzyseg.volume import Volume

SIMULATED = "Simulated by fuzzyseg: no real person, not for diagnosis."
# Axes may lean by what moves no voxel of the volume further than this, mm.
_LEAN_MM = 1e-3
# Longest text of a value representation (PS3.5 6.2), in characters.
_LONGEST = {"CS": 16, "SH": 16, "LO": 64, "PN": 64, "LT": 10240}


@dataclass(frozen=True)
class DicomPatient:
    """The patient of a study (PS3.3 C.7.1.1 and C.7.2.2).

    Parameters
    ----------
    name, patient_id : str
        The name as family and given name, such as "FUZZYSEG^PATIENT-0001".
    sex : {"M", "F", "O", ""}
    birth_date : date, optional
    age_years : int, optional
    height_m, weight_kg : float, optional

    Raises
    ------
    InputError
        If a text does not fit into DICOM, or a number is out of range.
    """

    name: str
    patient_id: str
    sex: Literal["M", "F", "O", ""] = ""
    birth_date: date | None = None
    age_years: int | None = None
    height_m: float | None = None
    weight_kg: float | None = None

    def __post_init__(self) -> None:
        require_text("PN", name=self.name)
        require_text("LO", patient_id=self.patient_id)
        require_positive(height_m=self.height_m, weight_kg=self.weight_kg)
        if self.sex not in ("M", "F", "O", ""):
            raise InputError(f"expected sex M, F, O or nothing, found {self.sex!r}; change it")
        if self.age_years is not None and not 0 <= self.age_years <= 999:
            raise InputError(f"expected an age of 0 to 999 years, found {self.age_years}; check it")


@dataclass(frozen=True)
class DicomStudy:
    """What the series of one visit share (PS3.3 C.7.2.1 and C.7.4.1).

    Parameters
    ----------
    seed : str
        What all UIDs are made from: the same seed and images give the same files. Series of
        one seed are in one study and one frame of reference, so viewers lay them over each
        other; two patients, or two visits, need two seeds.
    started : datetime
        Wall-clock time; DICOM's times of day carry no time zone here.
    description, study_id : str
    body_part : str
        Term of PS3.16 Annex L for Body Part Examined, such as "WHOLEBODY" or "CHEST".
    equipment : str
        What to give as the model of the scanner, such as the protocol that was simulated.

    Raises
    ------
    InputError
        If a text does not fit into DICOM, or the seed is empty.
    """

    seed: str
    started: datetime
    description: str = "Bone SPECT/CT"
    study_id: str = "1"
    body_part: str = "WHOLEBODY"
    equipment: str = "simulation"

    def __post_init__(self) -> None:
        if not self.seed:
            raise InputError("expected a seed for the UIDs, found none; give one for each patient")
        require_text("LO", description=self.description, equipment=self.equipment)
        require_text("SH", study_id=self.study_id)
        require_text("CS", body_part=self.body_part)

    def uid(self, *parts: str) -> str:
        """Derive a UID from the seed; the same parts give the same one."""
        from pydicom.uid import generate_uid

        # A separator that no text has keeps ("ab", "c") and ("a", "bc") apart.
        return str(generate_uid(entropy_srcs=["\0".join((self.seed, *parts))]))


@dataclass(frozen=True)
class AxialStack:
    """A volume as axial frames, rows to the patient's left, columns to the back, feet first.

    Parameters
    ----------
    frames : float32 ndarray of shape (slices, rows, columns)
    position : tuple of 3 floats
        Centre of the first voxel, mm, LPS.
    spacing : tuple of 2 floats
        Distance between rows, then between columns, mm, as in Pixel Spacing.
    step : float
        Distance between slices, mm; positive.
    """

    frames: NDArray[np.float32]
    position: tuple[float, ...]
    spacing: tuple[float, float]
    step: float

    @property
    def fingerprint(self) -> str:
        """Digest of values and place, so that two images never share a UID."""
        place = repr((self.frames.shape, self.position, self.spacing, self.step))
        return hashlib.sha256(self.frames.tobytes() + place.encode()).hexdigest()


def axial_stack(volume: Volume) -> AxialStack:
    """Turn and flip a volume, without interpolation, into axial frames.

    Parameters
    ----------
    volume : Volume
        Its axes may be in any order and direction.

    Raises
    ------
    InputError
        If an axis runs along none of the patient's axes, there are fewer than two slices, or
        a value is not finite.
    """
    name = volume.source or "the volume"
    affine = LPS_TO_RAS @ volume.affine
    matrix = affine[:3, :3]
    axes = [int(np.abs(matrix[world]).argmax()) for world in range(3)]
    dominant = np.zeros((3, 3))
    dominant[range(3), axes] = matrix[range(3), axes]
    lean = float((np.abs(matrix - dominant) @ volume.shape).max())
    if sorted(axes) != [0, 1, 2] or lean > _LEAN_MM:
        raise InputError(
            f"expected voxel axes along the patient's axes, found directions "
            f"{np.round(volume.affine[:3, :3], 4).tolist()} in {name}; "
            "resample it to an upright grid first"
        )
    if volume.shape[axes[2]] < 2 or volume.array.size == 0:
        raise InputError(
            f"expected at least two axial slices, found shape {volume.shape} in {name}; "
            "write a complete volume"
        )
    steps = dominant[range(3), axes]
    array = volume.array.transpose(axes[::-1])  # slices, rows, columns
    array = array[tuple(slice(None, None, -1 if step < 0 else 1) for step in steps[::-1])]
    if not np.isfinite(array).all():
        raise InputError(f"expected finite values, found NaN or infinity in {name}; replace them")
    # Where an axis is flipped, its last voxel becomes the first.
    first = np.array([0.0, 0.0, 0.0, 1.0])
    for world, axis in enumerate(axes):
        first[axis] = volume.shape[axis] - 1 if steps[world] < 0 else 0
    across, down, up = (float(abs(step)) for step in steps)
    position = tuple(float(v) for v in (affine @ first)[:3])
    return AxialStack(np.ascontiguousarray(array), position, (down, across), up)


def new_dataset(
    sop_class: str, instance_uid: str, patient: DicomPatient, study: DicomStudy
) -> Dataset:
    """Begin a dataset with what all images of a study share.

    These are the modules SOP Common, Patient, Patient Study, General Study, Frame of Reference
    and General Equipment (PS3.3 C.12.1, C.7.1.1, C.7.2.2, C.7.2.1, C.7.4.1, C.7.5.1).
    """
    from pydicom import Dataset
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SpecificCharacterSet = "ISO_IR 192"  # UTF-8
    dataset.SOPClassUID = UID(sop_class)
    dataset.SOPInstanceUID = UID(instance_uid)
    dataset.PatientName, dataset.PatientID = patient.name, patient.patient_id
    dataset.PatientBirthDate = patient.birth_date and f"{patient.birth_date:%Y%m%d}"
    dataset.PatientSex = patient.sex
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = "Simulated, no real person"
    if patient.age_years is not None:
        dataset.PatientAge = f"{patient.age_years:03d}Y"
    if patient.height_m is not None:
        dataset.PatientSize = decimal(patient.height_m)
    if patient.weight_kg is not None:
        dataset.PatientWeight = decimal(patient.weight_kg)
    dataset.StudyInstanceUID = study.uid("study")
    dataset.StudyDate, dataset.StudyTime = f"{study.started:%Y%m%d}", time_of_day(study.started)
    dataset.StudyID, dataset.StudyDescription = study.study_id, study.description
    dataset.AccessionNumber = dataset.ReferringPhysicianName = None
    dataset.FrameOfReferenceUID = study.uid("frame of reference")
    dataset.PositionReferenceIndicator = None
    dataset.Manufacturer, dataset.ManufacturerModelName = "fuzzyseg", study.equipment
    dataset.BodyPartExamined = study.body_part
    return dataset


def set_series(
    dataset: Dataset, modality: str, uid: str, number: int, description: str, started: datetime
) -> None:
    """Fill the General Series module and the times of acquisition (C.7.3.1, C.7.6.1)."""
    dataset.Modality, dataset.SeriesInstanceUID = modality, uid
    dataset.SeriesNumber, dataset.SeriesDescription = number, description
    for of in ("Series", "Acquisition", "Content"):
        setattr(dataset, f"{of}Date", f"{started:%Y%m%d}")
        setattr(dataset, f"{of}Time", time_of_day(started))


def time_of_day(moment: datetime) -> str:
    """Text of VR TM, with a fraction only where there is one."""
    return f"{moment:%H%M%S.%f}" if moment.microsecond else f"{moment:%H%M%S}"


def decimal(value: float) -> str:
    """Text of VR DS: the 16 characters that hold most of a number."""
    from pydicom.valuerep import format_number_as_ds

    return format_number_as_ds(float(value))


def code_item(value: str, scheme: str, meaning: str) -> Dataset:
    """Make the item of a code sequence (PS3.3 8.8)."""
    from pydicom import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def require_text(vr: str, **texts: str) -> None:
    """Refuse texts that do not fit a value representation; raise InputError."""
    longest = _LONGEST[vr]
    allowed = r"[A-Z0-9_ ]*" if vr == "CS" else r"[^\\]*"
    kind = "capitals, digits, _" if vr == "CS" else "printable characters without a backslash"
    for name, text in texts.items():
        if len(text) > longest or not text.isprintable() or not re.fullmatch(allowed, text):
            raise InputError(
                f"expected {name} of at most {longest} {kind}, found {text[:80]!r}; change it"
            )


def require_positive(**numbers: float | None) -> None:
    """Refuse numbers that are neither None nor positive and finite; raise InputError."""
    for name, number in numbers.items():
        if number is not None and not 0 < number < np.inf:
            raise InputError(f"expected a positive {name}, found {number}; check it")


def set_pixels(dataset: Dataset, stored: NDArray[Any]) -> None:
    """Fill the Image Pixel module (C.7.6.3) from 16-bit integers of shape (..., rows, columns)."""
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = stored.shape[-2:]
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = int(stored.dtype.kind == "i")
    pixels = stored.astype(stored.dtype.newbyteorder("<"), copy=False).tobytes()
    dataset.add_new("PixelData", "OW", pixels)


def save(path: Path, dataset: Dataset) -> None:
    """Write a DICOM file in one step; raise InputError where that cannot be."""
    try:
        with replacing(path) as part:
            dataset.save_as(part, enforce_file_format=True)
    except OSError as error:
        if error.errno is None:  # pydicom's own, of a value that has no place in the file
            raise
        raise cannot_write(path, error) from error
