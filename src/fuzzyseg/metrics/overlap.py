"""Overlap of two label maps: DSC, recall, precision and IoU of every class from one pass.

With TP, FP and FN the voxels that are rightly, wrongly and not given to a class:

    DSC = 2 TP / (2 TP + FP + FN)      IoU = TP / (TP + FP + FN)
    recall = TP / (TP + FN)            precision = TP / (TP + FP)

A score whose denominator is 0 cannot be computed and is NaN: all four for a class that is in
neither map, recall for one that is not in the truth, precision for one that is not in the
prediction. A class that is in one map only has DSC and IoU 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.metrics._inputs import check_integer_pair

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Labels above this are far more likely intensities or codes than classes, and the matrix of
# all pairs would be huge.
MAX_LABEL = 1023
# Voxels counted at a time, few enough that their pair numbers stay in the processor's cache.
_CHUNK = 1 << 15


@dataclass(frozen=True, eq=False)
class Overlap:
    """Overlap scores of C classes; NaN where a score is undefined.

    Parameters
    ----------
    dsc, recall, precision, iou : float64 ndarray of shape (C,)
        One score per label 0 ... C - 1.
    prediction_voxels, truth_voxels : int64 ndarray of shape (C,)
        Voxels given to each label.
    """

    dsc: NDArray[np.float64]
    recall: NDArray[np.float64]
    precision: NDArray[np.float64]
    iou: NDArray[np.float64]
    prediction_voxels: NDArray[np.int64]
    truth_voxels: NDArray[np.int64]


def confusion_matrix(
    prediction: NDArray[Any], truth: NDArray[Any], *, n_classes: int | None = None
) -> NDArray[np.int64]:
    """Count the voxels of every pair of true and predicted label, in one pass.

    Parameters
    ----------
    prediction, truth : integer or bool ndarray of any one shape
        Labels, 0 ... `n_classes` - 1. Masks are label maps with classes 0 and 1.
    n_classes : int, optional
        Number of classes C; by default one more than the largest label of both, at least 2.

    Returns
    -------
    int64 ndarray of shape (C, C)
        Row: true label. Column: predicted label.

    Raises
    ------
    InputError
        If the shapes differ, the labels are not integers, negative, or too large.
    """
    prediction, truth = np.asarray(prediction), np.asarray(truth)
    check_integer_pair(prediction, truth)
    largest = max(_check_labels("prediction", prediction), _check_labels("truth", truth))
    n = max(largest + 1, 2) if n_classes is None else n_classes
    if largest >= n:
        raise InputError(
            f"expected labels below {n}, the number of classes, found {largest}; "
            "name every class or relabel the maps"
        )
    # Both are flattened in the truth's memory order: a copy only where the other's differs.
    order: Literal["F", "C"] = "F" if truth.flags.f_contiguous else "C"
    rows, columns = truth.ravel(order), prediction.ravel(order)
    counts = np.zeros(n * n, np.int64)
    chunk = max(_CHUNK, n * n)
    for start in range(0, rows.size, chunk):
        pairs = rows[start : start + chunk].astype(np.intp)
        pairs *= n
        pairs += columns[start : start + chunk].astype(np.intp)
        counts += np.bincount(pairs, minlength=n * n)
    return counts.reshape(n, n)


def overlap_from_matrix(matrix: NDArray[np.int64]) -> Overlap:
    """Compute the overlap scores of every class from a confusion matrix.

    Parameters
    ----------
    matrix : int64 ndarray of shape (C, C)
        Voxels by true (row) and predicted (column) label.
    """
    both = np.diagonal(matrix)
    true, predicted = matrix.sum(axis=1), matrix.sum(axis=0)
    return Overlap(
        dsc=_ratio(2 * both, true + predicted),
        recall=_ratio(both, true),
        precision=_ratio(both, predicted),
        iou=_ratio(both, true + predicted - both),
        prediction_voxels=predicted,
        truth_voxels=true,
    )


def overlap(
    prediction: NDArray[Any], truth: NDArray[Any], *, n_classes: int | None = None
) -> Overlap:
    """Compute DSC, recall, precision and IoU of every label of two label maps.

    Parameters and errors are those of `confusion_matrix`. For two masks, ``overlap(...).dsc[1]``
    is the score of the object and ``[0]`` that of its surroundings.
    """
    return overlap_from_matrix(confusion_matrix(prediction, truth, n_classes=n_classes))


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    """Part over whole, NaN where the whole is 0."""
    ratio = np.full(whole.shape, np.nan)
    np.divide(part, whole, out=ratio, where=whole != 0)
    return ratio


def _check_labels(what: str, labels: NDArray[Any]) -> int:
    """Return the largest label; refuse negative and huge ones."""
    smallest, largest = int(labels.min()), int(labels.max())
    if smallest < 0 or largest > MAX_LABEL:
        raise InputError(
            f"expected labels from 0 to {MAX_LABEL} in the {what}, found {smallest} to {largest}; "
            "pass class labels, not intensities, and relabel codes as 0, 1, 2, ..."
        )
    return largest
