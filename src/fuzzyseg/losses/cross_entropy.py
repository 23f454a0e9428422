"""Eq. (18): cross-entropy, torch's own."""

# ruff: noqa: A002  (`input` is torch's own name for it)
from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional

from fuzzyseg.losses.inputs import InputKind, Reduction, n_counted, reduced, wide
from fuzzyseg.losses.label_loss import LabelLoss

if TYPE_CHECKING:
    from torch import Tensor

SMALLEST_PROBABILITY = 1e-7  # as Keras: a probability of 0 costs 16, and has a finite gradient


def cross_entropy_loss(
    input: Tensor,
    g: Tensor,
    labelled: Tensor | None = None,
    input_kind: InputKind = "logits",
) -> Tensor:
    r"""Return the cross-entropy of each voxel, eq. (18).

    .. math:: L_j = - \sum_k g_{jk} \log f_{jk}

    Parameters
    ----------
    input : Tensor of shape (B, C, *space)
    g : Tensor of shape (B, 1, *space) or (B, C, *space)
        A class per voxel, or a membership per class.
    labelled : bool Tensor of shape (B, 1, *space), optional
        Voxels that have a label; all others give 0.
    input_kind : {"logits", "probabilities"}
        Probabilities below 1e-7 count as that.

    Returns
    -------
    Tensor of shape (B, *space)
    """
    target = g.squeeze(1) if g.shape[1] == 1 else g
    if input_kind == "logits":
        loss = functional.cross_entropy(wide(input), target, ignore_index=-1, reduction="none")
    else:
        log_f = wide(input).clamp_min(SMALLEST_PROBABILITY).log()
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
    """

    def __init__(self, *, input_kind: InputKind = "logits", reduction: Reduction = "mean") -> None:
        super().__init__(input_kind, reduction)

    def _loss(self, input: Tensor, g: Tensor, labelled: Tensor | None) -> Tensor:
        if self.input_kind == "logits" and g.shape[1] == 1 and self.reduction != "none":
            a, target = wide(input), g.squeeze(1)  # torch's own sum is faster than ours
            summed = functional.cross_entropy(a, target, ignore_index=-1, reduction="sum")
            return summed / n_counted(g, labelled) if self.reduction == "mean" else summed
        loss = cross_entropy_loss(input, g, labelled, self.input_kind)
        return reduced(loss, labelled, self.reduction)
