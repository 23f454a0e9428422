"""From an image to the points that are clustered, and back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Points:
    """The voxels of an image as points.

    Parameters
    ----------
    y : float32 or float64 ndarray of shape (D, N)
        Intensities of D channels at all N voxels, masked ones included.
    space : tuple of int
        Shape of the image without its channel axis; its product is N.
    inside : bool ndarray of shape (N,) or None
        True where a voxel counts; None where all do.
    """

    y: NDArray[Any]
    space: tuple[int, ...]
    inside: NDArray[np.bool_] | None

    @property
    def counted(self) -> NDArray[Any]:
        """Intensities of the voxels that count, shape (D, M)."""
        return self.y if self.inside is None else frozen(self.y[:, self.inside])

    def fill(self, values: NDArray[Any], outside: float) -> NDArray[Any]:
        """Put values (..., M) of the voxels that count into the image's shape (..., *space)."""
        if self.inside is not None:
            full = np.full((*values.shape[:-1], self.inside.size), outside, values.dtype)
            full[..., self.inside] = values
            values = full
        return values.reshape(*values.shape[:-1], *self.space)


def as_points(image: ArrayLike, mask: ArrayLike | None, channel_axis: int | None) -> Points:
    """Check an image and lay its voxels out for the kernels.

    float64 images (and wider ones) are computed in float64, everything else in float32.

    Raises
    ------
    InputError
        If the image is empty, not real, or not finite within the mask, or if the mask has
        another shape or leaves no voxel.
    """
    array = np.asarray(image)
    if array.dtype.kind not in "fiub" or array.ndim == 0 or array.size == 0:
        raise InputError(
            f"expected an image of real numbers, found shape {array.shape} of {array.dtype}; "
            "pass a non-empty numeric array"
        )
    double = array.dtype.kind == "f" and array.dtype.itemsize >= 8
    array = array.astype(np.float64 if double else np.float32, copy=False)
    if channel_axis is None:
        array = array[None]
    elif not -array.ndim <= channel_axis < array.ndim or array.ndim < 2:
        raise InputError(
            f"expected channel_axis to be an axis of the image, found {channel_axis} for shape "
            f"{array.shape}; use None for an image without channels"
        )
    else:
        array = np.moveaxis(array, channel_axis, 0)
    space = array.shape[1:]
    y = np.ascontiguousarray(array).reshape(array.shape[0], math.prod(space))
    inside = None
    if mask is not None:
        given = np.asarray(mask)
        if given.shape != space:
            raise InputError(
                f"expected a mask of the image's shape {space}, found {given.shape}; "
                "give one mask value per voxel"
            )
        inside = given.astype(bool).ravel()
        if not inside.any():
            raise InputError(
                "expected a mask with at least one voxel, found none; clustering needs voxels"
            )
        y = np.where(inside, y, y.dtype.type(0))  # what lies outside may even be NaN
    with np.errstate(invalid="ignore"):  # inf - inf
        total = y.sum(dtype=np.float64)
    if not np.isfinite(total) and not np.isfinite(y).all():
        raise InputError(
            f"expected finite intensities, found {np.count_nonzero(~np.isfinite(y))} values that "
            "are NaN or infinite; repair them or leave them out with a mask"
        )
    return Points(frozen(y), space, inside)


def frozen(a: NDArray[Any]) -> NDArray[Any]:
    """Return a read-only view; kernels are compiled for those, whether or not the image is one."""
    view = np.ascontiguousarray(a)[:]
    view.flags.writeable = False
    return view
