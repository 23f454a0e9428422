"""Figs. 6, 7 and Table V: trained on simulation, tested on the clinical stand-in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fuzzyseg.experiments.reproduce.claims import decided
from fuzzyseg.experiments.reproduce.drawing import bars, boxes, contours
from fuzzyseg.experiments.reproduce.entries import (
    CLASSES,
    SPECT_ALPHA,
    bundled,
    jobs_of,
    of_loss,
    threshold,
)
from fuzzyseg.experiments.reproduce.items.alpha import chosen_entry
from fuzzyseg.experiments.reproduce.rows import named, score_table, t_tests
from fuzzyseg.experiments.reproduce.section import Figure, Section, Table

if TYPE_CHECKING:
    from fuzzyseg.experiments.reproduce.plan import Plan
    from fuzzyseg.experiments.reproduce.results import Results
    from fuzzyseg.experiments.reproduce.rows import Entry
    from fuzzyseg.experiments.reproduce.section import Claim
    from fuzzyseg.jobs import Job

NAMES = ("table5", "fig6", "fig7")
TITLE = "Table V, Figs. 6 and 7: on the clinical stand-in"
SEMI = f"L_semi-RFCM, alpha {SPECT_ALPHA:g}"
_SCORES = ("dsc", "surface_dsc", "recall", "precision")
_LARGE = 0.1  # DSC: a large margin
_AIM = 0.75  # of both; the paper: 0.747 and 0.742


def entries(plan: Plan, cohort: str) -> list[Entry]:
    """Rows of the table on a cohort."""

    def loss(name: str, which: str, **options: Any) -> Entry:
        return of_loss(plan, name, which, cohort, seeds=plan.seeds(), **options)

    return [
        threshold(plan, cohort),
        loss("L_DSC", "dice"),
        loss("L_CE", "ce"),
        loss(f"L_semi-MS, alpha {SPECT_ALPHA:g}", "semi-ms", alpha=SPECT_ALPHA),
        loss("L_FCM_label", "fcm-label"),
        loss(SEMI, "semi-rfcm", alpha=SPECT_ALPHA),
        bundled(plan, "spect", cohort),
    ]


def _cohorts(plan: Plan) -> list[str]:
    return [name for name in ("stand-in test", "xcat test") if plan.cohort(name)]


def jobs(plan: Plan) -> list[Job]:
    """Networks and thresholds on the stand-ins."""
    return jobs_of(e for cohort in _cohorts(plan) for e in entries(plan, cohort))


def section(plan: Plan, results: Results) -> Section:
    """Scores, tests, pictures, bars and boxplots."""
    tables, figures = [], []
    for cohort in _cohorts(plan):
        rows, mark = entries(plan, cohort), "" if cohort.startswith("stand-in") else "-xcat"
        chosen = chosen_entry(plan, results, "semi-rfcm", cohort)
        listed = [*rows, *([chosen] if chosen else [])]
        tables += [
            Table(f"table5{mark}", cohort, *score_table(listed, results, CLASSES, _SCORES)),
            Table(
                f"table5{mark}-tests",
                f"Paired t-tests over patients, DSC, {cohort}",
                *t_tests(rows, named(rows)[SEMI], results, CLASSES),
            ),
        ]
        shown = {e.name: results.slice(e.scores[0]) for e in rows}
        figures += [
            Figure(f"fig6{mark}", f"A slice, {cohort}: truth green, bone blue, lesions red",
                   lambda s=shown: contours(s)),  # type: ignore[misc]
            Figure(f"fig7{mark}", f"DSC and surface DSC, {cohort}",
                   lambda r=rows: bars(r, results, CLASSES)),  # type: ignore[misc]
            Figure(f"fig7-boxes{mark}", f"Patients, {cohort}",
                   lambda r=rows: boxes(r, results, CLASSES)),  # type: ignore[misc]
        ]  # fmt: skip
    missing = "" if plan.phantom else " The second stand-in was not run: needs --phantom."
    return Section(
        "Trained only on the paper's kind of patients. DSC, recall and precision are weighted by "
        "the true volume (eq. 22), the surface DSC (tolerance one voxel for lesions, two for bone) "
        "is a plain mean. The paper's alpha is 0.1; the last row has the alpha that "
        "was best on the stand-in's choosing patients." + missing,
        tuple(tables),
        tuple(figures),
        (_semi_beats(plan, results), _aim(plan, results)),
    )


def _semi_beats(plan: Plan, results: Results) -> Claim:
    says = "Under the shift, semi-supervised training beats supervised training by a large margin"
    names = (SEMI, "L_DSC", "L_CE")
    by = named(entries(plan, "stand-in test"))
    return decided(
        says, [by[n] for n in names], results, CLASSES,
        lambda m: all(m[SEMI][c] >= max(m[n][c] for n in names[1:]) + _LARGE for c in CLASSES),
    )  # fmt: skip


def _aim(plan: Plan, results: Results) -> Claim:
    says = "Semi-supervised training has a DSC of 0.75 for both classes on the stand-in"
    semi = named(entries(plan, "stand-in test"))[SEMI]
    return decided(says, [semi], results, CLASSES, lambda m: min(m[SEMI].values()) >= _AIM)
