"""The value of eq. (11) and its gradient in one go: what makes it fast.

With S_j = sum_m f_jm^q, the sum over all other classes is S_j - f_jk^q: one filter for each
class, not one for each pair of classes. The filter is its own adjoint, and L is stationary in
v, so the gradient is known in closed form (see `rfcm_loss`) and needs no second filter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from fuzzyseg.fuzzy import power, spatial_cost
from fuzzyseg.losses.centres import distances
from fuzzyseg.losses.inputs import total

if TYPE_CHECKING:
    from fuzzyseg.losses.rfcm import RFCMSettings


def rfcm_per_voxel(uq: Tensor, y: Tensor, v: Tensor, settings: RFCMSettings) -> Tensor:
    """Return sum_k u_jk^q (|y_j - v_k|^2 + beta sum_{l in N_j} sum_{m != k} u_lm^q).

    Parameters
    ----------
    uq : Tensor of shape (B, C, *space)
        Memberships to the power q; 0 outside the mask.
    y : Tensor of shape (B, D, *space)
    v : Tensor of shape (B or 1, C, D)
    settings : RFCMSettings

    Returns
    -------
    Tensor of shape (B, *space)
    """
    cost = distances(y, v)
    if settings.beta:
        cost = cost + settings.beta * spatial_cost(uq, settings.neighbours, 1)
    return (uq * cost).sum(1)


def rfcm_sum(
    f: Tensor,
    uq: Tensor,
    y: Tensor,
    v: Tensor,
    mask: Tensor | None,
    settings: RFCMSettings,
    kind: int,
) -> tuple[Tensor, Tensor]:
    """Return the sum over all voxels in float64, and its gradient divided by q.

    Parameters
    ----------
    f, uq : Tensor of shape (B, C, *space)
        Probabilities, 0 outside the mask, and these to the power q. `uq` is overwritten.
    y : Tensor of shape (B, D, *space)
    v : Tensor of shape (B or 1, C, D)
        Centres: eq. (6) over voxels that are all summed here, or constants.
    mask : bool Tensor of shape (B, 1, *space), optional
    settings : RFCMSettings
    kind : int
        0: the gradient is not wanted, and means nothing; 1: with respect to f; 2: to the logits.
    """
    q = settings.q
    # Of probabilities at q = 1 the kernel would have to keep f's slope where f is 0.
    if f.device.type == "cpu" and f.ndim <= 5 and (q > 1 or kind != 1):
        gradient = uq.clone() if q == 1 else uq.contiguous()  # at q = 1 uq is f; apart is faster
        fused = _fused_operator if torch.compiler.is_compiling() else _fused
        value = fused(f, gradient, y, v, settings.beta, settings.neighbours == "all", kind)
    else:
        value, gradient = _plain(f, uq, y, v, settings, kind)
    if kind == 1 and mask is not None:
        gradient = gradient * mask  # at q = 1 the slope is not 0 where f is
    return value, gradient


def _plain(
    f: Tensor, uq: Tensor, y: Tensor, v: Tensor, settings: RFCMSettings, kind: int
) -> tuple[Tensor, Tensor]:
    """Return value and gradient / q with torch's operations, on any device."""
    q, beta = settings.q, settings.beta
    slope = distances(y, v)
    spatial = beta * spatial_cost(uq, settings.neighbours, 1) if beta else torch.zeros_like(slope)
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
    from fuzzyseg.losses._rfcm_kernels import rfcm

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
