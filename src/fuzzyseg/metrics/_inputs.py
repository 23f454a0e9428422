"""What the metrics accept: pairs of masks, pairs of label maps, voxel spacings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def check_integer_pair(prediction: NDArray[Any], truth: NDArray[Any]) -> None:
    """Refuse two arrays that are not integers or booleans on one grid.

    Raises
    ------
    InputError
        If the shapes differ, the arrays hold no voxel, or a dtype is neither integer nor bool.
    """
    if prediction.shape != truth.shape:
        raise InputError(
            f"expected a prediction on the grid of the truth, {truth.shape}, found "
            f"{prediction.shape}; resample one onto the other"
        )
    if truth.size == 0:
        raise InputError(f"expected at least one voxel, found shape {truth.shape}; pass an image")
    for what, array in (("prediction", prediction), ("truth", truth)):
        if array.dtype.kind not in "iub":
            raise InputError(
                f"expected the {what} as integers or booleans, found {array.dtype}; "
                "threshold it, or round it and convert it with astype(np.uint8)"
            )


def as_masks(
    prediction: NDArray[Any], truth: NDArray[Any], spacing_mm: Sequence[float]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], tuple[float, ...]]:
    """Return two masks as booleans, not 0 being inside, and their spacing as floats.

    Raises
    ------
    InputError
        If they are not integers or booleans on one 2-D or 3-D grid, or the spacing does not fit.
    """
    prediction, truth = np.asarray(prediction), np.asarray(truth)
    check_integer_pair(prediction, truth)
    if truth.ndim not in {2, 3}:
        raise InputError(
            f"expected masks with 2 or 3 axes, found shape {truth.shape}; pass one image at a time"
        )
    spacing = check_spacing(spacing_mm, truth.ndim)
    return prediction.astype(bool, copy=False), truth.astype(bool, copy=False), spacing


def check_spacing(spacing_mm: Sequence[float], ndim: int) -> tuple[float, ...]:
    """Return the spacing as floats, one per axis.

    Parameters
    ----------
    spacing_mm : sequence of float, length `ndim`
        Distance between voxel centres along each axis, in mm.
    ndim : int
        Number of axes of the image.

    Raises
    ------
    InputError
        If the length is not `ndim` or a value is not finite and positive.
    """
    spacing = tuple(float(s) for s in spacing_mm)
    if len(spacing) != ndim or not all(0.0 < s < np.inf for s in spacing):
        raise InputError(
            f"expected {ndim} positive voxel spacings in mm, found {spacing}; "
            "give one number per axis of the image"
        )
    return spacing


def check_tolerance(tolerance_mm: float) -> float:
    """Return the tolerance as a float.

    Raises
    ------
    InputError
        If it is negative, infinite or NaN.
    """
    tolerance = float(tolerance_mm)
    if not 0.0 <= tolerance < np.inf:
        raise InputError(
            f"expected a tolerance in mm that is 0 or more, found {tolerance}; "
            "a common choice is one or two voxel widths"
        )
    return tolerance
