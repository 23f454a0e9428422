"""Scores of a network on whole volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from fuzzyseg.inference.predict import predict
from fuzzyseg.metrics import evaluate, plain_mean, volume_weighted_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fuzzyseg.metrics.evaluate import ClassScores
    from fuzzyseg.models.model_files import Model
    from fuzzyseg.training.case import Case


def score_case(model: Model, case: Case) -> tuple[ClassScores, ...]:
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
    ).rows


def mean_scores(rows: Sequence[Sequence[ClassScores]]) -> dict[str, dict[str, float | None]]:
    """Means over patients, eq. (22): DSC weighted by true volume, surface DSC plain.

    Returns
    -------
    dict
        For each class "dsc" and "surface_dsc"; None where no patient has the class.
    """
    found = {}
    for of_class in zip(*rows, strict=True):
        dsc = volume_weighted_mean([r.dsc for r in of_class], [r.truth_ml for r in of_class])
        surface = plain_mean([r.surface_dsc for r in of_class])
        found[of_class[0].name] = {
            "dsc": _number(dsc.estimate),
            "surface_dsc": _number(surface.estimate),
        }
    return found


def mean_dsc(scores: dict[str, dict[str, float | None]]) -> float:
    """Mean DSC over the classes that there are: what validation compares."""
    known = [s["dsc"] for s in scores.values() if s["dsc"] is not None]
    return float(np.mean(known)) if known else 0.0


def _number(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None
