"""The loss of a batch, whatever the kind of loss: with labels, without, or both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fuzzyseg.losses import LOSSES, Centres, CrossEntropyLoss, Semi, get_loss
from fuzzyseg.training.config import loss_parameters

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from fuzzyseg.training.config import Config


def build_loss(config: Config, centres: NDArray[np.float64] | None) -> Semi:
    """Return the first term plus alpha times the others, eq. (13).

    `centres` (C, D) is where classes start, or are fixed.

    The Dice coefficient is one of the whole batch: most slices hold no lesion, and a coefficient
    of their own would reward them for nothing.
    """
    start: Any = None if centres is None else tuple(tuple(map(float, row)) for row in centres)
    fixed = config.centres == "fixed"
    scope: Any = "image" if fixed else config.centres
    where = Centres(scope=scope, start=start, move=not fixed)
    offered = {
        "q": config.q,
        "beta": config.beta,
        "lam": config.lam,
        "neighbours": config.neighbours,
        "centres": where,
        "per_batch": True,
    }
    terms: list[Any] = []
    for name in config.terms:
        takes = LOSSES[name].parameters()
        settings = {k: v for k, v in offered.items() if k in takes}
        terms.append(get_loss(name, **settings | loss_parameters(config, name)))
    return Semi(terms[0], terms[1:], config.alpha)


def batch_loss(loss: Semi, logits: Tensor, image: Tensor, target: Tensor, volume: Tensor) -> Tensor:
    """Return the loss of a batch.

    Parameters
    ----------
    loss : Semi
        Of `build_loss`.
    logits : Tensor of shape (B, C, *space)
    image : Tensor of shape (B, D, *space)
    target : int64 Tensor of shape (B, *space)
        -1 where unknown.
    volume : int64 Tensor of shape (B,)
        Which case a batch element belongs to.
    """
    value: Tensor = loss(logits, image, target, volume=volume)
    return value


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
