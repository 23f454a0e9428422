"""Eq. (15): supervised fuzzy c-means."""

# ruff: noqa: A002  (`input` is torch's own name for it)
from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from fuzzyseg.fuzzy import check_exponent, power
from fuzzyseg.losses.inputs import (
    IGNORE_INDEX,
    InputKind,
    Reduction,
    as_probabilities,
    check_how,
    n_counted,
    reduced,
    total,
)
from fuzzyseg.losses.known_gradient import beyond_kernels, with_gradient
from fuzzyseg.losses.label_loss import LabelLoss, over_labels


class FCMLabelSettings(NamedTuple):
    """The numbers and choices of eq. (15); see `fcm_label_loss`."""

    q: float = 2.0
    input_kind: InputKind = "logits"
    reduction: Reduction = "mean"

    def check(self) -> None:
        """Raise InputError if one is out of range."""
        check_exponent(self.q)
        check_how(self.input_kind, self.reduction)


def fcm_label_loss(
    input: Tensor,
    target: Tensor,
    mask: Tensor | None = None,
    *,
    q: float = 2.0,
    ignore_index: int = IGNORE_INDEX,
    input_kind: InputKind = "logits",
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Return the supervised fuzzy c-means loss, eq. (15), as a mean over the labelled voxels.

    .. math:: L_j = \frac{1}{C} \sum_k f_{jk}^q |g_{jk} - 1|^2

    The authors' published code also divides by C.

    Parameters
    ----------
    input : Tensor of shape (B, C, *space)
    target : Tensor of shape (B, *space), (B, 1, *space) or (B, C, *space)
        A class per voxel, -1 where there is no label; or a membership per class.
    mask : bool Tensor of shape (B, *space) or (B, 1, *space), optional
        Voxels outside count as unlabelled.
    q : float >= 1
        Fuzzy exponent.
    ignore_index : int
        A class that means no label, as -1 does.
    input_kind : {"logits", "probabilities"}
        Whether a softmax is still to be taken.
    reduction : {"mean", "sum", "none"}
        "none" gives a loss per voxel, of shape (B, *space), 0 without a label.

    Raises
    ------
    InputError
        If a shape does not fit, or a parameter is out of range.
    """
    settings = FCMLabelSettings(q, input_kind, reduction)
    settings.check()
    return over_labels(_fcm_label, settings, input, target, mask, ignore_index)


def _fcm_label(
    input: Tensor, g: Tensor, labelled: Tensor | None, settings: FCMLabelSettings
) -> Tensor:
    q, reduction = settings.q, settings.reduction
    kind = 2 if settings.input_kind == "logits" else 1
    by_kernel = (
        input.device.type == "cpu"
        and g.shape[1] == 1
        and reduction != "none"
        # Of probabilities at q = 1 the kernel would have to keep f's slope where f is 0.
        and (q > 1 or kind != 1)
        and not torch.compiler.is_compiling()
        and not beyond_kernels(input, g)
    )
    if not by_kernel:
        return reduced(_per_voxel(input, g, labelled, settings), labelled, reduction)
    with torch.no_grad():
        f = as_probabilities(input.detach(), settings.input_kind)
        summed, gradient = _sum(f, g, q, kind if input.requires_grad else 0)
    if torch.is_grad_enabled() and input.requires_grad:

        def plain(a: Tensor) -> Tensor:
            return input.shape[1] * total(_per_voxel(a, g, labelled, settings), 0)

        summed = with_gradient(input, summed, gradient, plain, q)
    summed = summed / input.shape[1]
    if reduction == "mean":
        summed = summed / n_counted(g, labelled)
    return summed.to(f.dtype)


def _per_voxel(
    input: Tensor, g: Tensor, labelled: Tensor | None, settings: FCMLabelSettings
) -> Tensor:
    """Return the equation as it stands, for as many derivatives as one likes."""
    uq = power(as_probabilities(input, settings.input_kind), settings.q)
    # |g - 1|^2 is 0 for the right class and 1 for all others, if g is one-hot.
    wrong = uq.scatter(1, g.clamp_min(0), 0) if g.shape[1] == 1 else uq * (g - 1) ** 2
    loss: Tensor = wrong.sum(1)
    if labelled is not None:
        loss = loss.masked_fill(~labelled[:, 0], 0)
    return loss / input.shape[1]


def _sum(f: Tensor, g: Tensor, q: float, kind: int) -> tuple[Tensor, Tensor]:
    """Return the sum over voxels and classes, in float64, and its gradient divided by q."""
    from fuzzyseg.losses._rfcm_kernels import fcm_label

    uq = f.clone() if q == 1 else power(f, q).contiguous()
    flat = (a.contiguous().flatten(2).numpy() for a in (f, uq, g.to(f.dtype)))
    return torch.tensor(fcm_label(*flat, kind), dtype=torch.float64), uq


class FCMLabelLoss(LabelLoss):
    """Supervised fuzzy c-means loss, eq. (15).

    Parameters
    ----------
    q, input_kind, reduction
        As of `fcm_label_loss`; attributes that may change during training.

    Raises
    ------
    InputError
        If a parameter is out of range.
    """

    q: float
    _compute = staticmethod(_fcm_label)

    def __init__(
        self,
        q: float = 2.0,
        *,
        input_kind: InputKind = "logits",
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(FCMLabelSettings(q, input_kind, reduction))
