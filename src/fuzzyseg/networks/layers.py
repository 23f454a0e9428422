"""What networks are made of, in two dimensions and in three."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

CONVOLUTIONS: dict[int, Any] = {2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED: dict[int, Any] = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
NORMS: dict[int, Any] = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
POOLS: dict[int, Any] = {2: nn.MaxPool2d, 3: nn.MaxPool3d}


def cropped(x: Tensor, like: Tensor) -> Tensor:
    """Cut off the far end of the spatial axes of x beyond the size of another image's."""
    for axis in range(2, x.ndim):
        x = x.narrow(axis, 0, like.shape[axis])
    return x
