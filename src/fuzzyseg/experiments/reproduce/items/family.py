"""Beyond the paper: the other spatially constrained fuzzy c-means that it cites."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.experiments.reproduce.entries import CLASSES, jobs_of, of_settings
from fuzzyseg.experiments.reproduce.plan import NOISE
from fuzzyseg.experiments.reproduce.rows import score_table
from fuzzyseg.experiments.reproduce.section import Section, Table
from fuzzyseg.segmentation.settings import Settings

if TYPE_CHECKING:
    from fuzzyseg.experiments.reproduce.plan import Plan
    from fuzzyseg.experiments.reproduce.results import Results
    from fuzzyseg.experiments.reproduce.rows import Entry
    from fuzzyseg.jobs import Job

NAMES = ("family",)
TITLE = "Beyond the paper: the family of fuzzy c-means"
_METHODS = ("fcm", "rfcm", "fcm-s", "enfcm", "fgfcm", "flicm", "kfcm", "sfcm")


def _entries(plan: Plan, noise: float) -> list[Entry]:
    return [
        of_settings(plan, method, Settings(method=method), "test", noise=noise)
        for method in _METHODS
    ]


def jobs(plan: Plan) -> list[Job]:
    """Each method on clean and noisy patients."""
    return jobs_of([*_entries(plan, 0.0), *_entries(plan, NOISE)])


def section(plan: Plan, results: Results) -> Section:
    """Scores without and with noise."""
    tables = tuple(
        Table(name, caption, *score_table(_entries(plan, noise), results, CLASSES))
        for name, caption, noise in (
            ("family", "Without noise", 0.0),
            ("family-noise", f"With noise {NOISE:g}", NOISE),
        )
    )
    return Section(
        "FCM_S of Ahmed 2002, EnFCM of Szilagyi 2003, FGFCM of Cai 2007, FLICM of Krinidis and "
        "Chatzis 2010, KFCM, sFCM of Chuang 2006, with the defaults of `fuzzyseg "
        "segment`, which fixes centres if the method allows it.",
        tables,
    )
