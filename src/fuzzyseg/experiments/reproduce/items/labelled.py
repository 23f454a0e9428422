"""Beyond the paper: accuracy against the number of labelled patients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.experiments.reproduce.drawing import lines
from fuzzyseg.experiments.reproduce.entries import CLASSES, SPECT_ALPHA, jobs_of, of_loss
from fuzzyseg.experiments.reproduce.rows import score_table
from fuzzyseg.experiments.reproduce.section import Figure, Section, Table

if TYPE_CHECKING:
    from fuzzyseg.experiments.reproduce.plan import Plan
    from fuzzyseg.experiments.reproduce.results import Results
    from fuzzyseg.experiments.reproduce.rows import Entry
    from fuzzyseg.jobs import Job

NAMES = ("labelled",)
TITLE = "Beyond the paper: how many labelled patients it takes"
_COHORTS = ("test", "stand-in test")


def _entries(plan: Plan, cohort: str) -> dict[int, Entry]:
    return {
        n: of_loss(
            plan, f"L_semi-RFCM, {n} labelled", "semi-rfcm", cohort, alpha=SPECT_ALPHA, labelled=n
        )
        for n in plan.preset.labelled
    }


def jobs(plan: Plan) -> list[Job]:
    """List a network for each number."""
    return jobs_of(e for cohort in _COHORTS for e in _entries(plan, cohort).values())


def section(plan: Plan, results: Results) -> Section:
    """Draw a curve for each cohort."""
    panels, tables = {}, []
    for cohort in _COHORTS:
        found = _entries(plan, cohort)
        panels[cohort] = {
            c: [(n, m) for n, e in found.items() if np.isfinite(m := e.mean(results, c))]
            for c in CLASSES
        }
        table = score_table(list(found.values()), results, CLASSES, ("dsc",))
        tables.append(Table(f"labelled-{cohort.replace(' ', '-')}", cohort, *table))
    return Section(
        f"L_semi-RFCM, alpha {SPECT_ALPHA:g}; the other training patients are used without labels.",
        tuple(tables),
        (Figure("labelled", "DSC", lambda: lines(panels, "labelled patients")),),
    )
