"""Three planes of a volume and its maximum intensity projection, with outlines of classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.conventions import COLOURS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from fuzzyseg.drawing.shown import Window


@dataclass(frozen=True, eq=False)
class View:
    """One panel: picture and the places of classes (rows, columns), first row at the top.

    Parameters
    ----------
    outlined : sequence of bool ndarrays
        Where each class is that gets an outline, in order of `conventions.COLOURS`.
    size_mm : (width, height)
    left, right : str
        What side of the patient is there.
    """

    title: str
    picture: NDArray[np.float32]
    outlined: Sequence[NDArray[np.bool_]]
    size_mm: tuple[float, float]
    left: str
    right: str


def views(
    image: NDArray[np.float32],
    labels: NDArray[np.uint8],
    n_classes: int,
    at: tuple[int, int, int],
    spacing_mm: tuple[float, float, float],
) -> list[View]:
    """Cut axial, coronal and sagittal planes, and project along the second axis.

    Parameters
    ----------
    image, labels : ndarrays of shape (X, Y, Z)
        On axes to the right, to the front and up.
    n_classes : int
        All but the first are outlined.
    at : tuple of 3 ints
        Voxel that all three planes hold.
    spacing_mm : tuple of 3 floats
    """
    i, j, k = at
    width, depth, height = (n * s for n, s in zip(image.shape, spacing_mm, strict=True))

    def shown(plane: NDArray[Any]) -> NDArray[Any]:
        """(right, up) to (rows from the top, columns from the patient's right or front)."""
        return plane[::-1, ::-1].T

    def plane(title: str, cut: tuple[Any, ...], *sides: Any) -> View:
        return View(title, shown(image[cut]), [shown(labels[cut] == c) for c in classes], *sides)

    classes = range(1, n_classes)
    seen = [shown((labels == c).any(axis=1)) for c in classes]
    everything = slice(None)
    return [
        plane(f"axial, slice {k + 1}", (everything, everything, k), (width, depth), "R", "L"),
        plane(f"coronal, slice {j + 1}", (everything, j), (width, height), "R", "L"),
        plane(f"sagittal, slice {i + 1}", (i,), (depth, height), "A", "P"),
        View("MIP, anterior", shown(image.max(axis=1)), seen, (width, height), "R", "L"),
    ]


def draw(axis: Axes, view: View, window: Window) -> None:
    """Draw one panel; lengths are true."""
    width, height = view.size_mm
    rows, columns = view.picture.shape
    axis.imshow(
        view.picture,
        cmap=window.colours,
        vmin=window.low,
        vmax=window.high,
        extent=(0, width, height, 0),
        interpolation="nearest" if max(rows, columns) > 300 else "bilinear",
        aspect="equal",
    )
    x = (np.arange(columns) + 0.5) * width / columns
    y = (np.arange(rows) + 0.5) * height / rows
    for k, inside in enumerate(view.outlined, 1):
        if inside.any() and not inside.all() and min(rows, columns) > 1:
            axis.contour(x, y, inside, levels=[0.5], colors=[colour(k)], linewidths=0.9)
    ink = "white" if window.colours == "gray" else "black"
    for place, letter in ((0.02, view.left), (0.98, view.right)):
        axis.text(place, 0.5, letter, transform=axis.transAxes, color=ink, fontsize=10,
                  ha="left" if place < 0.5 else "right", va="center")  # fmt: skip
    axis.set_title(view.title, fontsize=10)
    axis.set_xticks([])
    axis.set_yticks([])


def colour(k: int) -> str:
    """Colour of class `k`, from 1."""
    return COLOURS[(k - 1) % len(COLOURS)]
