"""Small DICOM studies of every kind that is read, and segmentations of them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fuzzyseg.io import read_volume
from fuzzyseg.volume import Provenance, Segmentation

SHAPE = (9, 7, 5)  # columns, rows, slices
# Turned about two axes, so that no voxel axis runs along one of the patient.
_TURN = np.array([[0.8, -0.36, 0.48], [0.6, 0.48, -0.64], [0.0, 0.8, 0.6]])
OBLIQUE = tuple(_TURN[:, 0]) + tuple(_TURN[:, 1])
AXIAL = (1, 0, 0, 0, 1, 0)
FLIPPED = (-1, 0, 0, 0, -1, 0)  # rows to the right, columns to the front
SAGITTAL = (0, 1, 0, 0, 0, -1)
KINDS = ("ct", "ct-oblique", "ct-sagittal", "pt-flipped", "nm", "nm-oblique", "nm-headfirst")


def identify(dataset):
    """What the datasets of `tests/io/conftest.py` lack of a clinical one."""
    dataset.StudyInstanceUID = "1.2.826.0.1.3680043.8.498.77"
    dataset.FrameOfReferenceUID = "1.2.826.0.1.3680043.8.498.78"
    dataset.PatientName, dataset.PatientID = "Müller^Eva", "P-17"
    dataset.PatientBirthDate, dataset.PatientSex = "19501224", "F"
    dataset.StudyDate, dataset.StudyTime = "20260102", "093000"
    dataset.StudyID = dataset.AccessionNumber = "A1"
    dataset.ReferringPhysicianName = ""
    dataset.SpecificCharacterSet = "ISO_IR 192"


def labels_of(classes, seed=5):
    """Labels without any symmetry; the last class has one voxel in the last slice."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, SHAPE).astype(np.uint8)
    labels[..., 0] = 0  # a slice without anything
    labels[..., -1] = 0
    labels[6, 2, -1] = classes - 1
    return labels


def segmented(volume, labels):
    """A segmentation with these labels, and memberships that lean to them."""
    classes = ("background", "bone", "lesion")[: 2 if volume.modality == "CT" else 3]
    n = len(classes)
    memberships = np.full((n, *labels.shape), 0.3 / (n - 1), np.float32)
    np.put_along_axis(memberships, labels[None].astype(int), 0.7, 0)
    made = Provenance("kmeans", versions={"fuzzyseg": "1.2.3"})
    return Segmentation(memberships, labels, classes, volume, made)


@pytest.fixture
def make_source(tmp_path, make_series, make_nm):
    """Write a study of a kind out of `KINDS`, and read it; `edit` may spoil its headers."""

    def make(kind, edit=lambda _: None, folder="study"):
        rng = np.random.default_rng(1)
        pixels = rng.integers(0, 900, SHAPE[::-1]).astype(np.int16)
        if kind.startswith("nm"):

            def edit_nm(dataset):
                identify(dataset)
                del dataset.FrameOfReferenceUID  # as most cameras leave it out
                item = dataset.DetectorInformationSequence[0]
                if kind == "nm-oblique":
                    item.ImageOrientationPatient = [f"{v:.12g}" for v in OBLIQUE]
                if kind == "nm-headfirst":
                    dataset.SpacingBetweenSlices = -5.0
                    dataset.SliceVector = [3, 1, 2, 5, 4]
                edit(dataset)

            path = make_nm(tmp_path / folder / "nm.dcm", pixels.astype(np.uint16), edit=edit_nm)
            return read_volume(path, headers=True)
        orientation = {"oblique": OBLIQUE, "flipped": FLIPPED, "sagittal": SAGITTAL}
        turned = orientation.get(kind.partition("-")[2], AXIAL)
        normal = np.cross(turned[:3], turned[3:])

        def edit_slice(_, dataset):
            identify(dataset)
            edit(dataset)

        make_series(
            tmp_path / folder,
            pixels,
            modality=kind[:2].upper(),
            orientation=turned,
            step=-2.5 * normal,
            edit=edit_slice,
        )
        return read_volume(tmp_path / folder, headers=True)

    return make


@pytest.fixture(params=KINDS)
def segmentation(request, make_source):
    """A segmentation of a study of each kind."""
    volume = make_source(request.param)
    return segmented(volume, labels_of(2 if volume.modality == "CT" else 3))


def places_lps(volume, mask):
    """Centres of the voxels of a mask in mm, LPS."""
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ volume.affine
    indices = np.argwhere(mask)
    return indices @ affine[:3, :3].T + affine[:3, 3]


def same_places(found, expected):
    """Tell whether two sets of places are one within 0.01 mm, in whatever order."""
    if found.shape != expected.shape:
        return False
    away = np.abs(found[:, None] - expected[None]).max(-1)
    return bool((away.min(0) < 0.01).all() and (away.min(1) < 0.01).all())


def run_tool(name, *arguments):
    """Run a program that pip or apt installs, or skip the test where it is not there."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        pytest.skip(f"needs {name}, which is not installed")
    return subprocess.run(
        [found, *map(str, arguments)], check=False, capture_output=True, text=True
    )


def dciodvfy_errors(path):
    """What David Clunie's validator says of a file, but for its warnings."""
    done = run_tool("dciodvfy", path)
    return [line for line in done.stderr.splitlines() if "Error" in line or "Abort" in line]
