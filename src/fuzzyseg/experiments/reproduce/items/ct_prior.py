"""Beyond the paper: RFCM that favours bone and lesion where the CT shows bone (Chen 2019)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.experiments.reproduce.entries import CLASSES, bundled, jobs_of, of_settings
from fuzzyseg.experiments.reproduce.rows import score_table
from fuzzyseg.experiments.reproduce.section import Section, Table
from fuzzyseg.segmentation.settings import Settings

if TYPE_CHECKING:
    from fuzzyseg.experiments.reproduce.plan import Plan
    from fuzzyseg.experiments.reproduce.results import Results
    from fuzzyseg.experiments.reproduce.rows import Entry
    from fuzzyseg.jobs import Job

NAMES = ("ct-prior",)
TITLE = "Beyond the paper: RFCM with a prior from the CT"
_BETA, _GAMMAS = 5e-4, (0.0, 0.005, 0.01, 0.05)


def _entries(plan: Plan, cohort: str) -> list[Entry]:
    return [
        *(
            of_settings(
                plan,
                f"RFCM, gamma {gamma:g}",
                Settings(method="rfcm-ct", beta=_BETA, parameters=(f"gamma={gamma}",)),
                cohort,
                image="spect ct",
            )
            for gamma in _GAMMAS
        ),
        bundled(plan, "spect-ct", cohort, image="spect ct"),
    ]


def jobs(plan: Plan) -> list[Job]:
    """Each gamma, in-domain and on the stand-in."""
    return jobs_of(e for cohort in ("test", "stand-in test") for e in _entries(plan, cohort))


def section(plan: Plan, results: Results) -> Section:
    """Scores per gamma."""
    return Section(
        f"Beta {_BETA:g}, SPECT and CT together; in the last row the bundled network of both.",
        tuple(
            Table(
                f"ct-prior-{cohort.replace(' ', '-')}",
                cohort,
                *score_table(_entries(plan, cohort), results, CLASSES),
            )
            for cohort in ("test", "stand-in test")
        ),
    )
