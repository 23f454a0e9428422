"""A method on a cohort: scores of each patient, and a slice to look at."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.conventions import CLASSES
from fuzzyseg.experiments.reproduce.work.patients import folder_of
from fuzzyseg.experiments.reproduce.work.training import MODEL
from fuzzyseg.experiments.reproduce.work.values import from_json
from fuzzyseg.io import read_nifti
from fuzzyseg.metrics import evaluate
from fuzzyseg.segmentation import Settings, segment
from fuzzyseg.volume import Study, Volume

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from fuzzyseg.jobs import Work
    from fuzzyseg.volume import Segmentation

PICTURE = "slice.npz"
BINS = 10  # of a membership, for reliability
_KEPT = ("dsc", "recall", "precision", "iou", "surface_dsc", "truth_ml", "prediction_ml")
_UPTAKE = 0.02  # of the maximum: above it there is something to be unsure about


def scores(work: Work) -> dict[str, Any]:
    """Segment and compare with the truth.

    Returns
    -------
    dict
        "patients", one dict each: "seconds"; by class "scores" (None where undefined),
        "reliability" (in bins of the membership: voxels, sum of memberships, voxels of the class);
        "fuzziness", the mean entropy of memberships where there is uptake, 1 if all were equal; for
        lesions "found", "lesions" and "false_pieces".
    """
    told = from_json(work.settings["settings"])
    if "model" in work.inputs:
        told |= {"method": "model", "model": str(work.inputs["model"][0] / MODEL)}
    settings = Settings(**told, jobs=1)
    found = []
    for number, job in enumerate(work.inputs["patients"]):
        study, truth = _case(job, work.settings["image"], work.settings["noise"], number)
        result = segment(study, settings)
        names = CLASSES[: len(result.class_names)]
        truth = np.minimum(truth, len(names) - 1).astype(np.uint8)
        found.append(_scored(result, truth, names))
        if number == 0:
            _keep_slice(work.folder / PICTURE, result, truth)
    return {"patients": found}


def _case(job: Path, image: str, noise: float, number: int) -> tuple[Study, NDArray[Any]]:
    """Images and truth of a patient, on one grid."""
    if image == "ct":
        ct = read_nifti(job / "ct.nii.gz", "CT", "HU")
        return Study(ct=ct), np.rint(read_nifti(job / "labels.nii.gz").array)
    folder = folder_of(job)
    spect = read_nifti(folder / "spect.nii.gz", "NM", "Bq/mL")
    if noise:
        grain = np.random.default_rng(number).standard_normal(spect.shape, dtype=np.float32)
        noisy = spect.array + np.float32(noise * np.ptp(spect.array)) * grain
        spect = Volume(noisy, spect.affine, "NM", "Bq/mL")
    beside = read_nifti(folder / "ct.nii.gz", "CT", "HU") if image == "spect ct" else None
    return Study(spect=spect, ct=beside), read_nifti(folder / "labels.nii.gz").array


def _scored(
    result: Segmentation, truth: NDArray[np.uint8], names: tuple[str, ...]
) -> dict[str, Any]:
    evaluation = evaluate(
        result.labels.astype(np.uint8),
        truth,
        spacing_mm=result.volume.spacing_mm,
        class_names=names,
    )
    said: dict[str, Any] = {
        "seconds": result.provenance.seconds,
        "scores": {
            row.name: {name: _number(getattr(row, name)) for name in _KEPT}
            for row in evaluation.rows
        },
        "reliability": {
            name: reliability(result.memberships[k], truth == k)
            for k, name in enumerate(names)
            if k
        },
        "fuzziness": fuzziness(result),
    }
    if evaluation.lesions is not None:
        detected = evaluation.lesions
        said |= {
            "lesions": int(detected.lesions),
            "found": int(detected.found()),
            "false_pieces": int(detected.false_pieces),
        }
    return said


def reliability(membership: NDArray[np.float32], is_class: NDArray[np.bool_]) -> list[list[float]]:
    """Count, in bins of the membership, voxels, sum of the memberships, and voxels of the class."""
    u = membership.reshape(-1)
    bins = np.minimum((u * BINS).astype(np.intp), BINS - 1)
    counts = (
        np.bincount(bins, minlength=BINS),
        np.bincount(bins, u, BINS),
        np.bincount(bins, is_class.reshape(-1), BINS),
    )
    return [[float(n), round(float(s), 3), float(t)] for n, s, t in zip(*counts, strict=True)]


def fuzziness(result: Segmentation) -> float:
    """Mean entropy of the memberships, over its largest value, where there is uptake."""
    image = result.volume.array
    uptake = image > _UPTAKE * float(image.max())
    u = np.clip(result.memberships[:, uptake].astype(np.float64), 1e-12, 1)
    return round(float(-(u * np.log(u)).sum(0).mean() / math.log(len(u))), 4)


def _keep_slice(path: Path, result: Segmentation, truth: NDArray[np.uint8]) -> None:
    """Keep the transverse slice with the most of the last class there is, bone where no lesion."""
    shown = truth == (truth.max() if truth.any() else 0)
    z = int(shown.sum(axis=(0, 1)).argmax())
    np.savez_compressed(
        path,
        image=result.volume.array[:, :, z],
        truth=truth[:, :, z],
        labels=result.labels[:, :, z],
        memberships=result.memberships[:, :, :, z].astype(np.float16),
        spacing=result.volume.spacing_mm[:2],
    )


def _number(value: float) -> float | None:
    return round(float(value), 5) if math.isfinite(value) else None
