"""Fig. 5 and Table IV: learning with labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fuzzyseg.conventions import CLASSES as ALL
from fuzzyseg.experiments.reproduce.claims import decided
from fuzzyseg.experiments.reproduce.drawing import memberships
from fuzzyseg.experiments.reproduce.entries import CLASSES, bundled, jobs_of, of_loss
from fuzzyseg.experiments.reproduce.rows import named, score_table
from fuzzyseg.experiments.reproduce.section import Figure, Section, Table

if TYPE_CHECKING:
    from fuzzyseg.experiments.reproduce.plan import Plan
    from fuzzyseg.experiments.reproduce.results import Results
    from fuzzyseg.experiments.reproduce.rows import Entry
    from fuzzyseg.experiments.reproduce.section import Claim
    from fuzzyseg.jobs import Job

NAMES = ("table4", "fig5")
TITLE = "Table IV, Fig. 5: with labels"
_COMPARABLE = 0.05  # DSC
_AIMS = {"lesion": 0.86, "bone": 0.90}  # the paper: 0.859, 0.906


def _entries(plan: Plan) -> list[Entry]:
    def loss(name: str, which: str, **options: Any) -> Entry:
        return of_loss(plan, name, which, "test", seeds=plan.seeds(), **options)

    return [
        loss("L_DSC", "dice"),
        loss("L_CE", "ce"),
        *(loss(f"L_FCM_label, q = {q:g}", "fcm-label", q=q) for q in (1.0, 2.0, 4.0, 6.0)),
        bundled(plan, "spect", "test"),
    ]


def jobs(plan: Plan) -> list[Job]:
    """Networks on the test patients."""
    return jobs_of(_entries(plan))


def section(plan: Plan, results: Results) -> Section:
    """Scores and membership maps."""
    entries = _entries(plan)
    shown = {e.name: results.slice(e.scores[0]) for e in entries}
    return Section(
        "In-domain: test patients of the training's kind.",
        (Table("table4", "Supervised losses", *score_table(entries, results, CLASSES)),),
        (Figure("fig5", "Membership maps", lambda: memberships(shown, ALL)),),
        (_comparable(entries, results), _aim(entries, results)),
    )


def _comparable(entries: list[Entry], results: Results) -> Claim:
    says = f"In-domain, L_FCM_label is comparable with L_DSC and L_CE (within {_COMPARABLE} DSC)"
    ours, *others = names = ("L_FCM_label, q = 2", "L_DSC", "L_CE")
    return decided(
        says, [named(entries)[n] for n in names], results, CLASSES,
        lambda m: all(
            m[ours][c] >= max(m[n][c] for n in others) - _COMPARABLE for c in CLASSES
        ),
    )  # fmt: skip


def _aim(entries: list[Entry], results: Results) -> Claim:
    says = "Supervised training reaches, in-domain, a DSC of 0.86 (lesion) and 0.90 (bone)"
    return decided(
        says, entries[:-1], results, CLASSES,
        lambda m: all(max(row[c] for row in m.values()) >= _AIMS[c] for c in CLASSES),
    )  # fmt: skip
