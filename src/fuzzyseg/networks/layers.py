"""What networks are made of, in two dimensions and in three, and checks that they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import nn

from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

CONVOLUTIONS: dict[int, Any] = {2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED: dict[int, Any] = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
NORMS: dict[int, Any] = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
POOLS: dict[int, Any] = {2: nn.MaxPool2d, 3: nn.MaxPool3d}


def check_network(
    in_channels: int, n_classes: int, filters: int, dims: int, halvings: int = 0
) -> None:
    """Raise InputError for numbers no network can be built of."""
    if dims not in CONVOLUTIONS:
        raise InputError(f"expected a network of 2 or 3 dimensions, found {dims}; give 2 or 3")
    if min(in_channels, filters) < 1 or n_classes < 2:
        raise InputError(
            f"expected at least 1 channel, 1 filter and 2 classes, found {in_channels}, "
            f"{filters} and {n_classes}; give larger numbers"
        )
    if halvings < 0:
        raise InputError(f"expected to halve the image 0 times or more, found {halvings}")


def cropped(x: Tensor, like: Tensor) -> Tensor:
    """Cut off the far end of the spatial axes of x beyond the size of another image's."""
    for axis in range(2, x.ndim):
        x = x.narrow(axis, 0, like.shape[axis])
    return x
