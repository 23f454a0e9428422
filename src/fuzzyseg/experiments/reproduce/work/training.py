"""One trained network, and how its validation went."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.experiments.reproduce.work.patients import folder_of
from fuzzyseg.experiments.reproduce.work.values import from_json
from fuzzyseg.losses import LOSSES
from fuzzyseg.training.config import Config
from fuzzyseg.training.loop import train
from fuzzyseg.training.prepared import prepared_cases
from fuzzyseg.training.run_folder import LOG
from fuzzyseg.training.sources import Source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from fuzzyseg.jobs import Work
    from fuzzyseg.training.case import Case

MODEL = "model"
_STILL = 0.005  # DSC by which a curve may rise and be flat
_CASES = "cases"  # folder beside those of the kinds of jobs: cases that trainings share


def trained(work: Work) -> dict[str, Any]:
    """Train as `config` says, its weights meant for images scaled to [0, 1].

    Returns
    -------
    dict
        "steps", "seconds" of the steps; "curve", a list of [step, DSC by class]; "flat", whether
        validation had stopped improving; "scale", what weights were multiplied by; "warnings".
    """
    config = Config(**from_json(work.settings["config"]))
    labelled = work.settings["labelled"]
    cache = work.folder.parents[1] / _CASES
    cases = prepared_cases(_sources(work.inputs["train"], config, labelled), config, cache)
    validation = prepared_cases(_sources(work.inputs["validation"], config), config, cache)
    config, scale = in_units_of(config, cases)
    warnings: list[str] = []
    train(work.folder, config, cases, validation, name=MODEL, resume=True, warn=warnings.append)
    log = (work.folder / LOG).read_text("utf-8").splitlines()
    lines: list[dict[str, Any]] = [json.loads(line) for line in log]
    curve = [
        [line["step"], {name: s["dsc"] for name, s in line["validation"].items()}]
        for line in lines
        if "validation" in line
    ]
    return {
        "steps": lines[-1]["step"],
        "seconds": lines[-1]["seconds"],
        "curve": curve,
        "flat": is_flat(curve, config),
        "scale": scale,
        "warnings": warnings,
    }


def in_units_of(config: Config, cases: Sequence[Case]) -> tuple[Config, float]:
    """Turn weights that are meant for images scaled to [0, 1] into those for normalised ones.

    An image that spans a range R has squared intensities R^2 times those of [0, 1]: beta and lam,
    and alpha where labels stand beside intensities, are multiplied by it.

    Returns
    -------
    config : Config
    scale : float
        R^2, with R the median range of the cases.
    """
    scale = float(np.median([case.high[0] - case.low[0] for case in cases]) ** 2)
    found = replace(config, beta=config.beta * scale, lam=config.lam * scale)
    if LOSSES[config.terms[0]].image:
        found = replace(found, alpha=config.alpha * scale)
    return found, scale


def is_flat(curve: Sequence[Any], config: Config) -> bool:
    """Tell whether the last third of a validation curve has no better mean than what was before."""
    means = [
        float(np.mean([d for d in scores.values() if d is not None] or [0.0]))
        for _, scores in curve
    ]
    last = max(1, len(means) // 3)
    if config.patience and curve[-1][0] < config.steps:  # stopped for want of anything better
        return True
    return len(means) > last and max(means[-last:]) <= max(means[:-last]) + _STILL


def _sources(jobs: Sequence[Path], config: Config, labelled: int | None = None) -> list[Source]:
    found = []
    for number, job in enumerate(jobs):
        folder = job if config.channels == ("ct",) else folder_of(job)
        images: Mapping[str, Path] = {name: folder / f"{name}.nii.gz" for name in config.channels}
        known = labelled is None or number < labelled
        labels = folder / "labels.nii.gz" if known else None
        found.append(Source(f"{job.name}/{folder.name}", labels=labels, **images))
    return found
