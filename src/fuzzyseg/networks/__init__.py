"""Convolutional networks whose softmax output is a membership; torch comes with the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.lazy import exports, lazily
from fuzzyseg.networks.registry import NETWORKS, NetworkEntry, build_network, places

if TYPE_CHECKING:
    from fuzzyseg.networks.registry import *  # noqa: F403

_MODULES = exports(__name__, places())
__all__ = ["NETWORKS", "NetworkEntry", "build_network", *_MODULES]  # noqa: PLE0604
__getattr__, __dir__ = lazily(__name__, _MODULES)
