"""Small DICOM files made on the spot, and the real ones where they are at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
SOP_CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "PT": "1.2.840.10008.5.1.4.1.1.128",
    "NM": "1.2.840.10008.5.1.4.1.1.20",
}


def new_dataset(modality, stored, *, series, implicit=False):
    """Return a dataset of one modality with its pixels, which `save_as` can write."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SOP_CLASSES[modality]
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID = meta.MediaStorageSOPClassUID
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dataset.SeriesInstanceUID = series
    dataset.SeriesNumber = 1
    dataset.SeriesDescription = f"{modality} test"
    dataset.Modality = modality
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = stored.shape[-2:]
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = int(stored.dtype.kind == "i")
    dataset.PixelData = stored.astype(stored.dtype.newbyteorder("<")).tobytes()
    return dataset


def save(dataset, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture
def make_series():
    """Write a CT or PT series; `edit(k, dataset)` may change slice k (0 is the first placed)."""

    def make(
        folder,
        stored,
        *,
        modality="CT",
        orientation=(1, 0, 0, 0, 1, 0),
        origin=(-10.0, -20.0, 5.0),
        step=None,
        spacing=(2.0, 1.5),
        edit=None,
        implicit=False,
        series=None,
        suffix="",
    ):
        row, column = np.reshape(np.array(orientation, float), (2, 3))
        step = 3.0 * np.cross(row, column) if step is None else np.array(step)
        series = series or generate_uid()
        shuffled = np.random.default_rng(3).permutation(len(stored))
        paths = []
        for k, pixels in enumerate(stored):
            dataset = new_dataset(modality, pixels, series=series, implicit=implicit)
            dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
            dataset.ImageOrientationPatient = [f"{v:.12g}"[:16] for v in orientation]
            dataset.ImagePositionPatient = [f"{v:.10g}" for v in np.array(origin) + k * step]
            dataset.PixelSpacing = list(spacing)
            dataset.InstanceNumber = int(shuffled[k])
            dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0
            if modality == "PT":
                dataset.Units = "BQML"
            if edit is not None:
                edit(k, dataset)
            # Names neither sorted nor ending in .dcm, as scanners write them.
            paths.append(save(dataset, folder / f"I{shuffled[k]:05d}{suffix}"))
        return paths

    return make


@pytest.fixture
def make_nm():
    """Write a multi-frame NM file; `edit(dataset)` may change it."""

    def make(path, stored, *, image_type="RECON TOMO", edit=None, series=None, implicit=False):
        dataset = new_dataset("NM", stored, series=series or generate_uid(), implicit=implicit)
        dataset.ImageType = ["ORIGINAL", "PRIMARY", image_type, "EMISSION"]
        dataset.NumberOfFrames = len(stored)
        dataset.PixelSpacing = [4.0, 4.5]
        dataset.FrameIncrementPointer = 0x00540080
        dataset.SliceVector = list(range(1, len(stored) + 1))
        dataset.NumberOfSlices = len(stored)
        dataset.SpacingBetweenSlices = 5.0
        detector = Dataset()
        detector.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        detector.ImagePositionPatient = [-100.0, -120.0, 300.0]
        dataset.DetectorInformationSequence = [detector]
        if edit is not None:
            edit(dataset)
        return save(dataset, path)

    return make


@pytest.fixture
def ct_pixels():
    """Five slices of 4 rows and 6 columns, every value its own."""
    return np.arange(5 * 4 * 6, dtype=np.int16).reshape(5, 4, 6)


@pytest.fixture(scope="session")
def shared():
    """Return a function that gives the path of a shared file, or skips the test."""

    def find(name):
        path = SHARED / name
        if not path.exists():
            pytest.skip(f"the shared data file {name} is not at hand")
        return path

    return find
