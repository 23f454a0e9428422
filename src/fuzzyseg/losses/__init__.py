"""Losses that train a network with labels, without, or with some: torch modules.

Notation and equation numbers are those of Chen et al., Med Phys 2021 (doi 10.1002/mp.14903).
torch is imported by the first loss that is asked for, not by this package.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fuzzyseg.losses.names import LOSSES

if TYPE_CHECKING:
    from fuzzyseg.losses.build import get_loss
    from fuzzyseg.losses.centres import Centres
    from fuzzyseg.losses.cross_entropy import CrossEntropyLoss, cross_entropy_loss
    from fuzzyseg.losses.dice import DiceLoss, dice_loss
    from fuzzyseg.losses.fcm_label import FCMLabelLoss, fcm_label_loss
    from fuzzyseg.losses.mumford_shah import MumfordShahLoss, mumford_shah_loss
    from fuzzyseg.losses.rfcm import RFCMLoss, rfcm_loss
    from fuzzyseg.losses.semi import Semi, SemiMumfordShahLoss, SemiRFCMLoss

__all__ = [
    "LOSSES",
    "Centres",
    "CrossEntropyLoss",
    "DiceLoss",
    "FCMLabelLoss",
    "MumfordShahLoss",
    "RFCMLoss",
    "Semi",
    "SemiMumfordShahLoss",
    "SemiRFCMLoss",
    "cross_entropy_loss",
    "dice_loss",
    "fcm_label_loss",
    "get_loss",
    "mumford_shah_loss",
    "rfcm_loss",
]

_HOME = {
    "Centres": "centres",
    "CrossEntropyLoss": "cross_entropy",
    "DiceLoss": "dice",
    "FCMLabelLoss": "fcm_label",
    "MumfordShahLoss": "mumford_shah",
    "RFCMLoss": "rfcm",
    "Semi": "semi",
    "SemiMumfordShahLoss": "semi",
    "SemiRFCMLoss": "semi",
    "cross_entropy_loss": "cross_entropy",
    "dice_loss": "dice",
    "fcm_label_loss": "fcm_label",
    "get_loss": "build",
    "mumford_shah_loss": "mumford_shah",
    "rfcm_loss": "rfcm",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for, and torch with it."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
