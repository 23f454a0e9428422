"""Fig. 4 and Table II: learning without labels, beside clustering."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.conventions import CLASSES as ALL
from fuzzyseg.experiments.reproduce.claims import decided
from fuzzyseg.experiments.reproduce.drawing import memberships
from fuzzyseg.experiments.reproduce.entries import (
    CLASSES,
    bundled,
    jobs_of,
    of_loss,
    of_settings,
)
from fuzzyseg.experiments.reproduce.plan import NOISE
from fuzzyseg.experiments.reproduce.rows import named, score_table
from fuzzyseg.experiments.reproduce.section import Claim, Figure, Section, Table
from fuzzyseg.segmentation.settings import Settings

if TYPE_CHECKING:
    from fuzzyseg.experiments.reproduce.plan import Plan
    from fuzzyseg.experiments.reproduce.results import Results
    from fuzzyseg.experiments.reproduce.rows import Entry
    from fuzzyseg.jobs import Job

NAMES = ("table2", "fig4")
TITLE = "Table II, Fig. 4: without labels"
_QS = (1.0, 2.0, 4.0)
_RFCM_BETA = 0.01
_NOISE_TAKES = 0.05  # DSC, at most
_PAPER = {"lesion": 0.50, "bone": 0.59}


def _entries(plan: Plan, noise: float = 0.0) -> list[Entry]:
    def loss(name: str, which: str, **options: Any) -> Entry:
        return of_loss(plan, name, which, "test", seeds=plan.seeds(), noise=noise, **options)

    def clustered(name: str, settings: Settings) -> Entry:
        return of_settings(plan, name, settings, "test", noise=noise)

    return [
        loss("L_MS", "ms"),
        *(loss(f"L_RFCM, q = {q:g}", "rfcm", q=q) for q in _QS),
        loss("L_RFCM, centres of each slice", "rfcm", centres="image"),
        clustered("FCM", Settings(method="fcm", centres="free", mask=False)),
        clustered("RFCM", Settings(method="rfcm", centres="free", mask=False, beta=_RFCM_BETA)),
        clustered("FCM, fixed centres", Settings(method="fcm")),
        clustered("RFCM, fixed centres", Settings(method="rfcm", beta=_RFCM_BETA)),
        bundled(plan, "spect-unsupervised", "test", noise=noise),
        bundled(plan, "spect", "test", noise=noise),
    ]


def jobs(plan: Plan) -> list[Job]:
    """Networks and clusterings on clean and noisy patients."""
    return jobs_of([*_entries(plan), *_entries(plan, NOISE)])


def section(plan: Plan, results: Results) -> Section:
    """Scores without and with noise, and membership maps."""
    clean, noisy = _entries(plan), _entries(plan, NOISE)
    tables = (
        Table("table2", "Without noise", *score_table(clean, results, CLASSES)),
        Table("table2-noise", f"With noise {NOISE:g}", *score_table(noisy, results, CLASSES)),
    )
    shown = {e.name: results.slice(e.scores[0]) for e in clean}
    return Section(
        "Centres are fixed at a K-means of the training patients. Estimated in each "
        "slice, they would split bone wherever a slice has no lesion (see the "
        "separate row). Plain FCM and RFCM are the textbook's: centres move, over "
        "the whole volume. The bundled models "
        "were trained on other patients, `spect` with labels.",
        tables,
        (Figure("fig4", "Membership maps", lambda: memberships(shown, ALL)),),
        (_beats_ms(clean, results), _aim(clean, noisy, results), _fuzzier(clean, results)),
    )


def _beats_ms(entries: list[Entry], results: Results) -> Claim:
    says = "Without labels, the network trained with L_RFCM (q = 2) beats the one with L_MS"
    ours, ms = "L_RFCM, q = 2", "L_MS"
    by = named(entries)
    return decided(
        says, (by[ours], by[ms]), results, CLASSES,
        lambda m: all(m[ours][c] > m[ms][c] for c in CLASSES),
    )  # fmt: skip


def _aim(clean: list[Entry], noisy: list[Entry], results: Results) -> Claim:
    says = (
        "Without labels the DSC is above the paper's 0.50 (lesion) and 0.59 (bone), and noise "
        "takes at most 0.05"
    )
    a, b = (named(e)["L_RFCM, q = 2"] for e in (clean, noisy))
    b = replace(b, name="with noise")
    return decided(
        says, (a, b), results, CLASSES,
        lambda m: all(
            m[a.name][c] > _PAPER[c] and m[b.name][c] >= m[a.name][c] - _NOISE_TAKES
            for c in CLASSES
        ),
    )  # fmt: skip


def _fuzzier(entries: list[Entry], results: Results) -> Claim:
    says = "Memberships become fuzzier as q grows"
    found = []
    for q in _QS:
        seeds = named(entries)[f"L_RFCM, q = {q:g}"].seeds(results)
        found += [np.mean([p["fuzziness"] for seed in seeds for p in seed])] if seeds else []
    if len(found) < len(_QS):
        return Claim(says, "not decided", "", "its jobs are not done")
    told = ", ".join(f"q {q:g}: {f:.3f}" for q, f in zip(_QS, found, strict=True))
    held = all(b > a for a, b in pairwise(found))
    return Claim(says, "held" if held else "did not hold", f"entropy where there is uptake: {told}")
