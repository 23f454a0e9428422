"""Sums over the classes of a label map, plane by plane: large images need no copies."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class ClassSums(NamedTuple):
    """Voxels, sum and largest value of each class: arrays of shape (C,).

    The largest value of an empty class is minus infinity.
    """

    counts: NDArray[np.int64]
    sums: NDArray[np.float64]
    maxima: NDArray[np.float64]


def class_counts(labels: NDArray[np.integer], n_classes: int) -> NDArray[np.int64]:
    """Voxels of each class of a label map (X, Y, Z): (C,)."""
    counts = np.zeros(n_classes, np.int64)
    for plane in labels.T:  # in the order in which the readers' arrays lie in memory
        counts += np.bincount(plane.ravel(), minlength=n_classes)
    return counts


def class_sums(labels: NDArray[np.uint8], values: NDArray[np.float32], n_classes: int) -> ClassSums:
    """Voxels, sums and maxima of an image (X, Y, Z) over the classes of its label map."""
    counts, sums = np.zeros(n_classes, np.int64), np.zeros(n_classes)
    maxima = np.full(n_classes, -np.inf)
    for plane, shown in zip(labels.T, values.T, strict=True):
        inside, seen = plane.ravel(), shown.ravel()
        found = np.bincount(inside, minlength=n_classes)
        counts += found
        sums += np.bincount(inside, seen, n_classes)
        for k in np.flatnonzero(found):
            maxima[k] = max(maxima[k], float(seen[inside == k].max()))
    return ClassSums(counts, sums, maxima)
