"""Losses that train a network with labels, without, or with some: torch modules.

Notation and equation numbers are those of Chen et al., Med Phys 2021 (doi 10.1002/mp.14903).
torch is imported by the first loss that is asked for, not by this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.lazy import lazily
from fuzzyseg.losses.registry import LOSSES as LOSSES
from fuzzyseg.losses.registry import LossEntry as LossEntry
from fuzzyseg.losses.registry import exports
from fuzzyseg.losses.registry import get_loss as get_loss

if TYPE_CHECKING:
    from fuzzyseg.losses.centres import Centres as Centres
    from fuzzyseg.losses.cross_entropy import CrossEntropyLoss as CrossEntropyLoss
    from fuzzyseg.losses.cross_entropy import cross_entropy_loss as cross_entropy_loss
    from fuzzyseg.losses.dice import DiceLoss as DiceLoss
    from fuzzyseg.losses.dice import dice_loss as dice_loss
    from fuzzyseg.losses.fcm_label import FCMLabelLoss as FCMLabelLoss
    from fuzzyseg.losses.fcm_label import fcm_label_loss as fcm_label_loss
    from fuzzyseg.losses.mumford_shah import MumfordShahLoss as MumfordShahLoss
    from fuzzyseg.losses.mumford_shah import mumford_shah_loss as mumford_shah_loss
    from fuzzyseg.losses.rfcm import RFCMLoss as RFCMLoss
    from fuzzyseg.losses.rfcm import rfcm_loss as rfcm_loss
    from fuzzyseg.losses.semi import Semi as Semi
    from fuzzyseg.losses.semi import SemiMumfordShahLoss as SemiMumfordShahLoss
    from fuzzyseg.losses.semi import SemiRFCMLoss as SemiRFCMLoss

# Type checkers read the lines above; what can be imported follows the registry.
_MODULES = {"Centres": "centres", "Semi": "semi", **exports()}
__all__ = ["LOSSES", "LossEntry", "get_loss", *_MODULES]  # noqa: PLE0604
__getattr__ = lazily(__name__, _MODULES)
