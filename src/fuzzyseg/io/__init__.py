"""Studies in (DICOM, NIfTI, zip); segmentations (`results/`) and simulated studies (DICOM) out."""

from fuzzyseg.io.catalogue import find_series
from fuzzyseg.io.dicom.ct_write import write_ct_series
from fuzzyseg.io.dicom.nm_write import Injection, SpectAcquisition, write_nm
from fuzzyseg.io.dicom.write import DicomPatient, DicomStudy
from fuzzyseg.io.found import SeriesInfo
from fuzzyseg.io.guess import Guess, guess_modality
from fuzzyseg.io.nifti import read_nifti
from fuzzyseg.io.nifti_write import write_image, write_labels, write_memberships
from fuzzyseg.io.readers import READERS, Reader
from fuzzyseg.io.reading import choose_series, read_each, read_study, read_volume
from fuzzyseg.io.results.dicom_seg import write_dicom_seg
from fuzzyseg.io.results.dicom_sr import write_dicom_sr
from fuzzyseg.io.results.formats import RESULT_FORMATS, write_results
from fuzzyseg.io.results.measures import LesionMeasures, MeasuredLesions
from fuzzyseg.io.results.rtstruct import write_rtstruct
from fuzzyseg.io.results.seg_nrrd import write_seg_nrrd

__all__ = [
    "READERS",
    "RESULT_FORMATS",
    "DicomPatient",
    "DicomStudy",
    "Guess",
    "Injection",
    "LesionMeasures",
    "MeasuredLesions",
    "Reader",
    "SeriesInfo",
    "SpectAcquisition",
    "choose_series",
    "find_series",
    "guess_modality",
    "read_each",
    "read_nifti",
    "read_study",
    "read_volume",
    "write_ct_series",
    "write_dicom_seg",
    "write_dicom_sr",
    "write_image",
    "write_labels",
    "write_memberships",
    "write_nm",
    "write_results",
    "write_rtstruct",
    "write_seg_nrrd",
]
