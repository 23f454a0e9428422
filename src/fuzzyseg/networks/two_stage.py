"""A network that finds uptake in the SPECT, and then draws the borders of bone from the CT."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Self

import torch
from torch import nn
from torch.fx import wrap
from torch.nn import functional

from fuzzyseg.networks.layers import CONVOLUTIONS, normalised
from fuzzyseg.networks.network import Halving
from fuzzyseg.networks.shuffle_unet import ShuffleUNet

if TYPE_CHECKING:
    from torch import Tensor

# Of the second stage: it sees 7 voxels to either side, 31 mm at 4.4 mm.
_FILTERS, _DILATIONS = 16, (1, 2, 4)
LEAST = -8.0  # logarithm of a membership; what is less is as good as none


@dataclass(eq=False, repr=False)
class TwoStage(Halving):
    r"""A `ShuffleUNet` of the first channel, corrected at full resolution by the others.

    The first stage is trained before, and stays as it is. The second sees the other channels and
    the logarithms of the first's memberships u, and gives one number f for each voxel, by which it
    raises the logit of the first class, background:

    .. math:: u'_1 \propto u_1 e^f, \quad u'_k \propto u_k, \quad k > 1

    So it decides where bone ends, and cannot change how bone and lesion share what is bone: only
    the SPECT, the first channel, tells a lesion. What is dense in the CT and shows no uptake of a
    lesion does not become one. The second stage is three convolutions with 16 filters, dilated by
    1, 2 and 4 voxels, with batch normalisation and leaky ReLU, and one of width 1. Its input is not
    normalised: lesions are rare, and their memberships would lie 40 standard deviations off.

    Parameters
    ----------
    in_channels : int
        The SPECT first.
    n_classes, filters, dims, halvings
        As of `ShuffleUNet`, the first stage.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    _: KW_ONLY
    filters: int = 20
    dims: int = 3

    def _build(self) -> None:
        dims = self.dims
        self.first = ShuffleUNet(
            1, self.n_classes, filters=self.filters, dims=dims, halvings=self.halvings
        )
        self.first.requires_grad_(False)
        seen = self.in_channels - 1 + self.n_classes
        entries = (seen, *(_FILTERS for _ in _DILATIONS))
        layers = [
            layer
            for entry, dilation in zip(entries, _DILATIONS, strict=False)
            for layer in normalised(entry, _FILTERS, dims, dilation=dilation)
        ]
        last = CONVOLUTIONS[dims](_FILTERS, 1, 1)
        self.second = nn.Sequential(*layers, last)

    def train(self, mode: bool = True) -> Self:
        """Switch to training, but for the first stage: its normalisations stay as they are."""
        super().train(mode)
        self.first.eval()
        return self

    def forward(self, image: Tensor) -> Tensor:
        """Logits (B, C, *space) of an image (B, in_channels, *space); softmax(1) of them is u."""
        logits = self.first(first_channel(image))
        seen = torch.cat((other_channels(image), scaled_memberships(logits)), dim=1)
        return raise_first(logits, self.second(seen))


def first_channel(image: Tensor) -> Tensor:
    """Return the first channel (B, 1, *space) of an image (B, D, *space)."""
    return image[:, :1]


def other_channels(image: Tensor) -> Tensor:
    """Return the channels after the first, (B, D - 1, *space)."""
    return image[:, 1:]


def scaled_memberships(logits: Tensor) -> Tensor:
    """Return 1 + log(softmax(1)) / 8 of logits (B, C, *space), from 0, for e^-8 or less, to 1."""
    return 1 - torch.log_softmax(logits, dim=1).clamp(min=LEAST) / LEAST


def raise_first(logits: Tensor, by: Tensor) -> Tensor:
    """Add (B, 1, *space) to the first of the logits (B, C, *space)."""
    others = [0, 0] * (logits.ndim - 2) + [0, logits.shape[1] - 1]
    return logits + functional.pad(by, others)


for name in ("first_channel", "other_channels", "scaled_memberships", "raise_first"):
    wrap(name)  # one step each for those who trace the network, whatever the sizes
