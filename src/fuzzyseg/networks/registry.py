"""The networks there are: the one list that the command line, `info`, cards and docs read.

A network is a class of its own file and a line here. Nothing imports torch before it is built.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fuzzyseg.lazy import load
from fuzzyseg.tables import entry_of

if TYPE_CHECKING:  # what `fuzzyseg.networks` exports; at run time the table below says so
    from torch import nn

    from fuzzyseg.networks.architecture import Architecture as Architecture
    from fuzzyseg.networks.recurrent import RecurrentConvNet as RecurrentConvNet
    from fuzzyseg.networks.shuffle_unet import ShuffleUNet as ShuffleUNet
    from fuzzyseg.networks.two_stage import TwoStage as TwoStage
    from fuzzyseg.networks.unet import UNet as UNet


@dataclass(frozen=True)
class NetworkEntry:
    """A network and what it needs.

    Parameters
    ----------
    about : str
        One line for people.
    home : str
        "module:Class". The class is called as (in_channels, n_classes, filters=, dims=, ...).
    steps : str or None
        The class's name for `Architecture.steps`; None where it has no use for it.
    dims : tuple of int
        Dimensions of the images it can be built for.
    block : int
        Voxels along the largest block of a volume that is computed at a time: what memory allows.
    first : str or None
        Name of the network that is its first stage, which sees the first channel, and is trained
        before.
    """

    about: str
    home: str
    steps: str | None = None
    dims: tuple[int, ...] = (2, 3)
    block: int = 112
    first: str | None = None


_HERE = "fuzzyseg.networks"
NETWORKS: dict[str, NetworkEntry] = {
    "recurrent": NetworkEntry(
        "the paper's: eight convolutional layers, five of them recurrent",
        f"{_HERE}.recurrent:RecurrentConvNet",
        steps="steps",
    ),
    "unet": NetworkEntry("a U-Net, for comparison", f"{_HERE}.unet:UNet", steps="halvings"),
    "shuffle-unet": NetworkEntry(
        "a U-Net that starts at half resolution, for volumes on a CPU",
        f"{_HERE}.shuffle_unet:ShuffleUNet",
        steps="halvings",
        block=256,
    ),
    "two-stage": NetworkEntry(
        "a shuffle-unet of the SPECT, whose bone is redrawn from the CT at full resolution",
        f"{_HERE}.two_stage:TwoStage",
        steps="halvings",
        dims=(3,),
        block=160,
        first="shuffle-unet",
    ),
}


def network_entry(name: str) -> NetworkEntry:
    """Return what is known of a network, or raise InputError where there is none of that name."""
    return entry_of(NETWORKS, name, "network")


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
    entry = network_entry(a.network)
    numbers: dict[str, Any] = {"filters": a.filters, "dims": a.dims}
    if entry.steps:
        numbers[entry.steps] = a.steps
    network: nn.Module = load(entry.home)(a.in_channels, len(a.classes), **numbers)
    return network


def places() -> list[str]:
    """Where everything is that `fuzzyseg.networks` exports."""
    return [f"{_HERE}.architecture:Architecture", *(entry.home for entry in NETWORKS.values())]
