"""Figures that several items draw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.experiments.reproduce.results import per_patient

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from fuzzyseg.experiments.reproduce.results import Results
    from fuzzyseg.experiments.reproduce.rows import Entry

_TRUTH, _FOUND = "#1b7f3b", ("#2a6fdb", "#c62828")
_WINDOW = 99.8  # percentile of a slice that is black

Slice = dict[str, "NDArray[Any]"]


def new_figure(width: float, height: float) -> Figure:
    """Make a figure without a window."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def cropped(shown: Slice, margin: int = 6) -> Slice:
    """Cut a slice to the patient."""
    body = shown["image"] > np.quantile(shown["image"], 0.5) + 0.01 * np.ptp(shown["image"])
    found = np.argwhere(body | (shown["truth"] > 0))
    low = np.maximum(found.min(0) - margin, 0)
    box = tuple(slice(a, b + margin + 1) for a, b in zip(low, found.max(0), strict=True))
    return {k: v if k == "spacing" else v[..., box[0], box[1]] for k, v in shown.items()}


def contours(slices: Mapping[str, Slice | None], columns: int = 4) -> Figure:
    """Slices with the truth in green, bone that was found in blue and lesions in red."""
    known = {name: cropped(s) for name, s in slices.items() if s is not None}
    across = min(columns, max(1, len(known)))
    down = max(1, -(-len(known) // across))
    figure = new_figure(3.1 * across, 3.1 * down)
    axes = _flat(figure, down, across)
    for axis, (name, shown) in zip(axes, known.items(), strict=False):
        _grey(axis, shown["image"], shown["spacing"])
        for k in range(1, int(shown["truth"].max()) + 1):
            _outline(axis, shown["truth"] == k, _TRUTH, 1.4)
        for k, colour in enumerate(_FOUND, start=1):
            _outline(axis, shown["labels"] == k, colour, 0.8)
        axis.set_title(name, fontsize=9)
    return figure


def memberships(slices: Mapping[str, Slice | None], classes: Sequence[str]) -> Figure:
    """Draw a row a method: the image, and the membership in each class."""
    known = {name: cropped(s) for name, s in slices.items() if s is not None}
    figure = new_figure(2.3 * (1 + len(classes)), 2.2 * max(1, len(known)))
    axes = np.array(_flat(figure, max(1, len(known)), 1 + len(classes)))
    axes = axes.reshape(max(1, len(known)), -1)
    for row, (name, shown) in zip(axes, known.items(), strict=False):
        _grey(row[0], shown["image"], shown["spacing"])
        row[0].set_title(name, fontsize=8)
        for k, (axis, of_class) in enumerate(zip(row[1:], classes, strict=True)):
            axis.imshow(
                shown["memberships"][k].astype(float).T, origin="lower", vmin=0, vmax=1,
                cmap="viridis", aspect=shown["spacing"][1] / shown["spacing"][0],
            )  # fmt: skip
            axis.set_title(of_class, fontsize=8)
    return figure


def bars(entries: Sequence[Entry], results: Results, classes: Sequence[str]) -> Figure:
    """DSC and surface DSC, a bar a method; whiskers are the lowest and highest seed."""
    figure = new_figure(2 + 0.55 * len(entries) * len(classes), 3.4)
    axes = _flat(figure, 1, len(classes), hide=False)
    for axis, of_class in zip(axes, classes, strict=True):
        for shift, score in ((-0.2, "dsc"), (0.2, "surface_dsc")):
            middle, low, high = [], [], []
            for entry in entries:
                one = [entry_value(seed, of_class, score) for seed in entry.seeds(results)]
                known = [v for v in one if np.isfinite(v)] or [0.0]
                middle.append(np.mean(known))
                low.append(np.mean(known) - min(known))
                high.append(max(known) - np.mean(known))
            at = np.arange(len(entries)) + shift
            label = "DSC" if score == "dsc" else "surface DSC"
            axis.bar(at, middle, 0.38, yerr=(low, high), label=label, capsize=2)
        axis.set(title=of_class, ylim=(0, 1))
        _names(axis, [entry.name for entry in entries])
    axes[0].legend(frameon=False, fontsize=8)
    return figure


def boxes(entries: Sequence[Entry], results: Results, classes: Sequence[str]) -> Figure:
    """DSC of the patients, a box a method."""
    figure = new_figure(2 + 0.5 * len(entries) * len(classes), 3.4)
    for axis, of_class in zip(_flat(figure, 1, len(classes), hide=False), classes, strict=True):
        shown = []
        for entry in entries:
            seeds = entry.seeds(results)
            found = per_patient(seeds, of_class) if seeds else []
            shown.append([v for v in found if np.isfinite(v)])
        axis.boxplot(shown, positions=range(len(entries)))
        for at, found in enumerate(shown):
            axis.plot(np.full(len(found), at), found, ".", ms=4, alpha=0.5, color="#555555")
        axis.set(title=of_class, ylim=(-0.03, 1.03), ylabel="DSC of a patient")
        _names(axis, [entry.name for entry in entries])
    return figure


def lines(
    curves: Mapping[str, Mapping[str, Sequence[tuple[float, float]]]],
    x: str,
    y: str = "DSC",
    *,
    logarithmic: bool = False,
    diagonal: bool = False,
) -> Figure:
    """Draw a panel for each name, with curves of (x, y)."""
    figure = new_figure(4 * max(1, len(curves)), 3.3)
    axes = _flat(figure, 1, max(1, len(curves)), hide=False)
    for axis, (title, panel) in zip(axes, curves.items(), strict=False):
        for name, points in panel.items():
            if points:
                axis.plot(*zip(*points, strict=True), ".-", label=name)
        axis.set(title=title, xlabel=x, ylabel=y, ylim=(0, 1))
        axis.grid(alpha=0.3)
        if logarithmic:
            at = [px for points in panel.values() for px, _ in points]
            if min(at, default=1.0) > 0:
                axis.set_xscale("log")
            else:  # from 0 on
                axis.set_xscale("symlog", linthresh=0.01)
                axis.set_xlim(left=0)
        if diagonal:
            axis.plot((0, 1), (0, 1), ":", color="#888888")
        if any(panel.values()):
            axis.legend(frameon=False, fontsize=8)
    return figure


def entry_value(seed: Any, of_class: str, score: str) -> float:
    """Mean of a score of one seed."""
    from fuzzyseg.experiments.reproduce.results import value

    return value(seed, of_class, score)


def _grey(axis: Axes, image: NDArray[Any], spacing: NDArray[Any]) -> None:
    low, high = float(image.min()), float(np.percentile(image, _WINDOW))
    axis.imshow(
        image.T, cmap="gray_r", origin="lower", vmin=low, vmax=max(high, low + 1e-6),
        aspect=spacing[1] / spacing[0],
    )  # fmt: skip


def _outline(axis: Axes, mask: NDArray[np.bool_], colour: str, width: float) -> None:
    if mask.any() and not mask.all():
        axis.contour(mask.T.astype(float), [0.5], colors=colour, linewidths=width)


def _names(axis: Axes, names: Sequence[str]) -> None:
    axis.set_xticks(range(len(names)), names, rotation=40, ha="right", fontsize=7)


def _flat(figure: Figure, down: int, across: int, *, hide: bool = True) -> list[Axes]:
    axes = list(figure.subplots(down, across, squeeze=False).flat)
    if hide:
        for axis in axes:
            axis.axis("off")
    return axes
