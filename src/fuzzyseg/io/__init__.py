"""Studies in (DICOM, NIfTI, zip), segmentations out (NIfTI)."""

from fuzzyseg.io.catalogue import SeriesInfo, find_series
from fuzzyseg.io.nifti import guess_modality, read_nifti
from fuzzyseg.io.nifti_write import write_image, write_labels, write_memberships
from fuzzyseg.io.study import read_study

__all__ = [
    "SeriesInfo",
    "find_series",
    "guess_modality",
    "read_nifti",
    "read_study",
    "write_image",
    "write_labels",
    "write_memberships",
]
