"""From an architecture's description to the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.networks.recurrent import RecurrentConvNet
from fuzzyseg.networks.unet import UNet

if TYPE_CHECKING:
    from torch import nn

    from fuzzyseg.networks.card import Architecture


def build_network(architecture: Architecture) -> nn.Module:
    """Build a network with random weights, as torch's generator draws them.

    Parameters
    ----------
    architecture : Architecture

    Returns
    -------
    nn.Module
        Takes (B, `architecture.in_channels`, *space), gives logits (B, C, *space).

    Raises
    ------
    InputError
        If the numbers make no network.
    """
    a = architecture
    if a.network == "unet":
        return UNet(a.in_channels, len(a.classes), filters=a.filters, dims=a.dims, halvings=a.steps)
    return RecurrentConvNet(
        a.in_channels, len(a.classes), filters=a.filters, dims=a.dims, steps=a.steps
    )
