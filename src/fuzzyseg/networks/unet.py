"""A small U-Net, to compare the recurrent network with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.fx import wrap

from fuzzyseg.networks.layers import CONVOLUTIONS, NORMS, POOLS, TRANSPOSED, cropped
from fuzzyseg.networks.network import Halving

if TYPE_CHECKING:
    from torch import Tensor

wrap("cropped")  # one step for those who trace the network, whatever the sizes


@dataclass(eq=False, repr=False)
class UNet(Halving):
    """Ronneberger, Fischer and Brox, MICCAI 2015, with batch normalisation and zero padding.

    Two convolutions a level; the image is halved `halvings` times and the filters doubled each
    time. Halving rounds up and the way back cuts off what is too much, so images of any size go
    through. With 16 filters and one channel: 482,483 parameters.

    Parameters
    ----------
    in_channels, n_classes, filters, dims, halvings
        As of `Halving`.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    def _build(self) -> None:
        filters, dims, halvings = self.filters, self.dims, self.halvings
        widths = [filters * 2**level for level in range(halvings + 1)]
        self.pool = POOLS[dims](2, ceil_mode=True)
        self.down = nn.ModuleList(
            _two_convolutions(a, b, dims)
            for a, b in zip([self.in_channels, *widths], widths, strict=False)
        )
        self.upsample = nn.ModuleList(
            TRANSPOSED[dims](2 * width, width, 2, stride=2) for width in reversed(widths[:-1])
        )
        self.up = nn.ModuleList(
            _two_convolutions(2 * width, width, dims) for width in reversed(widths[:-1])
        )
        self.last = CONVOLUTIONS[dims](filters, self.n_classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Logits (B, C, *space) of an image (B, in_channels, *space); softmax(1) of them is u."""
        x = self.down[0](image)
        kept = []
        for level in self.down[1:]:
            kept.append(x)
            x = level(self.pool(x))
        for upsample, level in zip(self.upsample, self.up, strict=True):
            fine = kept.pop()
            x = level(torch.cat([fine, cropped(upsample(x), fine)], dim=1))
        logits: Tensor = self.last(x)
        return logits


def _two_convolutions(in_channels: int, filters: int, dims: int) -> nn.Sequential:
    convolution, norm = CONVOLUTIONS[dims], NORMS[dims]
    return nn.Sequential(
        convolution(in_channels, filters, 3, padding=1, bias=False),
        norm(filters),
        nn.ReLU(),
        convolution(filters, filters, 3, padding=1, bias=False),
        norm(filters),
        nn.ReLU(),
    )
