"""Scores of a network on whole volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from fuzzyseg.inference.prediction import predict
from fuzzyseg.metrics import evaluate, plain_mean, volume_weighted_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fuzzyseg.metrics.evaluation import Evaluation
    from fuzzyseg.models.model_files import Model
    from fuzzyseg.training.case import Case


def score_case(model: Model, case: Case) -> Evaluation:
    """Scores of each class but the background; voxels without label do not count."""
    jobs = torch.get_num_threads()
    image = np.asarray(case.image, dtype=np.float32)
    labels = predict(model, image, engine="torch", jobs=jobs).argmax(0).astype(np.uint8)
    known = case.labels >= 0
    return evaluate(
        np.where(known, labels, 0).astype(np.uint8),
        np.where(known, case.labels, 0).astype(np.uint8),
        spacing_mm=case.spacing_mm,
        class_names=model.card.architecture.classes,
    )


def mean_scores(patients: Sequence[Evaluation]) -> dict[str, dict[str, float | None]]:
    """Means over patients, eq. (22): DSC weighted by true volume, surface DSC plain.

    Returns
    -------
    dict
        For each class "dsc" and "surface_dsc"; None where no patient has the class. For lesions
        also "found", the share of all that any voxel of the prediction touches, and
        "false_pieces" a patient.
    """
    found: dict[str, dict[str, float | None]] = {}
    for of_class in zip(*(patient.rows for patient in patients), strict=True):
        dsc = volume_weighted_mean([r.dsc for r in of_class], [r.truth_ml for r in of_class])
        surface = plain_mean([r.surface_dsc for r in of_class])
        found[of_class[0].name] = {
            "dsc": _number(dsc.estimate),
            "surface_dsc": _number(surface.estimate),
        }
    lesions = [patient.lesions for patient in patients if patient.lesions is not None]
    if lesions:
        n = sum(d.lesions for d in lesions)
        found["lesion"] |= {
            "found": _number(sum(d.found() for d in lesions) / n) if n else None,
            "false_pieces": _number(sum(d.false_pieces for d in lesions) / len(lesions)),
        }
    return found


def mean_dsc(scores: dict[str, dict[str, float | None]]) -> float:
    """Mean DSC over the classes that there are: what validation compares."""
    known = [s["dsc"] for s in scores.values() if s["dsc"] is not None]
    return float(np.mean(known)) if known else 0.0


def _number(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None
