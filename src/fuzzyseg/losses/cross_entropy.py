"""Eq. (18): cross-entropy, torch's own."""

# ruff: noqa: A002  (`input` is torch's own name for it)
from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn import functional

from fuzzyseg.errors import InputError
from fuzzyseg.losses.inputs import (
    IGNORE_INDEX,
    InputKind,
    Reduction,
    check_how,
    check_weight,
    n_counted,
    reduced,
    total,
    wide,
)
from fuzzyseg.losses.label_loss import LabelLoss, over_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

SMALLEST_PROBABILITY = 1e-7  # as Keras: a probability of 0 costs 16, and has a finite gradient


class CrossEntropySettings(NamedTuple):
    """The numbers and choices of eq. (18); see `cross_entropy_loss`."""

    weights: tuple[float, ...] = ()
    input_kind: InputKind = "logits"
    reduction: Reduction = "mean"

    def check(self) -> None:
        """Raise InputError if one is out of range."""
        for weight in self.weights:
            check_weight("weights", weight)
        check_how(self.input_kind, self.reduction)


def cross_entropy_loss(
    input: Tensor,
    target: Tensor,
    mask: Tensor | None = None,
    *,
    weights: Sequence[float] = (),
    ignore_index: int = IGNORE_INDEX,
    input_kind: InputKind = "logits",
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Return the cross-entropy, eq. (18), as a mean over the labelled voxels.

    .. math:: L_j = - \sum_k w_k g_{jk} \log f_{jk}

    Parameters
    ----------
    input : Tensor of shape (B, C, *space)
    target : Tensor of shape (B, *space), (B, 1, *space) or (B, C, *space)
        A class per voxel, -1 where there is no label; or a membership per class.
    mask : bool Tensor of shape (B, *space) or (B, 1, *space), optional
        Voxels outside count as unlabelled.
    weights : sequence of C floats >= 0, optional
        w, for classes that are rare; all 1 by default, as in the equation. The mean is then a
        weighted one: over the sum of the voxels' weights.
    ignore_index : int
        A class that means no label, as -1 does.
    input_kind : {"logits", "probabilities"}
        Whether a softmax is still to be taken. Probabilities below 1e-7 count as that.
    reduction : {"mean", "sum", "none"}
        "none" gives a loss per voxel, of shape (B, *space), 0 without a label.

    Raises
    ------
    InputError
        If a shape does not fit, or a parameter is out of range.
    """
    settings = CrossEntropySettings(tuple(weights), input_kind, reduction)
    settings.check()
    return over_labels(_cross_entropy, settings, input, target, mask, ignore_index)


def _cross_entropy(
    input: Tensor, g: Tensor, labelled: Tensor | None, settings: CrossEntropySettings
) -> Tensor:
    reduction = settings.reduction
    if settings.weights:
        return _weighted(input, g, labelled, settings)
    if settings.input_kind == "logits" and g.shape[1] == 1 and reduction != "none":
        a, target = wide(input), g.squeeze(1)  # torch's own sum is faster than ours
        summed = functional.cross_entropy(a, target, ignore_index=-1, reduction="sum")
        return summed / n_counted(g, labelled) if reduction == "mean" else summed
    return reduced(_per_voxel(input, g, labelled, settings), labelled, reduction)


def _weighted(
    input: Tensor, g: Tensor, labelled: Tensor | None, settings: CrossEntropySettings
) -> Tensor:
    if len(settings.weights) != input.shape[1]:
        raise InputError(
            f"expected a weight for each of the input's {input.shape[1]} classes, found "
            f"{len(settings.weights)}; give one each"
        )
    weights = wide(input).new_tensor(settings.weights)
    loss = _per_voxel(input, g, labelled, settings, weights)
    if settings.reduction != "mean":
        return reduced(loss, labelled, settings.reduction)
    if g.shape[1] == 1:
        of_voxel = weights[g.clamp_min(0)]
    else:
        of_voxel = (g * weights.view(1, -1, *(1,) * (g.ndim - 2))).sum(1, keepdim=True)
    if labelled is not None:
        of_voxel = of_voxel.masked_fill(~labelled, 0)
    summed, weight = total(loss, 0), total(of_voxel, 0)
    return (summed / weight.clamp_min(torch.finfo(weight.dtype).tiny)).to(loss.dtype)


def _per_voxel(
    input: Tensor,
    g: Tensor,
    labelled: Tensor | None,
    settings: CrossEntropySettings,
    weights: Tensor | None = None,
) -> Tensor:
    if settings.input_kind == "logits":
        target = g.squeeze(1) if g.shape[1] == 1 else g
        loss = functional.cross_entropy(
            wide(input), target, weights, ignore_index=-1, reduction="none"
        )
    else:
        log_f = wide(input).clamp_min(SMALLEST_PROBABILITY).log()
        if weights is not None:
            log_f = log_f * weights.view(1, -1, *(1,) * (input.ndim - 2))
        loss = -(
            log_f.gather(1, g.clamp_min(0)) if g.shape[1] == 1 else (log_f * g).sum(1, keepdim=True)
        )[:, 0]
    return loss if labelled is None else loss.masked_fill(~labelled[:, 0], 0)


class CrossEntropyLoss(LabelLoss):
    """Cross-entropy, eq. (18), with unlabelled voxels, mask and probabilities.

    Parameters
    ----------
    weights, input_kind, reduction
        As of `cross_entropy_loss`; attributes that may change during training.

    Raises
    ------
    InputError
        If a parameter is out of range.
    """

    weights: tuple[float, ...]
    _compute = staticmethod(_cross_entropy)

    def __init__(
        self,
        *,
        weights: Sequence[float] = (),
        input_kind: InputKind = "logits",
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(CrossEntropySettings(tuple(weights), input_kind, reduction))
