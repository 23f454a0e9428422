"""Beyond the paper: networks of blocks against networks of slices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fuzzyseg.experiments.reproduce.entries import CLASSES, SPECT_ALPHA, jobs_of, of_loss
from fuzzyseg.experiments.reproduce.rows import score_table
from fuzzyseg.experiments.reproduce.section import Section, Table

if TYPE_CHECKING:
    from fuzzyseg.experiments.reproduce.plan import Plan
    from fuzzyseg.experiments.reproduce.results import Results
    from fuzzyseg.experiments.reproduce.rows import Entry
    from fuzzyseg.jobs import Job

NAMES = ("dimensions",)
TITLE = "Beyond the paper: 3-D against 2-D"
_COHORTS = ("test", "stand-in test")
_BLOCKS: dict[str, Any] = {
    "dims": 3,
    "patch": 32,
    "batch": 2,
}  # as many voxels a step as 16 patches of 64


def _entries(plan: Plan, cohort: str) -> list[Entry]:
    found = []
    for name, loss in (("L_semi-RFCM", "semi-rfcm"), ("L_RFCM", "rfcm")):
        alpha: dict[str, Any] = {"alpha": SPECT_ALPHA} if loss == "semi-rfcm" else {}
        found += [
            of_loss(plan, f"{name}, slices", loss, cohort, **alpha),
            of_loss(plan, f"{name}, blocks", loss, cohort, **alpha, **_BLOCKS),
        ]
    return found


def jobs(plan: Plan) -> list[Job]:
    """Both, where the preset trains blocks."""
    return jobs_of(e for c in _COHORTS for e in _entries(plan, c)) if plan.preset.dims else []


def section(plan: Plan, results: Results) -> Section:
    """Scores of both."""
    if not plan.preset.dims:
        return Section(missing="needs --preset hour or full: training on blocks takes long")
    return Section(
        "The same network with 3 x 3 x 3 filters, for as many steps.",
        tuple(
            Table(
                f"dimensions-{cohort.replace(' ', '-')}",
                cohort,
                *score_table(_entries(plan, cohort), results, CLASSES, ("dsc", "surface_dsc")),
            )
            for cohort in _COHORTS
        ),
    )
