"""Fig. 3 and Table I: the spatial weight of L_RFCM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.experiments.reproduce.drawing import contours
from fuzzyseg.experiments.reproduce.entries import CLASSES, jobs_of, of_loss
from fuzzyseg.experiments.reproduce.plan import NOISE
from fuzzyseg.experiments.reproduce.rows import score_table
from fuzzyseg.experiments.reproduce.section import Figure, Section, Table

if TYPE_CHECKING:
    from fuzzyseg.experiments.reproduce.plan import Plan
    from fuzzyseg.experiments.reproduce.results import Results
    from fuzzyseg.experiments.reproduce.rows import Entry
    from fuzzyseg.jobs import Job

NAMES = ("table1", "fig3")
TITLE = "Table I, Fig. 3: the spatial weight beta of L_RFCM"


def _entries(plan: Plan, noise: float) -> list[Entry]:
    return [
        of_loss(plan, f"beta {beta:g}", "rfcm", "test", noise=noise, beta=beta)
        for beta in plan.preset.betas
    ]


def jobs(plan: Plan) -> list[Job]:
    """List a network for each beta, on clean and noisy patients."""
    return jobs_of([*_entries(plan, 0.0), *_entries(plan, NOISE)])


def section(plan: Plan, results: Results) -> Section:
    """Scores per beta, and a noisy slice of each."""
    tables = []
    for name, noise in (("table1", 0.0), ("table1-noise", NOISE)):
        made = score_table(_entries(plan, noise), results, CLASSES)
        caption = f"L_RFCM, no labels, noise {noise:g} of the range added"
        tables.append(Table(name, caption, *made))
    shown = {e.name: results.slice(e.scores[0]) for e in _entries(plan, NOISE)}
    return Section(
        "The paper's text has beta in steps of 0.004, its table in steps of 0.0004; these are the "
        "table's, for images scaled to [0, 1].",
        tuple(tables),
        (
            Figure(
                "fig3",
                "A noisy slice per beta: truth green, bone blue, lesions red",
                lambda: contours(shown),
            ),
        ),
    )
