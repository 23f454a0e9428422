"""Entries that several items share: a loss, a clustering, a bundled model, on a cohort."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fuzzyseg.experiments.reproduce.rows import Entry
from fuzzyseg.segmentation.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fuzzyseg.experiments.reproduce.plan import Plan
    from fuzzyseg.jobs import Job

CLASSES = ("bone", "lesion")
SPECT_ALPHA, CT_ALPHA = 0.1, 0.2  # the paper's


def of_loss(
    plan: Plan,
    name: str,
    loss: str,
    cohort: str,
    *,
    seeds: Iterable[int] = (0,),
    noise: float = 0.0,
    ct: bool = False,
    **options: Any,
) -> Entry:
    """Entry of a network trained with a loss; `options` as for `Plan.model`."""
    models = [plan.model(loss, seed=seed, ct=ct, **options) for seed in seeds]
    image = "ct" if ct else "spect"
    return Entry(name, [plan.scores(m, cohort, noise=noise, image=image) for m in models], models)


def of_settings(
    plan: Plan,
    name: str,
    settings: Settings,
    cohort: str,
    *,
    noise: float = 0.0,
    image: str = "spect",
) -> Entry:
    """Entry of a method that is not trained here."""
    return Entry(name, [plan.scores(settings, cohort, noise=noise, image=image)])


def bundled(plan: Plan, model: str, cohort: str, **more: Any) -> Entry:
    """Entry of a model that comes with the package."""
    settings = Settings(method="model", model=model)
    return of_settings(plan, f"bundled `{model}`", settings, cohort, **more)


def threshold(plan: Plan, cohort: str, **more: Any) -> Entry:
    """Entry of the fixed thresholds: 2% and 42% of the maximum, or 400 HU."""
    name = "400 HU" if more.get("image") == "ct" else "2% and 42% of the maximum"
    return of_settings(plan, name, Settings(method="threshold"), cohort, **more)


def jobs_of(entries: Iterable[Entry]) -> list[Job]:
    """All jobs of entries."""
    return [job for entry in entries for job in entry.jobs]
