"""Figures: a row of planes for each image, and for a segmentation its outlines and a legend."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fuzzyseg.counts import class_counts
from fuzzyseg.drawing.planes import colour, draw, views
from fuzzyseg.drawing.shown import PatientAxes, finite_values, to_patient_axes, window_of
from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import FigureBase
    from numpy.typing import NDArray

    from fuzzyseg.drawing.planes import View
    from fuzzyseg.drawing.shown import Window
    from fuzzyseg.volume import Segmentation, Volume

    Place = tuple[float, float, float]

_HEIGHT_IN, _WIDTH_IN = 6.0, 17.0  # of a row's panels, at most
_TITLES_IN, _LEGEND_IN = 0.7, 0.5
_NOTEBOOK_DPI = 60


class Picture(Figure):
    """A matplotlib figure that a notebook shows once, whether or not pyplot is in use."""

    def _repr_png_(self) -> bytes:
        return png(self)


def png(figure: Figure) -> bytes:
    """Draw a figure as small as a notebook needs it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_NOTEBOOK_DPI, facecolor="white")
    return buffer.getvalue()


def draw_images(images: Sequence[Volume], at_mm: Place | None = None) -> Picture:
    """Draw a row an image: planes through one place of the patient, and the anterior MIP.

    Parameters
    ----------
    images : sequence of Volume
        Each on its own grid.
    at_mm : tuple of 3 floats, optional
        Place in RAS that the planes hold; the middle of the first image without it.
    """
    first = images[0]
    middle = first.affine @ [*((n - 1) / 2 for n in first.shape), 1.0]
    place = _checked(at_mm) if at_mm is not None else middle[:3]
    rows = []
    for image in images:
        axes = to_patient_axes(image)
        array = axes.turned(image.array)
        nothing = np.zeros((1, 1, 1), np.uint8)
        panels = views(array, nothing, 1, _voxel(axes, array.shape, place), axes.spacing_mm)
        rows.append((panels, image))
    figure = Picture(layout="constrained")
    parts = figure.subfigures(len(rows), 1, squeeze=False)[:, 0]
    sizes = [
        _draw_row(part, panels, window_of(image), _described(image))
        for part, (panels, image) in zip(parts, rows, strict=True)
    ]
    figure.set_size_inches(max(w for w, _ in sizes), sum(h for _, h in sizes))
    return figure


def draw_segmentation(segmentation: Segmentation, at_mm: Place | None = None) -> Picture:
    """Draw an image's planes and anterior MIP with the outlines and volumes of its classes.

    Parameters
    ----------
    segmentation : Segmentation
    at_mm : tuple of 3 floats, optional
        Place in RAS that the planes hold. Without it, each is the plane that holds most of the
        highest class that is not empty.
    """
    image, n_classes = segmentation.volume, len(segmentation.class_names)
    axes = to_patient_axes(image)
    labels = axes.turned(segmentation.labels)
    counts = class_counts(labels, n_classes)
    if at_mm is None:
        top = labels == np.flatnonzero(counts)[-1]
        i, j, k = (int(top.sum(axis=other).argmax()) for other in ((1, 2), (0, 2), (0, 1)))
    else:
        i, j, k = _voxel(axes, labels.shape, _checked(at_mm))
    panels = views(axes.turned(image.array), labels, n_classes, (i, j, k), axes.spacing_mm)
    figure = Picture(layout="constrained")
    title = f"{segmentation.provenance.method}   {_described(image)}"
    width, height = _draw_row(figure, panels, window_of(image), title)
    figure.set_size_inches(width, height + _LEGEND_IN)
    legend = figure.legend(
        handles=[
            Line2D([], [], color=colour(c), label=f"{name}  {n * image.voxel_volume_ml:.1f} ml")
            for c, (name, n) in enumerate(zip(segmentation.class_names, counts, strict=True))
            if c
        ],
        loc="outside lower center",
        ncols=n_classes,
        frameon=False,
        fontsize=11,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)  # a $ in a name is no formula
    return figure


def _draw_row(
    part: FigureBase, panels: Sequence[View], window: Window, title: str
) -> tuple[float, float]:
    """Draw panels side by side, each as wide as what it shows; return the size in inches."""
    widths = [min(max(v.size_mm[0] / v.size_mm[1], 0.35), 1.6) for v in panels]
    height = min(_HEIGHT_IN, _WIDTH_IN / sum(widths))
    for axis, view in zip(part.subplots(1, len(panels), width_ratios=widths), panels, strict=True):
        draw(axis, view, window)
    part.suptitle(title, fontsize=11, parse_math=False)
    return height * sum(widths) + 1, height + _TITLES_IN


def _described(image: Volume) -> str:
    if not finite_values(image.array).size:
        return f"{image.modality}, no finite voxel"
    low, high, _ = window_of(image)
    unit = "" if image.unit == "arbitrary" else image.unit
    return f"{image.modality}, shown from {low:.4g} to {high:.4g} {unit}".rstrip()


def _checked(at_mm: Place) -> NDArray[np.float64]:
    try:
        place = np.asarray(at_mm, dtype=np.float64)
    except (TypeError, ValueError):  # no numbers, or of no one shape
        place = np.zeros(0)
    if place.shape != (3,) or not np.isfinite(place).all():
        found = " ".join(repr(at_mm).split())[:100]
        raise InputError(
            f"expected a place of three millimetres in RAS, found {found}; "
            "give at_mm=(x, y, z), or leave it out"
        )
    return place


def _voxel(
    axes: PatientAxes, shape: tuple[int, ...], place: NDArray[np.float64]
) -> tuple[int, int, int]:
    """Voxel nearest to a place (x, y, z) in mm."""
    indices = np.linalg.solve(axes.affine, [*place, 1.0])[:3].round().astype(int)
    i, j, k = np.clip(indices, 0, np.asarray(shape) - 1).tolist()
    return i, j, k
