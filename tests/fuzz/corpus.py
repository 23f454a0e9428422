"""Small whole studies to mutate, each as a folder's files in memory, all written from code."""

from __future__ import annotations

import gzip
import io
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
from pydicom import dcmread
from pydicom.uid import RLELossless

from fuzzyseg.io import (
    DicomPatient,
    DicomStudy,
    Injection,
    SpectAcquisition,
    write_ct_series,
    write_nm,
)
from fuzzyseg.volume import Volume

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = (7, 6, 5)
AFFINE = np.array([[4.0, 0, 0, -12], [0, 4.0, 0, -10], [0, 0, 5.0, 30], [0, 0, 0, 1]])


@dataclass(frozen=True)
class Study:
    """Files of a study by name, and the format that the mutators know it by."""

    name: str
    files: dict[str, bytes]
    kind: str  # "dicom", "nifti" or "opaque"


def studies(folder: Path) -> list[Study]:
    """Write the corpus; `folder` is for files on their way."""
    rng = np.random.default_rng(7)
    counts = rng.poisson(40, SHAPE).astype(np.float32)
    hu = rng.integers(-1000, 1500, SHAPE).astype(np.float32)
    moment = datetime(2024, 5, 6, 10, 30, tzinfo=UTC)
    patient = DicomPatient("FUZZ^CASE", "FUZZ-1", weight_kg=70.0)
    study = DicomStudy("fuzz", moment)
    write_nm(
        folder / "nm.dcm",
        Volume(counts, AFFINE, "NM", "Bq/mL"),
        patient=patient,
        study=study,
        acquisition=SpectAcquisition(moment, 60, 15.0),
        injection=Injection(700.0, moment),
    )
    write_ct_series(
        folder / "ct", Volume(hu, AFFINE, "CT", "HU"), patient=patient, study=study, kvp=120.0
    )
    ct = {path.name: path.read_bytes() for path in sorted((folder / "ct").iterdir())}
    nm = {"nm.dcm": (folder / "nm.dcm").read_bytes()}
    nifti = _nifti(counts)
    return [
        Study("nm", nm, "dicom"),
        Study("ct", ct, "dicom"),
        Study("pt", {name: _as_pt(raw) for name, raw in ct.items()}, "dicom"),
        Study("nm_rle", {"nm.dcm": _rle(nm["nm.dcm"])}, "dicom"),
        Study("nii", {"a.nii": nifti}, "nifti"),
        Study("nii_gz", {"a.nii.gz": gzip.compress(nifti, mtime=0)}, "opaque"),
        Study("zip", {"a.zip": _zip(ct)}, "opaque"),
    ]


def _nifti(values: np.ndarray) -> bytes:
    image = nib.Nifti1Image(np.rint(values).astype(np.int16), AFFINE)
    image.header.set_xyzt_units("mm")
    image.header.set_slope_inter(0.5, 1.0)
    image.set_sform(AFFINE, code=1)
    image.set_qform(AFFINE, code=1)
    return image.to_bytes()


def _as_pt(raw: bytes) -> bytes:
    dataset = dcmread(io.BytesIO(raw))
    uid = "1.2.840.10008.5.1.4.1.1.128"
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = uid
    dataset.Modality, dataset.Units = "PT", "BQML"
    dataset.RescaleIntercept, dataset.RescaleSlope = 0, 0.25
    del dataset.RescaleType
    return _saved(dataset)


def _rle(raw: bytes) -> bytes:
    dataset = dcmread(io.BytesIO(raw))
    dataset.compress(RLELossless)
    return _saved(dataset)


def _saved(dataset: object) -> bytes:
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _zip(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in files.items():
            archive.writestr(zipfile.ZipInfo(f"study/{name}"), raw, zipfile.ZIP_DEFLATED)
    return out.getvalue()
