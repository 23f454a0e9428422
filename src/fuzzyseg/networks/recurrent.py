"""The paper's network: eight convolutional layers, of which the first five are recurrent."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from fuzzyseg.errors import InputError
from fuzzyseg.networks.layers import CONVOLUTIONS, NORMS
from fuzzyseg.networks.network import Network

if TYPE_CHECKING:
    from torch import Tensor


class RecurrentConv(nn.Module):
    """A convolution whose output is fed back into itself (Liang and Hu, CVPR 2015, eq. 3).

    x(0) = h_0(W_f u), x(t) = h_t(W_f u + W_r x(t-1)) for t = 1..T, with u the input of the
    layer, W_f and W_r convolutions that all steps share, and h_t a ReLU with the batch
    normalisation of its own step. Returns x(T).

    Parameters
    ----------
    in_channels, filters : int
        Channels of u and of x.
    steps : int
        T, at least 0.
    dims : {2, 3}
    """

    def __init__(self, in_channels: int, filters: int, steps: int = 3, dims: int = 2) -> None:
        super().__init__()
        convolution, norm = CONVOLUTIONS[dims], NORMS[dims]
        self.forward_conv = convolution(in_channels, filters, 3, padding=1)
        self.recurrent_conv = convolution(filters, filters, 3, padding=1)
        self.norms = nn.ModuleList(norm(filters) for _ in range(steps + 1))

    def forward(self, u: Tensor) -> Tensor:
        """(B, in_channels, *space) to (B, filters, *space)."""
        fed = self.forward_conv(u)
        x = torch.relu(self.norms[0](fed))
        for norm in self.norms[1:]:
            x = torch.relu(norm(fed + self.recurrent_conv(x)))
        return x


@dataclass(eq=False, repr=False)
class RecurrentConvNet(Network):
    """The network of Chen et al., Med Phys 2021 (doi 10.1002/mp.14903), sec. II.B.

    Five `RecurrentConv` layers, two convolutions with batch normalisation and ReLU, and one
    convolution onto the classes; all 3 x 3 (x 3), none changes the size of the image, so
    images of any size go through. With 16 filters and one channel: 26,819 parameters.

    Parameters
    ----------
    in_channels, n_classes, filters, dims
        As of `Network`.
    steps : int
        T of the recurrent layers.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    _: KW_ONLY
    steps: int = 3

    def _build(self) -> None:
        filters, dims, steps = self.filters, self.dims, self.steps
        if steps < 0:
            raise InputError(f"expected 0 or more recurrent steps, found {steps}; 3 is usual")
        convolution, norm = CONVOLUTIONS[dims], NORMS[dims]
        layers: list[nn.Module] = [
            RecurrentConv(filters if i else self.in_channels, filters, steps, dims)
            for i in range(5)
        ]
        for _ in range(2):
            layers += [convolution(filters, filters, 3, padding=1), norm(filters), nn.ReLU()]
        layers.append(convolution(filters, self.n_classes, 3, padding=1))
        self.layers = nn.Sequential(*layers)

    def forward(self, image: Tensor) -> Tensor:
        """Logits (B, C, *space) of an image (B, in_channels, *space); softmax(1) of them is u."""
        logits: Tensor = self.layers(image)
        return logits
