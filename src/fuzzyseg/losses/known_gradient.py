"""A loss whose gradient was computed along with it: no second pass, and still differentiable.

What torch's own operations make can be differentiated as often as one likes, and mapped and
transformed by `torch.func`. A kernel's result cannot, so beside it stands the plain form of the
same loss, which is computed only if somebody asks for more than the first derivative.
"""

# ruff: noqa: A002  (`input` is torch's own name for it)
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

if TYPE_CHECKING:
    from collections.abc import Callable


def with_gradient(
    input: Tensor,
    value: Tensor,
    gradient: Tensor,
    plain: Callable[[Tensor], Tensor],
    factor: float = 1.0,
) -> Tensor:
    """Attach a value to the graph of the input that it was computed from.

    Parameters
    ----------
    input : Tensor
    value : Tensor of shape ()
    gradient : Tensor of the input's shape
        Of the value with respect to the input, divided by `factor`.
    plain : callable
        The value from the input, by torch's operations alone: what is differentiated where
        `create_graph` asks for a graph of the gradient.
    factor : float
    """
    # torch.compile cannot differentiate twice, and would trace the plain form for nothing.
    again = None if torch.compiler.is_compiling() else plain
    apply: Any = _Known.apply
    known: Tensor = apply(input, value, gradient, factor, again)
    return known


def beyond_kernels(*tensors: Tensor) -> bool:
    """Whether a tensor is one that only torch's own operations can follow.

    Such are those that `torch.func` (grad, vmap, jvp) wraps, which have no data of their own,
    and those with a tangent, of forward-mode differentiation.
    """
    if torch.compiler.is_compiling():
        return False
    return any(not _has_data(a) or _has_tangent(a) for a in tensors)


def _has_tangent(a: Tensor) -> bool:
    unpack: Any = forward_ad.unpack_dual
    return unpack(a).tangent is not None


def _has_data(a: Tensor) -> bool:
    try:
        a.data_ptr()
    except RuntimeError:  # what torch raises for a tensor without storage
        return False
    return True


class _Known(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        input: Tensor,
        value: Tensor,
        gradient: Tensor,
        factor: float,
        plain: Callable[[Tensor], Tensor] | None,
    ) -> Tensor:
        ctx.save_for_backward(input, gradient)
        ctx.factor, ctx.plain = factor, plain
        return value

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        input, gradient = ctx.saved_tensors  # noqa: A001
        if ctx.plain is not None and torch.is_grad_enabled():  # a graph of the gradient is wanted
            with torch.autocast(input.device.type, enabled=False):
                value = ctx.plain(input)
            (found,) = torch.autograd.grad(value, input, grad_output, create_graph=True)
        else:
            scaled = gradient * (ctx.factor * grad_output).to(gradient.dtype)
            found = scaled.to(input.dtype)
        return found, None, None, None, None
