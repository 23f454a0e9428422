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
# Below 0, as in nnU-Net. With none, a lesion many times as hot as bone can switch all filters of
# a level off at once, and no gradient then comes back from it.
_SLOPE = 0.01


def cropped(x: Tensor, like: Tensor) -> Tensor:
    """Cut off the far end of the spatial axes of x beyond the size of another image's."""
    for axis in range(2, x.ndim):
        x = x.narrow(axis, 0, like.shape[axis])
    return x


def normalised(
    in_channels: int, filters: int, dims: int, *, stride: int = 1, dilation: int = 1
) -> list[nn.Module]:
    """Make a convolution of width 3, a batch normalisation and a leaky ReLU."""
    convolution: nn.Module = CONVOLUTIONS[dims](
        in_channels, filters, 3, stride=stride, padding=dilation, dilation=dilation, bias=False
    )
    return [convolution, NORMS[dims](filters), nn.LeakyReLU(_SLOPE)]
