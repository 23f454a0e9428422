"""Beyond the paper: whether 8 of 10 voxels with a membership of 0.8 are of the class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.experiments.reproduce.drawing import lines
from fuzzyseg.experiments.reproduce.entries import CLASSES, jobs_of
from fuzzyseg.experiments.reproduce.items.stand_in import entries
from fuzzyseg.experiments.reproduce.section import Figure, Section, Table

if TYPE_CHECKING:
    from fuzzyseg.experiments.reproduce.plan import Plan
    from fuzzyseg.experiments.reproduce.results import Results
    from fuzzyseg.experiments.reproduce.rows import Entry
    from fuzzyseg.experiments.reproduce.section import Cell
    from fuzzyseg.jobs import Job

NAMES = ("reliability",)
TITLE = "Beyond the paper: reliability of memberships"
_COHORTS = ("test", "stand-in test")
_FEWEST = 50  # voxels of a bin that is drawn


def _entries(plan: Plan, cohort: str) -> list[Entry]:
    return [entry for entry in entries(plan, cohort) if entry.models]


def jobs(plan: Plan) -> list[Job]:
    """List the networks of Table V, in-domain and on the stand-in."""
    return jobs_of(e for cohort in _COHORTS for e in _entries(plan, cohort))


def section(plan: Plan, results: Results) -> Section:
    """Calibration curves, and their error."""
    rows: list[list[Cell]] = []
    panels: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for cohort in _COHORTS:
        for entry in _entries(plan, cohort):
            row: list[Cell] = [f"{entry.name}, {cohort}"]
            for c in CLASSES:
                bins = _bins(entry, results, c)
                row.append(None if bins is None else round(_error(bins), 4))
                if bins is not None:
                    shown = bins[bins[:, 0] >= _FEWEST]
                    curve = [(float(s / n), float(t / n)) for n, s, t in shown]
                    panels.setdefault(f"{c}, {cohort}", {})[entry.name] = curve
            rows.append(row)
    columns = ["network", *(f"{c}: expected calibration error" for c in CLASSES)]
    return Section(
        "Voxels of all patients together, in ten bins of the membership, without those below 0.1, "
        "which are nearly all background.",
        (Table("reliability", "Expected calibration error", columns, rows),),
        (Figure("reliability", "Share of voxels of the class over mean membership",
                lambda: lines(
                    panels, "mean membership", "share of the class", diagonal=True
                )),),
    )  # fmt: skip


def _bins(entry: Entry, results: Results, of_class: str) -> np.ndarray | None:
    found = [p["reliability"][of_class] for seed in entry.seeds(results) for p in seed]
    return np.sum(found, axis=0) if found else None


def _error(bins: np.ndarray) -> float:
    above = bins[1:]
    n = np.maximum(above[:, 0], 1)
    gaps = np.abs(above[:, 1] - above[:, 2]) / n
    total = above[:, 0].sum()
    return float((gaps * above[:, 0]).sum() / total) if total else float("nan")
