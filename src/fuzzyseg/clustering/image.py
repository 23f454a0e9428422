"""From an image to the points that are clustered, and back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.clustering.arrays import is_tensor
from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Points:
    """The voxels of an image as points.

    Parameters
    ----------
    y : float32 or float64 ndarray or torch tensor of shape (D, N)
        Intensities of D channels at all N voxels, masked ones included (as 0).
    space : tuple of int
        Shape of the image without its channel axis; its product is N.
    inside : bool array of shape (N,) or None
        True where a voxel counts; None where all do.
    """

    y: Any
    space: tuple[int, ...]
    inside: Any

    @property
    def counted(self) -> Any:
        """Intensities of the voxels that count, shape (D, M)."""
        if self.inside is None:
            return self.y
        within = self.y[:, self.inside]
        return within if is_tensor(within) else frozen(within)

    @property
    def image(self) -> Any:
        """Intensities (D, *space)."""
        return self.y.reshape(self.y.shape[0], *self.space)

    @property
    def mask(self) -> Any:
        """True within the mask, (*space,), or None."""
        return None if self.inside is None else self.inside.reshape(self.space)

    def with_image(self, image: Any) -> Points:
        """Points of another image (D, *space), 0 outside the mask."""
        y = image.reshape(len(image), self.y.shape[1])
        y = y if self.inside is None else y * self.inside
        return Points(y if is_tensor(y) else frozen(y), self.space, self.inside)

    def fill(self, values: Any, outside: float) -> Any:
        """Put values (..., M) of the voxels that count into the image's shape (..., *space)."""
        if self.inside is not None and is_tensor(values):
            full = values.new_full((*values.shape[:-1], len(self.inside)), outside)
            full[..., self.inside] = values
            values = full
        elif self.inside is not None:
            full = np.full((*values.shape[:-1], self.inside.size), outside, values.dtype)
            full[..., self.inside] = values
            values = full
        return values.reshape(*values.shape[:-1], *self.space)


def as_points(image: ArrayLike, mask: ArrayLike | None, channel_axis: int | None) -> Points:
    """Check an image and lay its voxels out for the kernels.

    float64 images (and wider ones) are computed in float64, everything else in float32. A torch
    tensor stays on its device.

    Raises
    ------
    InputError
        If the image is empty, not real, or not finite within the mask, or if the mask has
        another shape or leaves no voxel.
    """
    if is_tensor(image):
        return _tensor_points(image, mask, channel_axis)
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
            f"expected finite intensities, found {np.count_nonzero(~np.isfinite(y))} "
            "values that are NaN or infinite; repair them or exclude them with a mask"
        )
    return Points(frozen(y), space, inside)


def _tensor_points(image: Any, mask: Any, channel_axis: int | None) -> Points:
    """`as_points` of a tensor: checked as a numpy array without its values, and then by them."""
    import torch

    empty = np.broadcast_to(np.float32(0), tuple(image.shape))
    wide = image.dtype == torch.float64
    if image.dtype.is_complex:
        empty = empty.astype(np.complex64)
    given = None if mask is None else np.asarray(torch.as_tensor(mask).cpu())
    checked = as_points(empty, given, channel_axis)
    y = image.detach().to(torch.float64 if wide else torch.float32)
    y = y[None] if channel_axis is None else y.movedim(channel_axis, 0)
    y = y.reshape(checked.y.shape).contiguous()
    inside = None
    if checked.inside is not None:
        inside = torch.as_tensor(checked.inside, device=y.device)
        y = torch.where(inside, y, torch.zeros_like(y))
    if not bool(torch.isfinite(y).all()):
        bad = int((~torch.isfinite(y)).sum())
        raise InputError(
            f"expected finite intensities, found {bad} values that are NaN or "
            "infinite; repair them or exclude them with a mask"
        )
    return Points(y, checked.space, inside)


def frozen(a: NDArray[Any]) -> NDArray[Any]:
    """Return a read-only view; kernels are compiled for those, whether or not the image is one."""
    view = np.ascontiguousarray(a)[:]
    view.flags.writeable = False
    return view
