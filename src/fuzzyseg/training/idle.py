"""Weights that do nothing: biases in front of a batch normalisation, which takes them away again.

Their gradient is nothing but rounding, and Adam, which knows no scale, turns that into steps as
large as any other. In training it makes no difference; but the means that the normalisation has
learned for later run behind.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from torch import nn

from fuzzyseg.networks.recurrent import RecurrentConv

if TYPE_CHECKING:
    from collections.abc import Iterator


def freeze_idle(network: nn.Module) -> None:
    """Keep such biases where they are, in place."""
    for layer in _normalised(network):
        if isinstance(layer.bias, nn.Parameter):
            layer.bias.requires_grad_(False)


def _normalised(network: nn.Module) -> Iterator[nn.Module]:
    """Convolutions whose output goes into a normalisation and nowhere else."""
    for module in network.modules():
        if isinstance(module, RecurrentConv):
            yield from (module.forward_conv, module.recurrent_conv)
        elif isinstance(module, nn.Sequential):
            for layer, after in pairwise(module):
                if isinstance(after, nn.BatchNorm2d | nn.BatchNorm3d):
                    yield layer
