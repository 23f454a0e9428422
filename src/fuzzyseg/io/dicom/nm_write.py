"""Reconstructed SPECT out, as one multi-frame NM file (DICOM PS3.3 A.5 and C.8.4)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.io.dicom.affine import AXIAL
from fuzzyseg.io.dicom.write import (
    SIMULATED,
    axial_stack,
    code_item,
    decimal,
    new_dataset,
    require_positive,
    require_text,
    save,
    set_pixels,
    set_series,
    time_of_day,
)
from fuzzyseg.tc99m import HALF_LIFE_S

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from numpy.typing import NDArray
    from pydicom import Dataset

    from fuzzyseg.io.dicom.write import AxialStack, DicomPatient, DicomStudy
    from fuzzyseg.volume import Unit, Volume

_NM_STORAGE = "1.2.840.10008.5.1.4.1.1.20"
_TOP = 65535  # of unsigned 16-bit stored values
# Units of CID 84 (PS3.16), in UCUM; "1" is UCUM's own "no units".
_UNITS: dict[Unit, tuple[str, str]] = {
    "Bq/mL": ("Bq/ml", "Becquerels/milliliter"),
    "counts": ("{counts}", "Counts"),
    "SUV": ("g/ml{SUVbw}", "Standardized Uptake Value body weight"),
    "arbitrary": ("1", "no units"),
}


@dataclass(frozen=True)
class Injection:
    """The Tc-99m compound given (PS3.3 C.8.4.10), what SUV needs beside the weight.

    Parameters
    ----------
    activity_mbq : float
        Administered activity at `given`, in MBq, the unit of the NM object (PET's is Bq).
    given : datetime
        Wall-clock time of the injection.
    agent : str
    half_life_s : float
        In seconds; by default that of Tc-99m.

    Raises
    ------
    InputError
        If a number is not positive or the name does not fit into DICOM.
    """

    activity_mbq: float
    given: datetime
    agent: str = "Tc-99m HDP"
    half_life_s: float = HALF_LIFE_S

    def __post_init__(self) -> None:
        require_positive(activity_mbq=self.activity_mbq, half_life_s=self.half_life_s)
        require_text("LO", agent=self.agent)


@dataclass(frozen=True)
class SpectAcquisition:
    """How the projections were taken (PS3.3 C.8.4.9 to C.8.4.12).

    Parameters
    ----------
    started : datetime
        Wall-clock time of the first view, to which SUV decays the injected activity.
    views : int
        Projections of the rotation.
    view_seconds : float
        Time for each view, in seconds.
    arc_degrees : float
        Arc of the rotation.
    start_degrees : float
        Where the first view is taken from: 0 at the patient's back, 90 at the left side.
    direction : {"CW", "CC"}
        Clockwise or counter-clockwise (rising angle), seen from the patient's feet.
    window_kev : tuple of 2 floats
        Energies accepted, in keV; by default 20% around 140.5 keV.
    collimator : str
        Name of a parallel-hole collimator.
    counts : int, optional
        Counts in all projections.
    corrections : sequence of str
        Defined terms of Corrected Image (0028,0051), such as "ATTN" and "SCAT".

    Raises
    ------
    InputError
        If a number is out of range or a text does not fit into DICOM.
    """

    started: datetime
    views: int
    view_seconds: float
    arc_degrees: float = 360.0
    start_degrees: float = 0.0
    direction: Literal["CW", "CC"] = "CW"
    window_kev: tuple[float, float] = (126.45, 154.55)
    collimator: str = "LEHR"
    counts: int | None = None
    corrections: Sequence[str] = ()

    def __post_init__(self) -> None:
        require_positive(views=self.views, view_seconds=self.view_seconds)
        require_positive(arc_degrees=self.arc_degrees)
        if not 0 < self.window_kev[0] < self.window_kev[1] < np.inf:
            raise InputError(
                f"expected an energy window from low to high, found {self.window_kev} keV; check it"
            )
        if self.counts is not None and not 0 <= self.counts < 2**31:
            raise InputError(f"expected counts from 0 to 2^31 - 1, found {self.counts}; check them")
        require_text("SH", collimator=self.collimator)
        for term in self.corrections:
            require_text("CS", corrections=term)


def write_nm(
    path: str | Path,
    volume: Volume,
    *,
    patient: DicomPatient,
    study: DicomStudy,
    acquisition: SpectAcquisition,
    injection: Injection | None = None,
    description: str = "SPECT",
    series_number: int = 1,
    comments: str = SIMULATED,
) -> None:
    """Write a reconstructed SPECT as one multi-frame NM file of 16-bit values.

    Frames are axial and run from the feet to the head, so that Spacing Between Slices is
    positive: converters that lose its sign still place the volume right. Values are stored
    in 65536 steps from 0, or the minimum if that is negative, to the maximum: none is off by
    more than 1/131070 of that range (and float32 rounding). Real World Value Mapping gives
    them their unit.

    Parameters
    ----------
    path : str or Path
        Replaced in one step if it exists.
    volume : Volume
        Voxel axes along the patient's axes, in any order and direction; of any unit but HU.
    patient : DicomPatient
    study : DicomStudy
        The same for the CT beside it.
    acquisition : SpectAcquisition
    injection : Injection, optional
    description, series_number, comments
        Series Description, Series Number and Image Comments.

    Raises
    ------
    InputError
        If the volume is oblique, of one slice, in HU or not finite, a text does not fit, or
        the file cannot be written.
    """
    path = Path(path)
    if volume.unit not in _UNITS:
        raise InputError(
            f"expected SPECT in {', '.join(_UNITS)}, found {volume.unit}; write CT as a series"
        )
    require_text("LO", description=description)
    require_text("LT", comments=comments)
    stack = axial_stack(volume)
    stored, slope, intercept = _quantised(stack.frames)
    how = repr((description, series_number, volume.unit, acquisition, injection))
    key = ("NM", how, stack.fingerprint)
    dataset = new_dataset(_NM_STORAGE, study.uid(*key, "instance"), patient, study)
    set_series(dataset, "NM", study.uid(*key), series_number, description, acquisition.started)
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"]
    dataset.InstanceNumber, dataset.ImageComments = 1, comments
    _set_frames(dataset, stack)
    _set_patient_orientation(dataset)
    _set_acquisition(dataset, acquisition)
    _set_injection(dataset, injection)
    _set_mapping(dataset, slope, intercept, volume.unit)
    set_pixels(dataset, stored)
    save(path, dataset)


def _quantised(frames: NDArray[np.float32]) -> tuple[NDArray[np.uint16], float, float]:
    """Round to stored values; return them, and the slope and intercept that lead back."""
    low, high = min(0.0, float(frames.min())), max(0.0, float(frames.max()))
    # Rounded as Rescale Slope holds them, so that both ways of storing them agree.
    slope = float(decimal((high - low) / _TOP)) or 1.0
    intercept = float(decimal(low))
    stored = np.empty(frames.shape, dtype=np.uint16)
    for k, frame in enumerate(frames):
        stored[k] = np.clip(np.rint((frame - np.float64(intercept)) / slope), 0, _TOP)
    return stored, slope, intercept


def _set_frames(dataset: Dataset, stack: AxialStack) -> None:
    """Fill NM Multi-frame, Detector and Reconstruction modules (C.8.4.8, C.8.4.11, C.8.4.15)."""
    from pydicom import Dataset

    slices = len(stack.frames)
    dataset.NumberOfFrames = dataset.NumberOfSlices = slices
    dataset.FrameIncrementPointer = 0x00540080  # Slice Vector
    dataset.SliceVector = list(range(1, slices + 1))
    dataset.NumberOfEnergyWindows = dataset.NumberOfDetectors = dataset.NumberOfRotations = 1
    dataset.PixelSpacing = [decimal(v) for v in stack.spacing]
    dataset.SpacingBetweenSlices = dataset.SliceThickness = decimal(stack.step)
    detector = Dataset()
    detector.CollimatorType = "PARA"
    detector.FocalDistance = 0
    detector.ImageOrientationPatient = list(AXIAL)
    detector.ImagePositionPatient = [decimal(v) for v in stack.position]
    dataset.DetectorInformationSequence = [detector]


def _set_patient_orientation(dataset: Dataset) -> None:
    """Fill NM/PET Patient Orientation module (C.8.4.6): head first, supine; CID 19, 20 and 21."""
    lying = code_item("102538003", "SCT", "recumbent")
    lying.PatientOrientationModifierCodeSequence = [code_item("40199007", "SCT", "supine")]
    dataset.PatientOrientationCodeSequence = [lying]
    dataset.PatientGantryRelationshipCodeSequence = [code_item("102540008", "SCT", "headfirst")]


def _set_acquisition(dataset: Dataset, acquisition: SpectAcquisition) -> None:
    """Fill NM Image, Isotope's windows, and TOMO Acquisition (C.8.4.9, C.8.4.10, C.8.4.12)."""
    from pydicom import Dataset

    dataset.CountsAccumulated = acquisition.counts
    if acquisition.corrections:
        dataset.CorrectedImage = list(acquisition.corrections)
    dataset.DetectorInformationSequence[0].CollimatorGridName = acquisition.collimator
    limits, window, rotation = Dataset(), Dataset(), Dataset()
    low, high = map(decimal, acquisition.window_kev)
    limits.EnergyWindowLowerLimit, limits.EnergyWindowUpperLimit = low, high
    window.EnergyWindowName = "Tc-99m"
    window.EnergyWindowRangeSequence = [limits]
    dataset.EnergyWindowInformationSequence = [window]
    rotation.StartAngle = decimal(acquisition.start_degrees)
    rotation.AngularStep = decimal(acquisition.arc_degrees / acquisition.views)
    rotation.RotationDirection = acquisition.direction
    rotation.ScanArc = decimal(acquisition.arc_degrees)
    rotation.ActualFrameDuration = round(1000 * acquisition.view_seconds)  # ms
    rotation.NumberOfFramesInRotation = acquisition.views
    dataset.RotationInformationSequence = [rotation]


def _set_injection(dataset: Dataset, injection: Injection | None) -> None:
    """Fill the rest of NM Isotope (C.8.4.10)."""
    from pydicom import Dataset

    item = Dataset()
    item.RadionuclideCodeSequence = [code_item("72454006", "SCT", "^99m^Technetium")]  # CID 18
    if injection is not None:
        time = time_of_day(injection.given)
        item.Radiopharmaceutical = injection.agent
        item.RadiopharmaceuticalStartTime = time
        item.RadionuclideTotalDose = decimal(injection.activity_mbq)
        # These two are defined for PET; computing SUV wants them, and the day may differ.
        item.RadiopharmaceuticalStartDateTime = f"{injection.given:%Y%m%d}{time}"
        item.RadionuclideHalfLife = decimal(injection.half_life_s)
    dataset.RadiopharmaceuticalInformationSequence = [item]


def _set_mapping(dataset: Dataset, slope: float, intercept: float, unit: Unit) -> None:
    """Set Real World Value Mapping (C.7.6.16.2.11) and, for who ignores it, Rescale Slope."""
    from pydicom import Dataset

    code, meaning = _UNITS[unit]
    item = Dataset()
    item.LUTLabel, item.LUTExplanation = unit, meaning
    for end, value in (("First", 0), ("Last", _TOP)):
        item.add_new(f"RealWorldValue{end}ValueMapped", "US", value)
    item.RealWorldValueSlope, item.RealWorldValueIntercept = slope, intercept
    item.MeasurementUnitsCodeSequence = [code_item(code, "UCUM", meaning)]
    dataset.RealWorldValueMappingSequence = [item]
    # No part of the NM object; ITK and dcm2niix apply it all the same.
    dataset.RescaleSlope, dataset.RescaleIntercept = decimal(slope), decimal(intercept)
