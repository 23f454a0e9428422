"""Is the clinical stand-in a shift at all? What supervised training loses on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.experiments.reproduce.entries import CLASSES, jobs_of, of_loss
from fuzzyseg.experiments.reproduce.rows import COLLAPSED
from fuzzyseg.experiments.reproduce.section import Claim, Section, Table

if TYPE_CHECKING:
    from fuzzyseg.experiments.reproduce.plan import Plan
    from fuzzyseg.experiments.reproduce.results import Results
    from fuzzyseg.experiments.reproduce.rows import Entry
    from fuzzyseg.experiments.reproduce.section import Cell
    from fuzzyseg.jobs import Job

NAMES = ("shift",)
TITLE = "The shift"
LEAST = 0.1  # DSC of lesions that supervised training must lose for it to be one
LOSSES = (("L_DSC", "dice"), ("L_CE", "ce"), ("L_FCM_label", "fcm-label"))


def _entries(plan: Plan, cohort: str) -> list[Entry]:
    return [of_loss(plan, name, loss, cohort) for name, loss in LOSSES]


def _elsewhere(plan: Plan) -> list[str]:
    return [name for name in ("stand-in test", "xcat test") if plan.cohort(name)]


def jobs(plan: Plan) -> list[Job]:
    """Supervised losses, in-domain and on the stand-ins."""
    return jobs_of(e for c in ("test", *_elsewhere(plan)) for e in _entries(plan, c))


def section(plan: Plan, results: Results) -> Section:
    """Table of losses, and whether the shift is one."""
    rows: list[list[Cell]] = []
    lost: list[float] = []
    for cohort in _elsewhere(plan):
        for here, there in zip(_entries(plan, "test"), _entries(plan, cohort), strict=True):
            cells: list[Cell] = [f"{here.name}, {cohort}"]
            for c in CLASSES:
                a, b = here.mean(results, c), there.mean(results, c)
                cells += [_rounded(x) for x in (a, b, a - b)]
                if c == "lesion" and cohort == "stand-in test" and a >= COLLAPSED:
                    lost += [a - b] if np.isfinite(b) else []
            rows.append(cells)
    columns = ["loss"] + [f"{c}: {w}" for c in CLASSES for w in ("in-domain", "stand-in", "lost")]
    return Section(
        "The stand-in: other anatomies, population `elsewhere` (bladder, kidneys, joints, lytic "
        "and fainter lesions), arms up or down, symbia-t16, vendor-like "
        "reconstruction. If a phantom was given, its kidneys and bladder are those "
        "of its table.",
        (Table("shift", "DSC of supervised training", columns, rows),),
        claims=(_claim(lost),),
    )


def _claim(lost: list[float]) -> Claim:
    says = (
        f"(ours) the stand-in is a domain shift: supervised training loses {LEAST} DSC of "
        "lesions on it"
    )
    if not lost:
        reason = "no loss so far finds lesions in-domain, so there is nothing to lose"
        return Claim(says, "not decided", "", reason)
    numbers = "lost: " + ", ".join(f"{x:.3f}" for x in lost)
    return Claim(says, "held" if min(lost) >= LEAST else "did not hold", numbers)


def _rounded(number: float) -> float | None:
    return round(number, 3) if np.isfinite(number) else None
