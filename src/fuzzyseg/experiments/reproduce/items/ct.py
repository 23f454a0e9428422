"""Figs. 8, 10 and Table VI: bone in CT, trained on attenuation maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fuzzyseg.experiments.reproduce.drawing import bars, boxes, contours
from fuzzyseg.experiments.reproduce.entries import CT_ALPHA, bundled, jobs_of, of_loss, threshold
from fuzzyseg.experiments.reproduce.rows import named, score_table, t_tests
from fuzzyseg.experiments.reproduce.section import Figure, Section, Table

if TYPE_CHECKING:
    from fuzzyseg.experiments.reproduce.plan import Plan
    from fuzzyseg.experiments.reproduce.results import Results
    from fuzzyseg.experiments.reproduce.rows import Entry
    from fuzzyseg.jobs import Job

NAMES = ("table6", "fig8", "fig10")
TITLE = "Table VI, Figs. 8 and 10: bone in CT"
_SEMI = f"L_semi-RFCM, alpha {CT_ALPHA:g}"
_BONE = ("bone",)


def _entries(plan: Plan) -> list[Entry]:
    def loss(name: str, which: str, **options: Any) -> Entry:
        return of_loss(plan, name, which, "ct test", seeds=plan.seeds(), ct=True, **options)

    return [
        threshold(plan, "ct test", image="ct"),
        loss("L_DSC", "dice"),
        loss("L_CE", "ce"),
        loss(f"L_semi-MS, alpha {CT_ALPHA:g}", "semi-ms", alpha=CT_ALPHA),
        loss("L_FCM_label", "fcm-label"),
        loss(_SEMI, "semi-rfcm", alpha=CT_ALPHA),
        bundled(plan, "ct", "ct test", image="ct"),
    ]


def jobs(plan: Plan) -> list[Job]:
    """Networks trained on attenuation maps, and 400 HU, on CTs."""
    return jobs_of(_entries(plan))


def section(plan: Plan, results: Results) -> Section:
    """Scores, tests, pictures, bars and boxplots."""
    rows = _entries(plan)
    shown = {e.name: results.slice(e.scores[0]) for e in rows}
    tested = (
        "Tested on the real CTs of --cts; if a network made their labels, a score is "
        "only agreement with it."
        if plan.cts
        else "Tested on simulated CTs, with contrast agent, metal and couches; testing on "
        "real ones needs --cts."
    )
    return Section(
        "Trained on attenuation maps of deformations of one body, each slice scaled to [0, 1], "
        f"gamma 1.4, 1.6 or 1.8. {tested}",
        (
            Table(
                "table6",
                "Bone in CT",
                *score_table(rows, results, _BONE, ("dsc", "surface_dsc", "recall", "precision")),
            ),
            Table(
                "table6-tests", "Paired t-tests", *t_tests(rows, named(rows)[_SEMI], results, _BONE)
            ),
        ),
        (
            Figure("fig8", "A slice: truth green, bone blue", lambda: contours(shown)),
            Figure("fig10", "DSC and surface DSC", lambda: bars(rows, results, _BONE)),
            Figure("fig10-boxes", "CTs", lambda: boxes(rows, results, _BONE)),
        ),
    )
