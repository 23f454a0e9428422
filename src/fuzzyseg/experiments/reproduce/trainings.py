"""The end of the page: every training, with its validation curve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fuzzyseg.experiments.reproduce.section import Section, Table
from fuzzyseg.training.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fuzzyseg.experiments.reproduce.results import Results
    from fuzzyseg.experiments.reproduce.section import Cell
    from fuzzyseg.jobs import Job

TITLE = "Every training"
_COLUMNS = (
    "loss", "settings", "seed", "steps", "s", "flat", "validation DSC by step", "warnings",
)  # fmt: skip
_TOLD = ("q", "beta", "alpha", "centres", "channels", "dims")  # where not at their defaults


def trainings(jobs: Iterable[Job], results: Results) -> Section:
    """List the trainings among jobs; their weights are for images scaled to [0, 1]."""
    rows: list[list[Cell]] = []
    for job in jobs:
        if job.kind != "model":
            continue
        config, run = job.settings["config"], results.result(job)
        named = [config["loss"], _settings(job), config["seed"]]
        if run is None:
            rows.append([*named, None, None, None, results.why_not(job), None])
            continue
        curve = "; ".join(
            f"{step}: " + " / ".join("-" if d is None else f"{d:.3f}" for d in scores.values())
            for step, scores in run["curve"]
        )
        told = "; ".join(run["warnings"])
        flat = "yes" if run["flat"] else "no"
        rows.append([*named, run["steps"], round(run["seconds"]), flat, curve, told])
    return Section(
        "DSC of the choosing patients, of each class but the background; a curve is "
        "flat if its last third is not above the rest by 0.005, or if patience ended "
        "it.",
        (Table("trainings", "Trainings", _COLUMNS, rows),),
    )


def _settings(job: Job) -> str:
    config: dict[str, Any] = dict(job.settings["config"])
    default = Config()
    said = []
    for name in _TOLD:
        value = tuple(config[name]) if isinstance(config[name], list) else config[name]
        if value != getattr(default, name):
            shown = " ".join(value) if isinstance(value, tuple) else f"{value}"
            said.append(f"{name} {shown}")
    if job.settings["labelled"] is not None:
        said.append(f"{job.settings['labelled']} labelled")
    return ", ".join(said)
