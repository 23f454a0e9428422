"""Fig. 11: the weight of labels in the semi-supervised losses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.experiments.reproduce.drawing import lines
from fuzzyseg.experiments.reproduce.entries import CLASSES, jobs_of, of_loss
from fuzzyseg.experiments.reproduce.rows import score_table
from fuzzyseg.experiments.reproduce.section import Figure, Section, Table

if TYPE_CHECKING:
    from fuzzyseg.experiments.reproduce.plan import Plan
    from fuzzyseg.experiments.reproduce.results import Results
    from fuzzyseg.experiments.reproduce.rows import Entry
    from fuzzyseg.jobs import Job

NAMES = ("fig11",)
TITLE = "Fig. 11: the weight alpha of the labels"
_LOSSES = {"semi-rfcm": "L_semi-RFCM", "semi-ms": "L_semi-MS"}


def entries(plan: Plan, loss: str, cohort: str) -> dict[float, Entry]:
    """Entry of each alpha."""
    ct = cohort.startswith("ct")
    return {
        alpha: of_loss(plan, f"{_LOSSES[loss]}, alpha {alpha:g}", loss, cohort, ct=ct, alpha=alpha)
        for alpha in plan.preset.alphas
    }


def chosen_entry(plan: Plan, results: Results, loss: str, cohort: str) -> Entry | None:
    """Entry of the alpha with the best mean DSC on the stand-in's choosing patients, if done."""
    means = {
        alpha: float(np.mean([entry.mean(results, c) for c in CLASSES]))
        for alpha, entry in entries(plan, loss, "stand-in choose").items()
    }
    if not np.isfinite(list(means.values())).all():
        return None
    best = max(means, key=lambda alpha: means[alpha])
    found = entries(plan, loss, cohort)[best]
    return type(found)(f"{found.name} (chosen)", found.scores, found.models)


def _cohorts(plan: Plan) -> list[str]:
    return [c for c in ("stand-in choose", "stand-in test", "ct test") if plan.cohort(c)]


def jobs(plan: Plan) -> list[Job]:
    """List a network for each alpha, on SPECT and CT; on the second stand-in for Table V."""
    cohorts = [*_cohorts(plan), *(["xcat test"] if plan.cohort("xcat test") else [])]
    return jobs_of(e for c in cohorts for loss in _LOSSES for e in entries(plan, loss, c).values())


def section(plan: Plan, results: Results) -> Section:
    """Draw a panel for each cohort and loss."""
    panels: dict[str, dict[str, list[tuple[float, float]]]] = {}
    tables = []
    for cohort in _cohorts(plan):
        of_bone = ("bone",) if cohort.startswith("ct") else CLASSES
        listed: list[Entry] = []
        panel: dict[str, list[tuple[float, float]]] = {}
        for loss, name in _LOSSES.items():
            found = entries(plan, loss, cohort)
            listed += found.values()
            for c in of_bone:
                points = [(alpha, entry.mean(results, c)) for alpha, entry in found.items()]
                panel[f"{name}, {c}"] = [p for p in points if np.isfinite(p[1])]
        panels[cohort] = panel
        table = score_table(listed, results, of_bone, ("dsc",))
        tables.append(Table(f"fig11-{cohort.replace(' ', '-')}", cohort, *table))
    return Section(
        "Alpha is for images scaled to [0, 1].",
        tuple(tables),
        (Figure("fig11", "DSC over alpha", lambda: lines(panels, "alpha", logarithmic=True)),),
    )
