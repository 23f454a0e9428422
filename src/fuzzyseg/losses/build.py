"""A loss by its name in `LOSSES`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.errors import InputError
from fuzzyseg.losses.centres import Centres
from fuzzyseg.losses.cross_entropy import CrossEntropyLoss
from fuzzyseg.losses.dice import DiceLoss
from fuzzyseg.losses.fcm_label import FCMLabelLoss
from fuzzyseg.losses.mumford_shah import PUBLISHED_LAMBDA, MumfordShahLoss
from fuzzyseg.losses.names import LOSSES
from fuzzyseg.losses.rfcm import PUBLISHED_BETA, RFCMLoss
from fuzzyseg.losses.semi import SemiMumfordShahLoss, SemiRFCMLoss

if TYPE_CHECKING:
    from torch import nn

    from fuzzyseg.fuzzy import Neighbours
    from fuzzyseg.losses.inputs import InputKind


def get_loss(
    name: str,
    *,
    q: float = 2.0,
    beta: float = PUBLISHED_BETA,
    lam: float = PUBLISHED_LAMBDA,
    alpha: float = 1.0,
    neighbours: Neighbours = "all",
    centres: Centres = Centres(),  # noqa: B008 (frozen)
    input_kind: InputKind = "logits",
) -> nn.Module:
    """Build a loss by its name; parameters that its equation does not have are left aside.

    Parameters
    ----------
    name : str
        A key of `LOSSES`.
    q, beta, neighbours
        Of "rfcm"; q also of "fcm-label".
    lam
        Of "ms".
    alpha
        Of "semi-rfcm" and "semi-ms".
    centres
        Of "rfcm" and "ms".

    Raises
    ------
    InputError
        If there is no such loss, or a parameter is out of range.
    """
    if name == "rfcm":
        return RFCMLoss(q, beta, neighbours=neighbours, centres=centres, input_kind=input_kind)
    if name == "ms":
        return MumfordShahLoss(lam, centres=centres, input_kind=input_kind)
    if name == "fcm-label":
        return FCMLabelLoss(q, input_kind=input_kind)
    if name == "ce":
        return CrossEntropyLoss(input_kind=input_kind)
    if name == "dice":
        return DiceLoss(input_kind=input_kind)
    if name == "semi-rfcm":
        return SemiRFCMLoss(
            q, beta, alpha, neighbours=neighbours, centres=centres, input_kind=input_kind
        )
    if name == "semi-ms":
        return SemiMumfordShahLoss(lam, alpha, centres=centres, input_kind=input_kind)
    raise InputError(
        f"expected one of {tuple(LOSSES)} as the loss, found {name!r}; spell it as one of these"
    )
