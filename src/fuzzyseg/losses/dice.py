"""Eq. (17): soft Dice loss."""

# ruff: noqa: A002  (`input` is torch's own name for it)
from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from fuzzyseg.losses.inputs import (
    IGNORE_INDEX,
    InputKind,
    Reduction,
    as_probabilities,
    check_how,
    check_weight,
    total,
)
from fuzzyseg.losses.label_loss import LabelLoss, over_labels


class DiceSettings(NamedTuple):
    """The numbers and choices of eq. (17); see `dice_loss`."""

    squared: bool = False
    smooth: float = 1e-5
    per_batch: bool = False
    include_background: bool = True
    input_kind: InputKind = "logits"
    reduction: Reduction = "mean"

    def check(self) -> None:
        """Raise InputError if one is out of range."""
        check_weight("smooth", self.smooth)
        check_how(self.input_kind, self.reduction)


def dice_loss(
    input: Tensor,
    target: Tensor,
    mask: Tensor | None = None,
    *,
    squared: bool = False,
    smooth: float = 1e-5,
    per_batch: bool = False,
    include_background: bool = True,
    ignore_index: int = IGNORE_INDEX,
    input_kind: InputKind = "logits",
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Return the soft Dice loss, eq. (17), as a mean over classes and batch elements.

    .. math:: L_k = 1 - \frac{2 \sum_j f_{jk} g_{jk} + s}{\sum_j f_{jk} + \sum_j g_{jk} + s}

    Parameters
    ----------
    input : Tensor of shape (B, C, *space)
    target : Tensor of shape (B, *space), (B, 1, *space) or (B, C, *space)
        A class per voxel, -1 where there is no label; or a membership per class.
    mask : bool Tensor of shape (B, *space) or (B, 1, *space), optional
        Voxels outside count as unlabelled: they have no weight.
    squared : bool
        Square f and g in the denominator, as in V-Net.
    smooth : float >= 0
        s. A class that is neither there nor predicted has a loss of 0.
    per_batch : bool
        Sum over the whole batch before dividing; otherwise each batch element has its own Dice.
    include_background : bool
        False leaves class 0 out.
    ignore_index : int
        A class that means no label, as -1 does.
    input_kind : {"logits", "probabilities"}
        Whether a softmax is still to be taken.
    reduction : {"mean", "sum", "none"}
        Over classes, and over batch elements with a labelled voxel. "none" gives (B, C), (1, C)
        if `per_batch`, 0 for elements without a label; C counts the classes that are included.

    Raises
    ------
    InputError
        If a shape does not fit, or a parameter is out of range.
    """
    settings = DiceSettings(squared, smooth, per_batch, include_background, input_kind, reduction)
    settings.check()
    return over_labels(_dice, settings, input, target, mask, ignore_index)


def _dice(input: Tensor, g: Tensor, labelled: Tensor | None, settings: DiceSettings) -> Tensor:
    loss = _per_class(as_probabilities(input, settings.input_kind), g, labelled, settings)
    if not settings.include_background:
        loss = loss[:, 1:]
    if settings.reduction == "none":
        return loss
    # Elements without a label have a loss of 0 already: s / s.
    summed = loss.sum()
    if settings.reduction == "mean":
        counts = torch.ones_like(loss[:, :1], dtype=torch.bool)
        if labelled is not None:
            counts = labelled.flatten(1).any(1, keepdim=True)
            if settings.per_batch:
                counts = counts.any(0, keepdim=True)
        summed = summed / (counts.sum().clamp_min(1) * loss.shape[1])
    return summed


def _per_class(f: Tensor, g: Tensor, labelled: Tensor | None, settings: DiceSettings) -> Tensor:
    """Return the equation of each batch element and class, (B, C), or (1, C) if `per_batch`."""
    if g.shape[1] == 1:
        classes = torch.arange(f.shape[1], device=f.device).view(-1, *(1,) * (f.ndim - 2))
        g = (g == classes).to(f.dtype)
    if labelled is not None:
        f, g = f.masked_fill(~labelled, 0), g.masked_fill(~labelled, 0)
    both = total(f * g, 2)
    of_f, of_g = (f * f, g * g) if settings.squared else (f, g)
    either = total(of_f, 2) + total(of_g, 2)
    if settings.per_batch:
        both, either = both.sum(0, keepdim=True), either.sum(0, keepdim=True)
    s = max(settings.smooth, 1e-30)  # never 0 / 0
    return (1 - (2 * both + s) / (either + s)).to(f.dtype)


class DiceLoss(LabelLoss):
    """Soft Dice loss, eq. (17).

    Parameters
    ----------
    squared, smooth, per_batch, include_background, input_kind, reduction
        As of `dice_loss`; attributes that may change during training.

    Raises
    ------
    InputError
        If a parameter is out of range.
    """

    squared: bool
    smooth: float
    per_batch: bool
    include_background: bool
    _compute = staticmethod(_dice)

    def __init__(
        self,
        *,
        squared: bool = False,
        smooth: float = 1e-5,
        per_batch: bool = False,
        include_background: bool = True,
        input_kind: InputKind = "logits",
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(
            DiceSettings(squared, smooth, per_batch, include_background, input_kind, reduction)
        )
