"""The mathematics that clustering and losses share, for numpy arrays and torch tensors alike.

Notation of Chen et al., Med Phys 2021 (doi 10.1002/mp.14903): u memberships, y intensities,
v class centres, q fuzzy exponent, beta spatial weight, N_j the neighbours of voxel j.

Shapes: memberships and costs are ``(*batch, C, *space)``, intensities ``(*batch, D, *space)``
with D channels, centres ``(*batch, C, D)``. `axis` is the position of C and D: the axes
before it are batch axes, all axes after it are space. Everything returned has the type,
dtype and device of what came in; torch tensors keep their gradients.

These functions are the reference: plain, exact and dimension-independent. Where speed asks
for a fused kernel (`fuzzyseg.clustering`), that kernel is tested against them.
"""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

import numpy as np

from fuzzyseg.errors import InputError

Array = Any  # numpy.ndarray or torch.Tensor
Neighbours = Literal["faces", "all"]


_LARGEST_EXPONENT = 100.0  # from 10 on, memberships hardly differ from 1 / classes


def check_exponent(q: float) -> None:
    """Raise InputError unless the fuzzy exponent is a number from 1 to 100."""
    if not 1 <= q <= _LARGEST_EXPONENT:
        large = math.isfinite(q) and q > _LARGEST_EXPONENT
        wanted = f"q of at most {_LARGEST_EXPONENT:g}" if large else "q >= 1"
        raise InputError(
            f"expected a fuzzy exponent {wanted}, found {q:g}; "
            "use 2 for fuzzy c-means or 1 for hard (K-means) memberships"
        )


def check_neighbours(neighbours: str) -> None:
    """Raise InputError unless the neighbourhood is one of `Neighbours`."""
    if neighbours not in get_args(Neighbours):
        raise InputError(
            f"expected neighbours to be one of {get_args(Neighbours)}, found {neighbours!r}; "
            "'faces' is 4 (6 in 3-D) neighbours, 'all' adds edges and corners, 8 (26)"
        )


def _floor(a: Array) -> float:
    """Smallest divisor in an array's type: 1e-30, in float16 the smallest normal number."""
    if isinstance(a, np.ndarray):
        return max(1e-30, float(np.finfo(a.dtype).tiny))
    import torch

    return max(1e-30, torch.finfo(a.dtype).tiny)


def power(u: Array, q: float) -> Array:
    """u^q elementwise; small integers avoid the general power, which is 100 times slower."""
    if q == 1:
        return u
    if q == 2:
        return u * u
    if q == 3:
        return u * u * u
    return u**q


def squared_distances(y: Array, v: Array, axis: int = 0) -> Array:
    """Return |y_j - v_k|^2, shape ``(*batch, C, *space)``.

    Parameters
    ----------
    y : array of shape (*batch, D, *space)
    v : array of shape (*batch, C, D)
    axis : int
        Number of batch axes.
    """
    n_space = y.ndim - axis - 1
    centres = v[(..., *(None,) * n_space)]  # (*batch, C, D, 1, ...)
    differences = y[(slice(None),) * axis + (None,)] - centres
    return (differences * differences).sum(axis + 1)


def memberships(cost: Array, q: float, axis: int = 0) -> Array:
    """Eq. (5): u_k proportional to cost_k^(-1/(q-1)), normalised over the classes.

    `cost` is the squared distance, plus 2 beta times `spatial_cost` for RFCM. Computed as
    (smallest cost / cost)^(1/(q-1)), which neither overflows nor divides zero by zero. As q
    tends to 1 this tends to the hard assignment, which is what q = 1 returns: 1 for the
    smallest cost (shared equally by ties), else 0. Costs below 1e-30 (float16: the smallest
    normal number) count as that.

    Parameters
    ----------
    cost : array of shape (*batch, C, *space), >= 0
    q : float >= 1
    axis : int
        Position of the class axis.

    Returns
    -------
    array of the same shape; sums to 1 over `axis`.

    Raises
    ------
    InputError
        If q < 1.
    """
    check_exponent(q)
    cost = cost.clip(_floor(cost))
    best = cost.min(axis, keepdims=True)
    best = best if isinstance(best, np.ndarray) else best.values
    if q == 1:
        ratio = (cost == best) * (best / best)  # the quotient has the right type
    elif q == 2:
        ratio = best / cost
    else:
        ratio = (best / cost) ** (1.0 / (q - 1.0))
    return ratio / ratio.sum(axis, keepdims=True)


def centres(uq: Array, y: Array, axis: int = 0) -> Array:
    """Eq. (6): v_k = sum_j u_jk^q y_j / sum_j u_jk^q.

    Parameters
    ----------
    uq : array of shape (*batch, C, *space)
        Memberships to the power q.
    y : array of shape (*batch, D, *space)

    Returns
    -------
    array of shape (*batch, C, D). The centre of a class without any membership is 0.
    """
    batch = uq.shape[:axis]
    weights = uq.reshape(*batch, uq.shape[axis], -1)
    values = y.reshape(*batch, y.shape[axis], -1)
    total = weights.sum(-1)[..., None]
    return weights @ values.swapaxes(-1, -2) / total.clip(_floor(total))


def neighbour_sum(w: Array, n_space: int, neighbours: Neighbours = "all") -> Array:
    """Sum of w over the neighbours of each voxel, the voxel itself left out.

    Outside the image there are no neighbours, so they add nothing. The filter is symmetric:
    it is its own adjoint.

    Parameters
    ----------
    w : array of shape (..., *space)
    n_space : int
        Number of trailing axes that are space.
    neighbours : {"faces", "all"}
        "faces": 2 n_space neighbours; "all": also edges and corners, 3^n_space - 1.
    """
    check_neighbours(neighbours)

    def with_both_sides(a: Array, axis: int) -> Array:
        total = a * 1.0  # a copy that torch can differentiate through
        lower = (slice(None),) * axis + (slice(None, -1),)
        upper = (slice(None),) * axis + (slice(1, None),)
        total[lower] += a[upper]
        total[upper] += a[lower]
        return total

    space = range(w.ndim - n_space, w.ndim)
    if neighbours == "faces":
        return sum(with_both_sides(w, axis) - w for axis in space)
    box = w
    for axis in space:
        box = with_both_sides(box, axis)
    return box - w


def typicalities(cost: Array, eta: Array, q: float) -> Array:
    """Possibilistic memberships 1 / (1 + (cost_k / eta_k)^(1/(q-1))); they need not sum to 1.

    Parameters
    ----------
    cost : array of shape (C, *space), >= 0
    eta : array of shape (C,), > 0
        Cost at which the membership in class k is one half.
    q : float > 1
    """
    scale = eta[(slice(None), *(None,) * (cost.ndim - 1))]
    return 1.0 / (1.0 + power(cost / scale, 1.0 / (q - 1.0)))


def beside(a: Array, axis: int, step: int = 1) -> Array:
    """Sum of the two values `step` before and after along an axis; beyond the ends there is 0."""
    total = a * 0.0
    if step < a.shape[axis]:
        ahead: tuple[slice, ...] = (slice(None),) * (axis % a.ndim)
        lower, upper = (*ahead, slice(None, -step)), (*ahead, slice(step, None))
        total[lower] += a[upper]
        total[upper] += a[lower]
    return total


def weighted_neighbour_sum(w: Array, n_space: int, weights: tuple[float, ...]) -> Array:
    """Sum of w over the neighbours of each voxel, weighted by how many axes separate them.

    Parameters
    ----------
    w : array of shape (..., *space)
    n_space : int
        Number of trailing axes that are space.
    weights : tuple of at least n_space floats
        Of neighbours that share a face, an edge, a corner (in 2-D: an edge, a corner).
    """
    apart = [w]  # sums over the neighbours 0, 1, 2, ... axes apart
    for axis in range(w.ndim - n_space, w.ndim):
        pairs = [beside(a, axis) for a in apart]
        apart = [
            (apart[i] if i < len(apart) else 0.0) + (pairs[i - 1] if i else 0.0)
            for i in range(len(apart) + 1)
        ]
    return sum(weight * a for weight, a in zip(weights, apart[1:], strict=False))


def window_sum(w: Array, n_space: int, radius: int) -> Array:
    """Sum of w over the (2 radius + 1)^n_space voxels around each, itself among them."""
    for axis in range(w.ndim - n_space, w.ndim):
        w = w + sum((beside(w, axis, step) for step in range(1, radius + 1)), w * 0.0)
    return w


def spatial_cost(uq: Array, neighbours: Neighbours = "all", axis: int = 0) -> Array:
    """Return sum_{l in N_j} sum_{m != k} u_lm^q, the spatial factor of eqs. (3) and (5).

    With S = sum_m u_m^q the inner sum is S - u_k^q, so no loop over pairs of classes is needed.

    Parameters
    ----------
    uq : array of shape (*batch, C, *space)
        Memberships to the power q.
    """
    others = uq.sum(axis, keepdims=True) - uq
    return neighbour_sum(others, uq.ndim - axis - 1, neighbours)


def objective(
    uq: Array,
    squared: Array,
    beta: float = 0.0,
    neighbours: Neighbours = "all",
    axis: int = 0,
) -> Array:
    """Eqs. (1) and (3): J = sum_j sum_k u_jk^q (d_jk + beta * spatial_cost_jk), per batch element.

    Parameters
    ----------
    uq : array of shape (*batch, C, *space)
        Memberships to the power q.
    squared : array of the same shape
        d_jk = |y_j - v_k|^2.
    beta : float >= 0
        Spatial weight, in units of intensity squared; 0 is fuzzy c-means.
    """
    cost = squared + beta * spatial_cost(uq, neighbours, axis) if beta else squared
    return (uq * cost).sum(tuple(range(axis, uq.ndim)))
