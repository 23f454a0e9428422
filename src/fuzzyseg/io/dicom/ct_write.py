"""CT out, as one CT Image file a slice (DICOM PS3.3 A.3 and C.8.2.1)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.io.dicom.affine import AXIAL
from fuzzyseg.io.dicom.write import (
    SIMULATED,
    axial_stack,
    decimal,
    new_dataset,
    require_positive,
    require_text,
    set_pixels,
    set_series,
)
from fuzzyseg.io.output import cannot_write, new_folder

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray
    from pydicom import Dataset

    from fuzzyseg.io.dicom.write import AxialStack, DicomPatient, DicomStudy
    from fuzzyseg.volume import Volume

_CT_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
_INTERCEPT = -1024  # HU of a stored 0, as scanners have it
_WINDOW_HU = (400.0, 1800.0)  # centre and width of a common bone window


def write_ct_series(
    folder: str | Path,
    volume: Volume,
    *,
    patient: DicomPatient,
    study: DicomStudy,
    started: datetime | None = None,
    kvp: float | None = None,
    description: str = "CT",
    series_number: int = 2,
    comments: str = SIMULATED,
) -> None:
    """Write a CT as a folder of files CT.0001.dcm and so on, from the feet to the head.

    HU are rounded to whole numbers and stored as int16 above -1024.

    Parameters
    ----------
    folder : str or Path
        Absent or empty; appears in one step when every slice is written.
    volume : Volume
        In HU, from -33792 to 31743; voxel axes along the patient's axes, in any order and
        direction.
    patient : DicomPatient
    study : DicomStudy
        The same for the SPECT beside it.
    started : datetime, optional
        Wall-clock time of the CT; by default that of the study.
    kvp : float, optional
        Peak voltage of the tube, in kV.
    description : str
        Series Description.
    series_number : int
    comments : str
        Image Comments.

    Raises
    ------
    InputError
        If the volume is not in HU or out of range, oblique, of one slice or not finite, a text
        does not fit, the folder holds something, or cannot be written.
    """
    folder = Path(folder)
    if volume.unit != "HU":
        raise InputError(
            f"expected a CT in HU, found {volume.unit} in {volume.source or 'the volume'}; "
            "write a SPECT with write_nm"
        )
    require_text("LO", description=description)
    require_text("LT", comments=comments)
    require_positive(kvp=kvp)
    stack = axial_stack(volume)
    stored = _stored(stack.frames, volume.source)
    key = ("CT", repr((description, series_number, started, kvp)), stack.fingerprint)
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(
                f"expected a new or empty folder for the CT, found {folder} in use; choose another"
            )
        with new_folder(folder) as part:
            for number, pixels in enumerate(stored, start=1):
                dataset = new_dataset(_CT_STORAGE, study.uid(*key, str(number)), patient, study)
                series = (study.uid(*key), series_number, description, started or study.started)
                set_series(dataset, "CT", *series)
                dataset.ImageComments = comments
                dataset.KVP = None if kvp is None else decimal(kvp)
                _set_slice(dataset, stack, number)
                set_pixels(dataset, pixels)
                dataset.save_as(part / f"CT.{number:04d}.dcm", enforce_file_format=True)
    except OSError as error:
        raise cannot_write(folder, error) from error


def _set_slice(dataset: Dataset, stack: AxialStack, number: int) -> None:
    """Fill Image Plane, CT Image and VOI LUT modules (C.7.6.2, C.8.2.1, C.11.2) from slice 1."""
    dataset.PatientPosition = "HFS"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.InstanceNumber = number
    x, y, z = stack.position
    dataset.ImageOrientationPatient = list(AXIAL)
    dataset.ImagePositionPatient = [decimal(v) for v in (x, y, z + (number - 1) * stack.step)]
    dataset.PixelSpacing = [decimal(v) for v in stack.spacing]
    dataset.SliceThickness = dataset.SpacingBetweenSlices = decimal(stack.step)
    dataset.AcquisitionNumber = 1
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = _INTERCEPT, 1, "HU"
    dataset.WindowCenter, dataset.WindowWidth = map(decimal, _WINDOW_HU)


def _stored(frames: NDArray[np.float32], source: str) -> NDArray[np.int16]:
    """Whole HU above the intercept."""
    low, high = float(frames.min()), float(frames.max())
    bottom, top = (v + _INTERCEPT for v in (np.iinfo(np.int16).min, np.iinfo(np.int16).max))
    if low < bottom or high > top:
        raise InputError(
            f"expected HU from {bottom} to {top}, found {low:g} to {high:g} in "
            f"{source or 'the volume'}; is it a CT in HU?"
        )
    stored = np.empty(frames.shape, dtype=np.int16)
    for k, frame in enumerate(frames):
        stored[k] = np.rint(frame - np.float32(_INTERCEPT))
    return stored
