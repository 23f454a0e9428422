"""Measured over true, drawn by size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.experiments.quantification.recovery import COLUMNS, SIZES_MM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from fuzzyseg.experiments.quantification.recovery import Recovery

_COLOURS = ("#7f7f7f", "#1f77b4", "#7f7f7f", "#1f77b4", "#e08214", "#1b9e77")
_SHOWN = (0.03, 20.0)  # of ratios


def draw_recovery(found: Mapping[str, Sequence[Recovery]], path: Path) -> None:
    """Draw measured over true by diameter, a row a segmentation, volume and activity apart."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.6 * len(found)), layout="constrained")
    axes = figure.subplots(len(found), 2, sharex=True, sharey=True, squeeze=False)
    groups = {"volume": range(2), "activity": range(2, len(COLUMNS))}
    for row, (name, lesions) in zip(axes, found.items(), strict=True):
        seen = [r for r in lesions if r.found]
        for axis, (what, columns) in zip(row, groups.items(), strict=True):
            for k in columns:
                label = COLUMNS[k].removeprefix(f"{what}, ")
                _draw_column(axis, seen, k, label)
            axis.axhline(1, color="black", lw=1)
            axis.set(xscale="log", yscale="log", ylim=_SHOWN)
            axis.set_title(f"{what}, {name}", fontsize=11)
            axis.grid(alpha=0.3)
            axis.legend(fontsize=9, loc="upper right")
        row[0].set_ylabel("measured / true")
    for axis in axes[-1]:
        axis.set_xlabel("diameter of the sphere of the true volume, mm")
        ticks = (6, 8, 12, 18, 24, 40)
        axis.set_xticks(ticks, [str(t) for t in ticks])
        axis.minorticks_off()
    for axis in axes[:, 0]:
        axis.set_yticks((0.1, 0.3, 1, 3, 10), ("0.1", "0.3", "1", "3", "10"))
    figure.savefig(path, dpi=110, facecolor="white")


def _draw_column(axis: Axes, seen: Sequence[Recovery], k: int, label: str) -> None:
    diameters = np.array([r.diameter_mm for r in seen])
    ratios = np.array([r.ratios[k] for r in seen])
    colour = _COLOURS[k]
    axis.scatter(diameters, ratios, s=9, alpha=0.4, color=colour, lw=0)
    bins = np.digitize(diameters, SIZES_MM)
    some = [b for b in range(1, len(SIZES_MM)) if np.sum(bins == b) > 2]
    middle = [float(np.exp(np.mean(np.log(diameters[bins == b])))) for b in some]
    medians = [float(np.median(ratios[bins == b])) for b in some]
    axis.plot(middle, medians, "o-", color=colour, label=label, lw=2)
