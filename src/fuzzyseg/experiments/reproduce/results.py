"""What the jobs found, or why there is nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.experiments.reproduce.work.scoring import PICTURE
from fuzzyseg.metrics import plain_mean, volume_weighted_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from fuzzyseg.jobs import Job, Store

Patients = list[dict[str, Any]]
_WEIGHTED = ("dsc", "recall", "precision", "iou")


class Results:
    """Looks into the store.

    Parameters
    ----------
    store : Store
    failures : mapping of str to str
        By a job's name, the line that says why it failed in this run.
    """

    def __init__(self, store: Store, failures: Mapping[str, str]) -> None:
        self.store, self.failures = store, failures

    def result(self, job: Job) -> dict[str, Any] | None:
        """Return what the job's function returned; None if it is not done."""
        return self.store.record(job)["result"] if self.store.done(job) else None

    def folder(self, job: Job) -> Path | None:
        """Folder of a job that is done."""
        return self.store.path(job) if self.store.done(job) else None

    def why_not(self, job: Job) -> str:
        """Say why a job is not done."""
        return "failed: " + self.failures[job.name] if job.name in self.failures else "not run yet"

    def patients(self, job: Job) -> Patients:
        """Patients of a job of `Plan.scores`; empty if it is not done."""
        found = self.result(job)
        return found["patients"] if found else []

    def slice(self, job: Job) -> dict[str, NDArray[Any]] | None:
        """Slice that a job of `Plan.scores` kept."""
        folder = self.folder(job)
        if folder is None:
            return None
        with np.load(folder / PICTURE) as stored:
            return dict(stored)


def value(patients: Patients, of_class: str, score: str) -> float:
    """Mean of a score over patients: eq. (22), weighted by true volume; surface DSC a plain mean.

    NaN where no patient has it.
    """
    rows = [p["scores"][of_class] for p in patients]
    found = [np.nan if r[score] is None else r[score] for r in rows]
    if score in _WEIGHTED:
        return volume_weighted_mean(found, [r["truth_ml"] for r in rows]).estimate
    return plain_mean(found).estimate


def per_patient(seeds: Sequence[Patients], of_class: str, score: str = "dsc") -> list[float]:
    """Return a score of each patient, averaged over seeds; NaN where undefined."""
    every = np.array(
        [[_or_nan(p["scores"][of_class][score]) for p in patients] for patients in seeds], float
    )
    return [float(x) for x in every.mean(0)]


def _or_nan(number: float | None) -> float:
    return np.nan if number is None else number
