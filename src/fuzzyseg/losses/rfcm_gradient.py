"""The value of eq. (11) and its gradient in one go: what makes it fast.

With S_j = sum_m f_jm^q, the sum over all other classes is S_j - f_jk^q: one filter for each
class, not one for each pair of classes. The filter is its own adjoint, and L is stationary in
v, so the gradient is known in closed form (see `rfcm_loss`) and needs no second filter.
"""

# ruff: noqa: A002  (`input` is torch's own name for it)
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from fuzzyseg.fuzzy import Neighbours, power, spatial_cost
from fuzzyseg.losses.centres import distances
from fuzzyseg.losses.inputs import InputKind, total


def rfcm_per_voxel(uq: Tensor, y: Tensor, v: Tensor, beta: float, neighbours: Neighbours) -> Tensor:
    """Return sum_k u_jk^q (|y_j - v_k|^2 + beta sum_{l in N_j} sum_{m != k} u_lm^q).

    Parameters
    ----------
    uq : Tensor of shape (B, C, *space)
        Memberships to the power q; 0 outside the mask.
    y : Tensor of shape (B, D, *space)
    v : Tensor of shape (B or 1, C, D)

    Returns
    -------
    Tensor of shape (B, *space)
    """
    cost = distances(y, v)
    if beta:
        cost = cost + beta * spatial_cost(uq, neighbours, 1)
    return (uq * cost).sum(1)


def rfcm_sum(
    input: Tensor,
    f: Tensor,
    uq: Tensor,
    y: Tensor,
    v: Tensor,
    mask: Tensor | None,
    q: float,
    beta: float,
    neighbours: Neighbours,
    input_kind: InputKind,
) -> Tensor:
    """Return the sum over all voxels in float64, differentiable in `input` (once).

    Parameters
    ----------
    input : Tensor of shape (B, C, *space)
        The network's output.
    f, uq : Tensor of shape (B, C, *space)
        Its probabilities, 0 outside the mask, and these to the power q. `uq` is overwritten.
    y : Tensor of shape (B, D, *space)
    v : Tensor of shape (B or 1, C, D)
        Centres: eq. (6) over voxels that are all summed here, or constants.
    mask : bool Tensor of shape (B, 1, *space), optional
    """
    settings = (q, beta, neighbours, input_kind)
    apply: Any = _RFCMSum.apply
    value: Tensor = apply(input, f, uq, y, v, mask, *settings)
    return value


class _RFCMSum(torch.autograd.Function):
    """The gradient is computed with the value and kept."""

    @staticmethod
    def forward(
        ctx: Any,
        input: Tensor,
        f: Tensor,
        uq: Tensor,
        y: Tensor,
        v: Tensor,
        mask: Tensor | None,
        q: float,
        beta: float,
        neighbours: Neighbours,
        input_kind: InputKind,
    ) -> Tensor:
        kind = 0 if not ctx.needs_input_grad[0] else 1 if input_kind == "probabilities" else 2
        # Of probabilities at q = 1 the kernel would have to keep f's slope where f is 0.
        if f.device.type == "cpu" and f.ndim <= 5 and (q > 1 or kind != 1):
            gradient = (
                uq.clone() if q == 1 else uq.contiguous()
            )  # at q = 1 uq is f; apart is faster
            fused = _fused_operator if torch.compiler.is_compiling() else _fused
            value = fused(f, gradient, y, v, beta, neighbours == "all", kind)
        else:
            value, gradient = _plain(f, uq, y, v, q, beta, neighbours, kind)
        if kind:
            if kind == 1 and mask is not None:
                gradient = gradient * mask  # at q = 1 the slope is not 0 where f is
            ctx.save_for_backward(gradient)
            ctx.q, ctx.dtype = q, input.dtype
        return value

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (gradient,) = ctx.saved_tensors
        scaled = gradient * (ctx.q * grad_output).to(gradient.dtype)
        return scaled.to(ctx.dtype), *(None,) * 9


def _plain(
    f: Tensor,
    uq: Tensor,
    y: Tensor,
    v: Tensor,
    q: float,
    beta: float,
    neighbours: Neighbours,
    kind: int,
) -> tuple[Tensor, Tensor]:
    """Return value and gradient / q with torch's operations, on any device."""
    slope = distances(y, v)
    spatial = beta * spatial_cost(uq, neighbours, 1) if beta else torch.zeros_like(slope)
    slope = slope + 2 * spatial
    weighted = uq * slope
    value = total(weighted, 0) - total(uq * spatial, 0)  # the slope has it twice
    if kind == 2:
        return value, weighted - f * weighted.sum(1, keepdim=True)
    return value, slope if q == 1 else power(f, q - 1) * slope


def _fused(
    f: Tensor, uq: Tensor, y: Tensor, v: Tensor, beta: float, whole: bool, kind: int
) -> Tensor:
    """Return the value and turn `uq` into the gradient / q, with the numba kernel."""
    from fuzzyseg.losses._kernels import rfcm

    n_z = f.shape[2] if f.ndim == 5 else 1

    def array(a: Tensor) -> Any:
        return a.detach().contiguous().reshape(*a.shape[:2], n_z, -1).numpy()

    centres = v.detach().expand(f.shape[0], -1, -1).contiguous().numpy()
    sizes = (f.shape[-1], float(beta), whole, kind)
    value = rfcm(array(f), array(uq), array(y), centres, *sizes)
    return torch.tensor(value, dtype=torch.float64)


# torch.compile takes the kernel as one operator, and fuses what is around it.
_fused_operator = torch.library.custom_op("fuzzyseg::rfcm", _fused, mutates_args=("uq",))


@_fused_operator.register_fake
def _(f: Tensor, *_: Any) -> Tensor:
    return f.new_empty((), dtype=torch.float64)
