"""Eq. (17): soft Dice loss."""

# ruff: noqa: A002  (`input` is torch's own name for it)
from __future__ import annotations

import torch
from torch import Tensor

from fuzzyseg.losses.inputs import InputKind, Reduction, as_probabilities, check_weight, total
from fuzzyseg.losses.label_loss import LabelLoss


def dice_loss(
    f: Tensor,
    g: Tensor,
    labelled: Tensor | None = None,
    *,
    squared: bool = False,
    smooth: float = 1e-5,
    per_batch: bool = False,
) -> Tensor:
    r"""Return the soft Dice loss of each batch element and class, eq. (17).

    .. math:: L_k = 1 - \frac{2 \sum_j f_{jk} g_{jk} + s}{\sum_j f_{jk} + \sum_j g_{jk} + s}

    Parameters
    ----------
    f : Tensor of shape (B, C, *space)
        Probabilities.
    g : Tensor of shape (B, 1, *space) or (B, C, *space)
        A class per voxel, or a membership per class.
    labelled : bool Tensor of shape (B, 1, *space), optional
        Voxels that have a label; all others have no weight.
    squared : bool
        Square f and g in the denominator, as in V-Net.
    smooth : float >= 0
        s. A class that is neither there nor predicted has a loss of 0.
    per_batch : bool
        Sum over the whole batch before dividing.

    Returns
    -------
    Tensor of shape (B, C), or (1, C) if `per_batch`
    """
    if g.shape[1] == 1:
        classes = torch.arange(f.shape[1], device=f.device).view(-1, *(1,) * (f.ndim - 2))
        g = (g == classes).to(f.dtype)
    if labelled is not None:
        f, g = f.masked_fill(~labelled, 0), g.masked_fill(~labelled, 0)
    both = total(f * g, 2)
    either = total(f * f, 2) + total(g * g, 2) if squared else total(f, 2) + total(g, 2)
    if per_batch:
        both, either = both.sum(0, keepdim=True), either.sum(0, keepdim=True)
    s = max(smooth, 1e-30)  # never 0 / 0
    return (1 - (2 * both + s) / (either + s)).to(f.dtype)


class DiceLoss(LabelLoss):
    """Soft Dice loss, eq. (17): see `dice_loss` for the equation.

    Parameters
    ----------
    squared : bool
        Square f and g in the denominator, as in V-Net.
    smooth : float >= 0
        Added to numerator and denominator.
    per_batch : bool
        Sum over the whole batch before dividing; otherwise each batch element has its own Dice.
    include_background : bool
        False leaves class 0 out.
    input_kind : {"logits", "probabilities"}
        Whether a softmax is still to be taken.
    reduction : {"mean", "sum", "none"}
        Over classes, and over batch elements with a labelled voxel. "none" gives (B, C),
        (1, C) if `per_batch`, 0 for elements without a label.

    Raises
    ------
    InputError
        If a parameter is out of range.
    """

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
        super().__init__(input_kind, reduction)
        check_weight("smooth", smooth)
        self.squared = squared
        self.smooth = smooth
        self.per_batch = per_batch
        self.include_background = include_background

    def _loss(self, input: Tensor, g: Tensor, labelled: Tensor | None) -> Tensor:
        loss = dice_loss(
            as_probabilities(input, self.input_kind),
            g,
            labelled,
            squared=self.squared,
            smooth=self.smooth,
            per_batch=self.per_batch,
        )
        if not self.include_background:
            loss = loss[:, 1:]
        # Elements without a label have a loss of 0 already: s / s.
        counts = torch.ones_like(loss[:, :1], dtype=torch.bool)
        if labelled is not None:
            counts = labelled.flatten(1).any(1, keepdim=True)
            if self.per_batch:
                counts = counts.any(0, keepdim=True)
        if self.reduction == "none":
            return loss
        summed = loss.sum()
        if self.reduction == "mean":
            summed = summed / (counts.sum().clamp_min(1) * loss.shape[1])
        return summed
