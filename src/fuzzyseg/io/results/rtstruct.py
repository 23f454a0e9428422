"""DICOM RT Structure Set out (PS3.3 A.19, C.8.8.5 and C.8.8.6): outlines for planning systems."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.io.dicom.affine import LPS_TO_RAS
from fuzzyseg.io.dicom.file import quiet
from fuzzyseg.io.dicom.write import save, time_of_day
from fuzzyseg.io.messages import refusing
from fuzzyseg.io.results.contours import outlines
from fuzzyseg.io.results.equipment import equipment
from fuzzyseg.io.results.patient_study import PATIENT_AND_STUDY
from fuzzyseg.io.results.source_images import dicom_source
from fuzzyseg.io.results.terms import code, terms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from pydicom import Dataset

    from fuzzyseg.io.results.source_images import DicomSource
    from fuzzyseg.io.results.terms import Term
    from fuzzyseg.volume import Provenance, Segmentation

_STORAGE = "1.2.840.10008.5.1.4.1.1.481.3"
_STUDY_CLASS = "1.2.840.10008.3.1.2.3.1"  # Detached Study Management, which the object asks for
_SERIES_NUMBER = 9004
_DIGITS = 3  # of coordinates in mm: a micrometre


def write_rtstruct(path: str | Path, segmentation: Segmentation) -> None:
    """Write the outlines of every class but the background as an RT Structure Set.

    They run along the sides of voxels (`fuzzyseg.io.results.contours`), so that area times slice
    spacing is the volume of the label.

    Parameters
    ----------
    path : str or Path
        Replaced in one step if it exists.
    segmentation : Segmentation
        Of a volume that was read with `headers=True`.

    Raises
    ------
    InputError
        If the volume has no DICOM headers, these lack what a structure set needs, or the file
        cannot be written.
    """
    source = dicom_source(segmentation.volume)
    with quiet(), refusing("RT Structure Set"):
        dataset = _new(source, segmentation.provenance)
        written = terms(segmentation.class_names)
        dataset.StructureSetROISequence = [_roi(dataset, term) for term in written]
        dataset.RTROIObservationsSequence = [_observation(term) for term in written]
        dataset.ROIContourSequence = [_contours(term, segmentation, source) for term in written]
        save(Path(path), dataset)


def _new(source: DicomSource, made: Provenance) -> Dataset:
    """Everything but the structures."""
    from pydicom import Dataset
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

    now, first, dataset = datetime.now().astimezone(), source.images[0], Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    if "SpecificCharacterSet" in first:
        dataset.SpecificCharacterSet = first.SpecificCharacterSet
    dataset.SOPClassUID, dataset.SOPInstanceUID = UID(_STORAGE), generate_uid()
    for keyword in PATIENT_AND_STUDY:
        setattr(dataset, keyword, first[keyword].value)
    dataset.Modality, dataset.SeriesInstanceUID = "RTSTRUCT", generate_uid()
    dataset.SeriesNumber, dataset.InstanceNumber = _SERIES_NUMBER, 1
    dataset.SeriesDescription = "Bone and lesions, fuzzyseg"
    dataset.OperatorsName = None
    by = equipment(made)
    dataset.Manufacturer = by["manufacturer"]
    dataset.ManufacturerModelName = by["manufacturer_model_name"]
    dataset.SoftwareVersions = by["software_versions"]
    dataset.FrameOfReferenceUID = first.FrameOfReferenceUID
    dataset.PositionReferenceIndicator = first.get("PositionReferenceIndicator")
    dataset.StructureSetLabel = "BONE_AND_LESIONS"
    dataset.StructureSetDate, dataset.StructureSetTime = f"{now:%Y%m%d}", f"{now:%H%M%S}"
    dataset.InstanceCreationDate, dataset.InstanceCreationTime = f"{now:%Y%m%d}", time_of_day(now)
    dataset.ApprovalStatus = "UNAPPROVED"
    dataset.ReferencedFrameOfReferenceSequence = [_referenced(source)]
    return dataset


def _referenced(source: DicomSource) -> Dataset:
    """Frame of reference, study, series and images of the structures."""
    from pydicom import Dataset

    first = source.images[0]
    series, study, frame = Dataset(), Dataset(), Dataset()
    series.SeriesInstanceUID = first.SeriesInstanceUID
    series.ContourImageSequence = [_image(image, None) for image in source.images]
    study.ReferencedSOPClassUID = _STUDY_CLASS
    study.ReferencedSOPInstanceUID = first.StudyInstanceUID
    study.RTReferencedSeriesSequence = [series]
    frame.FrameOfReferenceUID = first.FrameOfReferenceUID
    frame.RTReferencedStudySequence = [study]
    return frame


def _image(image: Dataset, frame: int | None) -> Dataset:
    from pydicom import Dataset

    item = Dataset()
    item.ReferencedSOPClassUID = image.SOPClassUID
    item.ReferencedSOPInstanceUID = image.SOPInstanceUID
    if frame is not None:
        item.ReferencedFrameNumber = frame
    return item


def _roi(dataset: Dataset, term: Term) -> Dataset:
    from pydicom import Dataset

    item = Dataset()
    item.ROINumber, item.ROIName = term.label, term.name
    item.ReferencedFrameOfReferenceUID = dataset.FrameOfReferenceUID
    item.ROIGenerationAlgorithm = "AUTOMATIC"
    return item


def _observation(term: Term) -> Dataset:
    from pydicom import Dataset

    item, coded = Dataset(), Dataset()
    kind = code(term.kind)
    coded.CodeValue, coded.CodingSchemeDesignator = kind.value, kind.scheme_designator
    coded.CodeMeaning = kind.meaning
    item.ObservationNumber = item.ReferencedROINumber = term.label
    item.RTROIIdentificationCodeSequence = [coded]
    item.RTROIInterpretedType = item.ROIInterpreter = None  # left to people
    return item


def _contours(term: Term, segmentation: Segmentation, source: DicomSource) -> Dataset:
    """Draw one structure, slice by slice."""
    from pydicom import Dataset

    item, drawn = Dataset(), []
    labels, to_mm = segmentation.labels, LPS_TO_RAS @ segmentation.volume.affine
    inside = labels == term.label
    for k in np.flatnonzero(inside.any((0, 1))):
        referred = _image(*source.frame(int(k)))
        drawn += [
            _contour(_places(corners, int(k), to_mm), referred)
            for corners in outlines(inside[..., k].T)
        ]
    item.ROIDisplayColor = list(term.rgb)
    item.ReferencedROINumber = term.label
    if drawn:
        item.ContourSequence = drawn
    return item


def _places(
    corners: NDArray[np.float64], k: int, to_mm: NDArray[np.float64]
) -> Sequence[Sequence[float]]:
    """Corners (n, 2) in voxels of slice `k` as (n, 3) in mm, LPS."""
    full = np.column_stack([corners, np.full(len(corners), k), np.ones(len(corners))])
    places: Sequence[Sequence[float]] = (full @ to_mm[:3].T).tolist()
    return places


def _contour(places: Sequence[Sequence[float]], referred: Dataset) -> Dataset:
    from pydicom import Dataset

    item = Dataset()
    item.ContourImageSequence = [referred]
    item.ContourGeometricType, item.NumberOfContourPoints = "CLOSED_PLANAR", len(places)
    item.ContourData = [f"{value:.{_DIGITS}f}" for place in places for value in place]
    return item
