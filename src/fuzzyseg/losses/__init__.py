"""Losses that train a network with labels, without, or with some: torch modules.

Notation and equation numbers are those of Chen et al., Med Phys 2021 (doi 10.1002/mp.14903).
torch is imported by the first loss that is asked for, not by this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.lazy import exports, lazily
from fuzzyseg.losses.registry import LOSSES, LossEntry, get_loss, places

if TYPE_CHECKING:
    from fuzzyseg.losses.registry import *  # noqa: F403

_MODULES = exports(__name__, places())
__all__ = ["LOSSES", "LossEntry", "get_loss", *_MODULES]  # noqa: PLE0604
__getattr__, __dir__ = lazily(__name__, _MODULES)
