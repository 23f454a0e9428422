"""CTs with bone labels, one a folder with ct.nii.gz and labels.nii.gz, from three sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.experiments.bone_names import bones_of
from fuzzyseg.experiments.reproduce.work.patients import folder_of, recipe_of
from fuzzyseg.io import read_nifti, write_image, write_labels
from fuzzyseg.simulation.ct_only import simulate_ct
from fuzzyseg.volume import Volume

if TYPE_CHECKING:
    from pathlib import Path

    from fuzzyseg.jobs import Work

_WATER = 0.1537  # 1/cm at 140 keV (NIST XCOM)
_CT, _LABELS, _NAMES = "_ct.nii.gz", "_labels.nii.gz", "_structures.csv"


def ct_of_attenuation(work: Work) -> None:
    """Write a patient's attenuation map, as the paper trained on, on the scale of HU.

    HU of 140 keV: linear in the attenuation, so that slices scaled to [0, 1] are the map's.
    """
    [job] = work.inputs["patient"]
    folder = folder_of(job)
    mu = read_nifti(folder / "attenuation.nii.gz")
    hu = (1000 * (mu.array / np.float32(_WATER) - 1)).astype(np.float32)
    labels = read_nifti(folder / "labels.nii.gz").array
    _write(work.folder, Volume(hu, mu.affine, "CT", "HU"), labels > 0)


def simulated_ct(work: Work) -> None:
    """Write a CT of a simulated body and scanner."""
    body = simulate_ct(recipe_of(work.settings["recipe"]), work.settings["number"])
    _write(work.folder, body.ct, body.ct_labels > 0)


def real_ct(work: Work) -> None:
    """Write a CT of a file, its labels joined to bone."""
    labels = read_nifti(work.files["labels"]).array
    bones = work.settings["bones"]
    bone = np.isin(np.rint(labels), bones) if bones else labels > 0
    _write(work.folder, read_nifti(work.files["ct"], "CT"), bone)


def ct_pairs(folder: Path) -> list[tuple[dict[str, Path], list[int]]]:
    """Find CTs with labels in a folder.

    NAME_ct.nii.gz has its labels in NAME_labels.nii.gz. Where NAME_structures.csv says what they
    are, in columns "structure" and "id", those named after bones are bone; else every label is.

    Returns
    -------
    list of (files, bones)
        Files "ct" and "labels"; labels that are bone, empty for all.
    """
    found = []
    for ct in sorted(folder.glob(f"*{_CT}")):
        name = ct.name.removesuffix(_CT)
        labels, structures = folder / f"{name}{_LABELS}", folder / f"{name}{_NAMES}"
        if not labels.is_file():
            continue
        bones = sorted(bones_of(structures)) if structures.is_file() else []
        found.append(({"ct": ct, "labels": labels}, bones))
    return found


def _write(folder: Path, ct: Volume, bone: Any) -> None:
    write_image(folder / "ct.nii.gz", ct)
    write_labels(folder / "labels.nii.gz", bone.astype(np.uint8), ct)
