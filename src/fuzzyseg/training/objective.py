"""The loss of a batch, whatever the kind of loss: with labels, without, or both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import nn

from fuzzyseg.losses import Centres, CrossEntropyLoss, DiceLoss, get_loss
from fuzzyseg.training.config import UNSUPERVISED

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from fuzzyseg.training.config import Config


def build_loss(config: Config, centres: NDArray[np.float64] | None) -> nn.ModuleList:
    """Return the terms of the loss; `centres` (C, D) is where classes start, or are fixed.

    The Dice coefficient is one of the whole batch: most slices hold no lesion, and a coefficient
    of their own would reward them for nothing.
    """
    start: Any = None if centres is None else tuple(tuple(map(float, row)) for row in centres)
    fixed = config.centres == "fixed"
    scope: Any = "image" if fixed else config.centres
    where = Centres(scope=scope, start=start, move=not fixed)
    return nn.ModuleList(
        DiceLoss(per_batch=True)
        if name == "dice"
        else get_loss(
            name,
            q=config.q,
            beta=config.beta,
            lam=config.lam,
            neighbours=config.neighbours,
            centres=where if name in UNSUPERVISED else Centres(),
        )
        for name in config.terms
    )


def batch_loss(
    terms: nn.ModuleList,
    config: Config,
    logits: Tensor,
    image: Tensor,
    target: Tensor,
    volume: Tensor,
) -> Tensor:
    """Loss of a batch: the first term plus alpha times the others, eq. (13).

    Parameters
    ----------
    terms : nn.ModuleList
        Of `build_loss`.
    config : Config
    logits : Tensor of shape (B, C, *space)
    image : Tensor of shape (B, D, *space)
    target : int64 Tensor of shape (B, *space)
        -1 where unknown.
    volume : int64 Tensor of shape (B,)
        Which case a batch element belongs to.
    """
    found = [
        loss(logits, image, volume=volume) if name in UNSUPERVISED else loss(logits, target)
        for name, loss in zip(config.terms, terms, strict=True)
    ]
    total: Tensor = found[0] + config.alpha * sum(found[1:], start=logits.new_zeros(()))
    return total


def anneal(loss: nn.Module, config: Config, step: int) -> None:
    """Set what changes during training: q in `config.anneal` steps, class weights in all."""
    modules: Iterable[Any] = loss.modules()
    for module in modules:
        if config.anneal and hasattr(module, "q"):
            module.q = 1 + (config.q - 1) * min(1.0, step / config.anneal)
        if isinstance(module, CrossEntropyLoss):
            module.weights = class_weights(config, step)


def class_weights(config: Config, step: int) -> tuple[float, ...]:
    """Weights of the classes for a step: w_start^(1 - t) w_end^t, t from 0 to 1."""
    start = config.class_weights
    end = config.class_weights_end or start
    t = min(1.0, step / max(1, config.steps - 1))
    return tuple(a ** (1 - t) * b**t for a, b in zip(start, end, strict=True))
