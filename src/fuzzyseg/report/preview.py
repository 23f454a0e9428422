"""One picture of a segmentation: three planes and a maximum intensity projection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.conventions import COLOURS
from fuzzyseg.report.shown import to_patient_axes, uptake_window
from fuzzyseg.segmentation.counts import class_counts

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from fuzzyseg.volume import Segmentation

_CT_WINDOW_HU = (-160.0, 1000.0)
_HEIGHT_IN, _WIDTH_IN = 6.0, 17.0  # of the panels, at most


@dataclass(frozen=True, eq=False)
class _View:
    """One panel: picture and labels (rows, columns), first row at the top."""

    title: str
    picture: NDArray[np.float32]
    labels: NDArray[np.uint8] | list[NDArray[np.bool_]]
    size_mm: tuple[float, float]  # width, height
    left: str
    right: str


def write_preview(path: Path, segmentation: Segmentation) -> None:
    """Write `preview_figure` as PNG."""
    preview_figure(segmentation).savefig(path, dpi=110, facecolor="white")


def preview_figure(segmentation: Segmentation) -> Figure:
    """Axial, coronal and sagittal planes and the anterior MIP, with the classes' contours.

    The planes are those that hold most of the highest class that is not empty. The patient's
    right is on the left, as in the clinic; lengths are true. Oblique volumes are shown on the
    nearest axes.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    turned, spacing = to_patient_axes(segmentation.volume)
    image, labels = turned(segmentation.volume.array), turned(segmentation.labels)
    low, high, colours = _window(segmentation, image)
    views = _views(image, labels, spacing, len(segmentation.class_names))
    widths = [min(max(v.size_mm[0] / v.size_mm[1], 0.35), 1.6) for v in views]
    height = min(_HEIGHT_IN, _WIDTH_IN / sum(widths))
    figure = Figure(figsize=(height * sum(widths) + 1, height + 1.2), layout="constrained")
    axes = figure.subplots(1, len(views), width_ratios=widths)
    for axis, view in zip(axes, views, strict=True):
        _draw(axis, view, low, high, colours)
    counts = class_counts(labels, len(segmentation.class_names))
    voxel_ml = segmentation.volume.voxel_volume_ml
    figure.legend(
        handles=[
            Line2D([], [], color=_colour(k), label=f"{name}  {counts[k] * voxel_ml:.1f} ml")
            for k, name in enumerate(segmentation.class_names)
            if k
        ],
        loc="outside lower center",
        ncols=len(segmentation.class_names),
        frameon=False,
        fontsize=11,
    )
    unit = segmentation.volume.unit
    figure.suptitle(
        f"{segmentation.provenance.method}   {segmentation.volume.modality}, shown from "
        f"{low:.4g} to {high:.4g} {'' if unit == 'arbitrary' else unit}".rstrip(),
        fontsize=11,
    )
    return figure


def _window(segmentation: Segmentation, image: NDArray[np.float32]) -> tuple[float, float, str]:
    if segmentation.volume.modality == "CT":
        return *_CT_WINDOW_HU, "gray"
    return *uptake_window(image), "gray_r"


def _views(
    image: NDArray[np.float32],
    labels: NDArray[np.uint8],
    spacing: tuple[float, float, float],
    n_classes: int,
) -> list[_View]:
    present = np.flatnonzero(class_counts(labels, n_classes))
    top = labels == present[-1]
    i, j, k = (int(top.sum(axis=other).argmax()) for other in ((1, 2), (0, 2), (0, 1)))
    width, depth, height = (n * s for n, s in zip(image.shape, spacing, strict=True))
    seen = [(labels == c).any(axis=1) for c in range(n_classes)]

    def shown(plane: NDArray[Any]) -> NDArray[Any]:
        """(right, up) to (rows from the top, columns from the patient's right or front)."""
        return plane[::-1, ::-1].T

    return [
        _View(f"axial, slice {k + 1}", shown(image[:, :, k]), shown(labels[:, :, k]),
              (width, depth), "R", "L"),
        _View(f"coronal, slice {j + 1}", shown(image[:, j]), shown(labels[:, j]),
              (width, height), "R", "L"),
        _View(f"sagittal, slice {i + 1}", shown(image[i]), shown(labels[i]),
              (depth, height), "A", "P"),
        _View("MIP, anterior", shown(image.max(axis=1)), [shown(s) for s in seen],
              (width, height), "R", "L"),
    ]  # fmt: skip


def _draw(axis: Axes, view: _View, low: float, high: float, colours: str) -> None:
    width, height = view.size_mm
    rows, columns = view.picture.shape
    axis.imshow(
        view.picture,
        cmap=colours,
        vmin=low,
        vmax=high,
        extent=(0, width, height, 0),
        interpolation="nearest" if max(rows, columns) > 300 else "bilinear",
        aspect="equal",
    )
    x = (np.arange(columns) + 0.5) * width / columns
    y = (np.arange(rows) + 0.5) * height / rows
    n_classes = len(view.labels) if isinstance(view.labels, list) else int(view.labels.max()) + 1
    for k in range(1, n_classes):
        inside = view.labels[k] if isinstance(view.labels, list) else view.labels == k
        if inside.any() and not inside.all():
            axis.contour(x, y, inside, levels=[0.5], colors=[_colour(k)], linewidths=0.9)
    ink = "white" if colours == "gray" else "black"
    for place, letter in ((0.02, view.left), (0.98, view.right)):
        axis.text(place, 0.5, letter, transform=axis.transAxes, color=ink, fontsize=10,
                  ha="left" if place < 0.5 else "right", va="center")  # fmt: skip
    axis.set_title(view.title, fontsize=10)
    axis.set_xticks([])
    axis.set_yticks([])


def _colour(k: int) -> str:
    return COLOURS[(k - 1) % len(COLOURS)]
