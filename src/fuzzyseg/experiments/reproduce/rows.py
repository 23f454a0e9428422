"""Rows of a table of scores: a method, its seeds, what they score, steps and seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.experiments.reproduce.results import per_patient, value
from fuzzyseg.metrics import paired_t_test

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fuzzyseg.experiments.reproduce.results import Patients, Results
    from fuzzyseg.experiments.reproduce.section import Cell
    from fuzzyseg.jobs import Job

COLLAPSED = 0.02  # a DSC below this is no segmentation
SHORT = {"dsc": "DSC", "recall": "recall", "precision": "precision", "iou": "IoU"}
SHORT["surface_dsc"] = "surface DSC"


@dataclass(frozen=True)
class Entry:
    """A method of a table.

    Parameters
    ----------
    name : str
    scores : sequence of Job
        Of `Plan.scores`, one a seed.
    models : sequence of Job
        Of `Plan.model`, one a seed; none for what is not trained.
    """

    name: str
    scores: Sequence[Job]
    models: Sequence[Job] = ()

    @property
    def jobs(self) -> list[Job]:
        """All that it needs."""
        return [*self.models, *self.scores]

    def seeds(self, results: Results) -> list[Patients]:
        """Patients of each seed that is done."""
        return [found for job in self.scores if (found := results.patients(job))]

    def mean(self, results: Results, of_class: str, score: str = "dsc") -> float:
        """Mean over patients and seeds; NaN where nothing is done."""
        found = [value(seed, of_class, score) for seed in self.seeds(results)]
        return float(np.mean(found)) if found else float("nan")


def score_table(
    entries: Sequence[Entry],
    results: Results,
    classes: Sequence[str],
    scores: Sequence[str] = ("dsc", "recall", "precision", "iou"),
) -> tuple[list[str], list[list[Cell]]]:
    """Columns and rows: each score of each class, then the note, seeds, steps, seconds.

    A cell is the mean over seeds, with the lowest and highest where there are several.
    """
    columns = ["method", *(f"{c} {SHORT[s]}" for c in classes for s in scores)]
    columns += ["seeds", "steps", "training s", "s a patient", "note"]
    rows: list[list[Cell]] = []
    for entry in entries:
        seeds = entry.seeds(results)
        if not seeds:
            blank: list[Cell] = [None] * (len(columns) - 2)
            rows.append([entry.name, *blank, results.why_not(_undone(entry, results))])
            continue
        cells: list[Cell] = [
            spread([value(seed, c, s) for seed in seeds]) for c in classes for s in scores
        ]
        seconds = [p["seconds"] for seed in seeds for p in seed]
        rows.append(
            [
                entry.name,
                *cells,
                *_trained(entry, results),
                round(float(np.mean(seconds)), 2),
                note(entry, results, classes),
            ]
        )
    return columns, rows


def _undone(entry: Entry, results: Results) -> Job:
    return next(job for job in entry.scores if results.result(job) is None)


def _trained(entry: Entry, results: Results) -> list[Cell]:
    """Seeds, steps and seconds."""
    runs = [found for job in entry.models if (found := results.result(job))]
    if not runs:
        return [None, None, None]
    steps = sorted({run["steps"] for run in runs})
    told = str(steps[0]) if len(steps) == 1 else f"{steps[0]} to {steps[-1]}"
    return [len(runs), told, round(float(np.mean([run["seconds"] for run in runs])))]


def note(entry: Entry, results: Results, classes: Sequence[str]) -> str:
    """Say what is wrong with a row: collapsed, not flat, seeds that failed."""
    said = []
    runs = [found for job in entry.models if (found := results.result(job))]
    low = [c for c in classes if entry.mean(results, c) < COLLAPSED]
    if low:
        said.append(f"collapsed: no {' and no '.join(low)}")
    rising = sum(not run["flat"] for run in runs)
    if rising:
        said.append("validation curve not flat" if len(runs) == 1 else f"{rising} curves not flat")
    left = sum(results.result(job) is None for job in entry.scores)
    if left:
        said.append(
            f"{left} of {len(entry.scores)} seeds: {results.why_not(_undone(entry, results))}"
        )
    return "; ".join(said)


def spread(values: Sequence[float], digits: int = 3) -> Cell:
    """Mean, and lowest and highest where there are several; None for NaN."""
    known = [v for v in values if np.isfinite(v)]
    if not known:
        return None
    if len(known) == 1:
        return round(known[0], digits)
    return f"{np.mean(known):.{digits}f} [{min(known):.{digits}f}, {max(known):.{digits}f}]"


def t_tests(
    entries: Sequence[Entry], against: Entry, results: Results, classes: Sequence[str]
) -> tuple[list[str], list[list[Cell]]]:
    """Paired t-tests of each method against one, over patients (seeds averaged)."""
    columns = ["method", *(f"{c}: {what}" for c in classes for what in ("difference", "p"))]
    base = against.seeds(results)
    rows: list[list[Cell]] = []
    for entry in entries:
        seeds = entry.seeds(results)
        if entry is against or not seeds or not base:
            continue
        cells: list[Cell] = [f"{entry.name} against {against.name}"]
        for c in classes:
            test = paired_t_test(per_patient(seeds, c), per_patient(base, c))
            cells += [_rounded(test.estimate, 3), _rounded(test.p, 4)]
        rows.append(cells)
    return columns, rows


def _rounded(number: float, digits: int) -> Any:
    return round(number, digits) if np.isfinite(number) else None


def named(entries: Sequence[Entry]) -> Mapping[str, Entry]:
    """Entries by their names."""
    return {entry.name: entry for entry in entries}
