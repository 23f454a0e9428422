"""Print what limits segmentation of a simulated cohort's SPECT (docs/results.md).

    python experiments/limits.py COHORT

For the first patient: how much of bone is surface, what an error of the boundary costs, and what
the best level would give without noise. For all: the best single level, chosen with the labels.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from scipy import ndimage

from fuzzyseg.conventions import FWHM_PER_SIGMA
from fuzzyseg.io import read_nifti

VOXEL_ERRORS = (0.5, 1.0, 1.5)
BLURS_MM = (0, 6, 8, 10)


def dsc(a: np.ndarray, b: np.ndarray) -> float:
    """Dice coefficient of two masks."""
    return 2 * float((a & b).sum()) / max(1, int(a.sum()) + int(b.sum()))


def best_level(image: np.ndarray, truth: np.ndarray) -> float:
    """Highest DSC of any of 18 levels around bone's."""
    return max(dsc(image > level, truth) for level in np.linspace(3000, 20000, 18))


def one_patient(folder: Path) -> None:
    spect = read_nifti(folder / "spect.nii.gz", "NM")
    bone = read_nifti(folder / "labels.nii.gz").array > 0
    activity = read_nifti(folder / "activity.nii.gz").array
    surface = bone & ~ndimage.binary_erosion(bone)
    print(f"bone: {bone.sum()} voxels, {surface.sum()} of them at its surface")
    distance = ndimage.distance_transform_edt(~bone) - ndimage.distance_transform_edt(bone)
    field = ndimage.gaussian_filter(np.random.default_rng(0).standard_normal(bone.shape), 1.5)
    for error in VOXEL_ERRORS:
        shifted = distance + error * field / field.std() < 0
        print(f"boundary off by {error} voxels (standard deviation): DSC {dsc(shifted, bone):.2f}")
    spacing = np.array(spect.spacing_mm)
    for blur in BLURS_MM:
        blurred = ndimage.gaussian_filter(activity, blur / FWHM_PER_SIGMA / spacing)
        print(f"activity without noise, blurred by {blur} mm: {best_level(blurred, bone):.2f}")
    print(f"reconstruction: {best_level(spect.array, bone):.2f}")


def all_patients(folders: list[Path]) -> None:
    """DSC of the best level of z-scores for all patients at once, weighted by volume."""
    levels = {1: np.linspace(0.2, 6, 30), 2: np.linspace(2, 30, 57)}
    scores: dict[int, list] = {1: [], 2: []}
    volumes: dict[int, list] = {1: [], 2: []}
    for folder in folders:
        image = read_nifti(folder / "spect.nii.gz", "NM").array
        z = (image - image.mean()) / image.std()
        truth = read_nifti(folder / "labels.nii.gz").array
        for k, tried in levels.items():
            scores[k].append([dsc(z > level, truth >= k) for level in tried])
            volumes[k].append(int((truth >= k).sum()))
    for k, name in ((1, "bone and lesions"), (2, "lesions")):
        means = np.average(scores[k], axis=0, weights=volumes[k])
        print(f"best level for {name} of {len(folders)} patients: DSC {means.max():.2f}")


if __name__ == "__main__":
    patients = sorted(Path(sys.argv[1]).glob("patient-*"))
    one_patient(patients[0])
    all_patients(patients)
