"""Both days' measures of lesions that have not changed, and the limits that follow."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.follow_up.comparable_uptake import Uptake

if TYPE_CHECKING:
    from pathlib import Path

    from fuzzyseg.experiments.follow_up.repeats import Measured
    from fuzzyseg.follow_up.repeatability import Measure

_SUV = Uptake("SUV", (1.0, 1.0))


def draw(found: Measured, path: Path) -> None:
    """Draw ratios of both days over volume, with the limits of each size."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.8), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    sizes = np.array([r.volume_ml for r in found.repeats])
    limits = found.limits()
    low, high = sizes.min() * 0.8, sizes.max() * 1.25
    edges = [low, *found.edges_ml(), high]
    measures: tuple[tuple[Measure, str], ...] = (("volume", "volume"), ("peak", "peak"))
    for axis, (name, title) in zip(axes, measures, strict=True):
        ratios = np.exp([r.logs[name] for r in found.repeats])
        axis.scatter(sizes, ratios, s=16, color="#1f77b4", alpha=0.7, lw=0)
        for left, right in itertools.pairwise(edges):
            limit = limits.limit(name, float(np.sqrt(left * right)), _SUV)
            axis.fill_between((left, right), 1 / limit, limit, color="#1f77b4", alpha=0.12, lw=0)
        axis.axhline(1, color="black", lw=1)
        axis.set(xscale="log", yscale="log", title=title, xlabel="volume of the lesion, mL")
        axis.set_xticks((0.3, 1, 3, 10, 30, 100), ("0.3", "1", "3", "10", "30", "100"))
        axis.set_yticks((0.25, 0.5, 1, 2, 4), ("¼", "½", "1", "2", "4"))
        axis.minorticks_off()
        axis.set_xlim(low, high)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("second day / first day")
    figure.savefig(path, dpi=110, facecolor="white")
