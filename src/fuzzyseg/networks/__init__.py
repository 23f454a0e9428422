"""Convolutional networks whose softmax output is a membership."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.lazy import lazily

if TYPE_CHECKING:
    from fuzzyseg.networks.architecture import Architecture as Architecture
    from fuzzyseg.networks.recurrent import RecurrentConvNet as RecurrentConvNet
    from fuzzyseg.networks.registry import NETWORKS as NETWORKS
    from fuzzyseg.networks.registry import NetworkEntry as NetworkEntry
    from fuzzyseg.networks.registry import build_network as build_network
    from fuzzyseg.networks.shuffle_unet import ShuffleUNet as ShuffleUNet
    from fuzzyseg.networks.unet import UNet as UNet

_MODULES = {
    "Architecture": "architecture",
    "NETWORKS": "registry",
    "NetworkEntry": "registry",
    "RecurrentConvNet": "recurrent",
    "ShuffleUNet": "shuffle_unet",
    "UNet": "unet",
    "build_network": "registry",
}
__all__ = [*_MODULES]  # noqa: PLE0604
__getattr__ = lazily(__name__, _MODULES)
