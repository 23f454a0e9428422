"""Eq. (15): supervised fuzzy c-means."""

# ruff: noqa: A002  (`input` is torch's own name for it)
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from fuzzyseg.fuzzy import check_exponent, power
from fuzzyseg.losses.inputs import InputKind, Reduction, as_probabilities, n_counted, reduced
from fuzzyseg.losses.label_loss import LabelLoss


def fcm_label_loss(f: Tensor, g: Tensor, labelled: Tensor | None = None, q: float = 2.0) -> Tensor:
    r"""Return the supervised fuzzy c-means loss of each voxel, eq. (15).

    .. math:: L_j = \frac{1}{C} \sum_k f_{jk}^q |g_{jk} - 1|^2

    The authors' published code also divides by C.

    Parameters
    ----------
    f : Tensor of shape (B, C, *space)
        Probabilities.
    g : Tensor of shape (B, 1, *space) or (B, C, *space)
        A class per voxel, or a membership per class.
    labelled : bool Tensor of shape (B, 1, *space), optional
        Voxels that have a label; all others give 0.
    q : float >= 1
        Fuzzy exponent.

    Returns
    -------
    Tensor of shape (B, *space)
    """
    uq = power(f, q)
    # |g - 1|^2 is 0 for the right class and 1 for all others, if g is one-hot.
    wrong = uq.scatter(1, g.clamp_min(0), 0) if g.shape[1] == 1 else uq * (g - 1) ** 2
    loss: Tensor = wrong.sum(1)
    if labelled is not None:
        loss = loss.masked_fill(~labelled[:, 0], 0)
    return loss / f.shape[1]


class FCMLabelLoss(LabelLoss):
    """Supervised fuzzy c-means loss, eq. (15): see `fcm_label_loss` for the equation.

    Parameters
    ----------
    q : float >= 1
        Fuzzy exponent; an attribute that may change during training.
    input_kind : {"logits", "probabilities"}
        Whether a softmax is still to be taken.
    reduction : {"mean", "sum", "none"}
        Mean or sum over the labelled voxels; "none" gives a loss per voxel, (B, *space).

    Raises
    ------
    InputError
        If a parameter is out of range.
    """

    def __init__(
        self,
        q: float = 2.0,
        *,
        input_kind: InputKind = "logits",
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(input_kind, reduction)
        check_exponent(q)
        self.q = q

    def _loss(self, input: Tensor, g: Tensor, labelled: Tensor | None) -> Tensor:
        check_exponent(self.q)  # it may have changed
        kind = 2 if self.input_kind == "logits" else 1
        fused = input.device.type == "cpu" and not torch.compiler.is_compiling()
        # Of probabilities at q = 1 the kernel would have to keep f's slope where f is 0.
        if not fused or self.reduction == "none" or g.shape[1] > 1 or (self.q == 1 and kind == 1):
            f = as_probabilities(input, self.input_kind)
            return reduced(fcm_label_loss(f, g, labelled, self.q), labelled, self.reduction)
        with torch.no_grad():
            f = as_probabilities(input, self.input_kind)
        apply: Any = _LabelSum.apply
        summed: Tensor = apply(input, f, g, self.q, kind) / input.shape[1]
        if self.reduction == "mean":
            summed = summed / n_counted(g, labelled)
        return summed.to(f.dtype)


class _LabelSum(torch.autograd.Function):
    """Sum over voxels and classes; the gradient, up to a factor of q, is computed with it."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, f: Tensor, g: Tensor, q: float, kind: int) -> Tensor:
        from fuzzyseg.losses._kernels import fcm_label

        uq = f.clone() if q == 1 else power(f, q).contiguous()
        flat = (a.detach().contiguous().flatten(2).numpy() for a in (f, uq, g.to(f.dtype)))
        value = fcm_label(*flat, kind if ctx.needs_input_grad[0] else 0)
        ctx.save_for_backward(uq)
        ctx.q, ctx.dtype = q, input.dtype
        return torch.tensor(value, dtype=torch.float64)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (gradient,) = ctx.saved_tensors
        scaled = gradient * (ctx.q * grad_output).to(gradient.dtype)
        return scaled.to(ctx.dtype), None, None, None, None
