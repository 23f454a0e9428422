"""Fig. 9: what the filters of the layer before the last look for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.experiments.reproduce.drawing import new_figure
from fuzzyseg.experiments.reproduce.entries import SPECT_ALPHA
from fuzzyseg.experiments.reproduce.section import Figure, Section
from fuzzyseg.experiments.reproduce.work.maximisation import IMAGES, activations

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from fuzzyseg.experiments.reproduce.plan import Plan
    from fuzzyseg.experiments.reproduce.results import Results
    from fuzzyseg.jobs import Job

NAMES = ("fig9",)
TITLE = "Fig. 9: what activates five filters most"
_FILTERS, _SIZE = 5, 64


def _each(plan: Plan) -> dict[str, Job]:
    models = {
        "L_DSC": plan.model("dice"),
        "L_CE": plan.model("ce"),
        "L_FCM_label": plan.model("fcm-label"),
        "L_RFCM": plan.model("rfcm"),
        "L_MS": plan.model("ms"),
        "L_semi-RFCM": plan.model("semi-rfcm", alpha=SPECT_ALPHA),
        "L_semi-MS": plan.model("semi-ms", alpha=SPECT_ALPHA),
    }
    settings = {"filters": _FILTERS, "size": _SIZE, "steps": plan.preset.ascent}
    return {
        name: plan.other(
            "activation",
            activations,
            settings=settings,
            needs={"model": (model,)},
            label=f"excite {name}",
        )
        for name, model in models.items()
    }


def jobs(plan: Plan) -> list[Job]:
    """One ascent a loss."""
    return list(_each(plan).values())


def section(plan: Plan, results: Results) -> Section:
    """Draw a row a loss, a column a filter."""
    found = {}
    for name, job in _each(plan).items():
        folder = results.folder(job)
        if folder is not None:
            with np.load(folder / IMAGES) as stored:
                found[name] = stored["images"]

    def draw() -> Drawing:
        figure = new_figure(1.5 * _FILTERS, 1.6 * max(1, len(found)))
        axes = figure.subplots(max(1, len(found)), _FILTERS, squeeze=False)
        for axis in axes.flat:
            axis.axis("off")
        for row, (name, images) in zip(axes, found.items(), strict=False):
            for axis, image in zip(row, images, strict=True):
                axis.imshow(image, cmap="gray")
            row[0].set_title(name, fontsize=8, loc="left")
        return figure

    why = "; ".join(
        f"{name}: {results.why_not(job)}" for name, job in _each(plan).items() if name not in found
    )
    return Section(
        "Gradient ascent on the image, starting from noise, at constant norm "
        f"({plan.preset.ascent} steps), "
        "to maximise the mean output of a filter of the last layer but one (Erhan et "
        f"al. 2009). {why}",
        figures=(Figure("fig9", "Five filters per loss", draw),),
    )
