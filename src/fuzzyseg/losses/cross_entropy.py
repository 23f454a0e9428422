"""Eq. (18): cross-entropy, torch's own."""

# ruff: noqa: A002  (`input` is torch's own name for it)
from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from fuzzyseg.errors import InputError
from fuzzyseg.losses.inputs import (
    InputKind,
    Reduction,
    check_weight,
    n_counted,
    reduced,
    total,
    wide,
)
from fuzzyseg.losses.label_loss import LabelLoss

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

SMALLEST_PROBABILITY = 1e-7  # as Keras: a probability of 0 costs 16, and has a finite gradient


def cross_entropy_loss(
    input: Tensor,
    g: Tensor,
    labelled: Tensor | None = None,
    input_kind: InputKind = "logits",
    weights: Tensor | None = None,
) -> Tensor:
    r"""Return the cross-entropy of each voxel, eq. (18), with a weight w_k a class.

    .. math:: L_j = - \sum_k w_k g_{jk} \log f_{jk}

    Parameters
    ----------
    input : Tensor of shape (B, C, *space)
    g : Tensor of shape (B, 1, *space) or (B, C, *space)
        A class per voxel, or a membership per class.
    labelled : bool Tensor of shape (B, 1, *space), optional
        Voxels that have a label; all others give 0.
    input_kind : {"logits", "probabilities"}
        Probabilities below 1e-7 count as that.
    weights : Tensor of shape (C,), optional
        w; all 1 by default, as in the equation.

    Returns
    -------
    Tensor of shape (B, *space)
    """
    target = g.squeeze(1) if g.shape[1] == 1 else g
    if input_kind == "logits":
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
    input_kind : {"logits", "probabilities"}
        Whether a softmax is still to be taken.
    reduction : {"mean", "sum", "none"}
        Mean or sum over the labelled voxels; "none" gives a loss per voxel, (B, *space).
    weights : sequence of C floats >= 0, optional
        Weight of each class, for classes that are rare; an attribute that may change during
        training. The mean is then a weighted one: over the sum of the voxels' weights.

    Raises
    ------
    InputError
        If a weight is out of range.
    """

    def __init__(
        self,
        *,
        input_kind: InputKind = "logits",
        reduction: Reduction = "mean",
        weights: Sequence[float] = (),
    ) -> None:
        super().__init__(input_kind, reduction)
        for weight in weights:
            check_weight("weights", weight)
        self.weights = tuple(weights)

    def _loss(self, input: Tensor, g: Tensor, labelled: Tensor | None) -> Tensor:
        if self.weights:
            return self._weighted(input, g, labelled)
        if self.input_kind == "logits" and g.shape[1] == 1 and self.reduction != "none":
            a, target = wide(input), g.squeeze(1)  # torch's own sum is faster than ours
            summed = functional.cross_entropy(a, target, ignore_index=-1, reduction="sum")
            return summed / n_counted(g, labelled) if self.reduction == "mean" else summed
        loss = cross_entropy_loss(input, g, labelled, self.input_kind)
        return reduced(loss, labelled, self.reduction)

    def _weighted(self, input: Tensor, g: Tensor, labelled: Tensor | None) -> Tensor:
        if len(self.weights) != input.shape[1]:
            raise InputError(
                f"expected a weight for each of the input's {input.shape[1]} classes, found "
                f"{len(self.weights)}; give one each"
            )
        weights = wide(input).new_tensor(self.weights)
        loss = cross_entropy_loss(input, g, labelled, self.input_kind, weights)
        if self.reduction != "mean":
            return reduced(loss, labelled, self.reduction)
        if g.shape[1] == 1:
            of_voxel = weights[g.clamp_min(0)]
        else:
            of_voxel = (g * weights.view(1, -1, *(1,) * (g.ndim - 2))).sum(1, keepdim=True)
        if labelled is not None:
            of_voxel = of_voxel.masked_fill(~labelled, 0)
        summed, weight = total(loss, 0), total(of_voxel, 0)
        return (summed / weight.clamp_min(torch.finfo(weight.dtype).tiny)).to(loss.dtype)
