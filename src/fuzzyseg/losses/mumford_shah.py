"""Eqs. (7) and (9): Mumford-Shah loss of an image, with total variation."""

# ruff: noqa: A002  (`input` is torch's own name for it)
from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from fuzzyseg.losses.centres import Centres, distances
from fuzzyseg.losses.image_loss import Finder, ImageLoss, of_each_image, over_image
from fuzzyseg.losses.inputs import (
    InputKind,
    Reduction,
    as_probabilities,
    check_choice,
    check_how,
    check_weight,
    n_counted,
    reduced,
    total,
)
from fuzzyseg.losses.known_gradient import beyond_kernels, with_gradient

Gradient = Literal["anisotropic", "isotropic"]
PUBLISHED_LAMBDA = 1e-3  # of Kim and Ye's torch code


class MumfordShahSettings(NamedTuple):
    """The numbers and choices of eqs. (7) and (9); see `mumford_shah_loss`."""

    lam: float = PUBLISHED_LAMBDA
    gradient: Gradient = "anisotropic"
    input_kind: InputKind = "logits"
    reduction: Reduction = "mean"

    def check(self) -> None:
        """Raise InputError if one is out of range."""
        check_weight("lam", self.lam)
        check_choice("gradient", self.gradient, Gradient)
        check_how(self.input_kind, self.reduction)


def total_variation(
    z: Tensor, mask: Tensor | None = None, gradient: Gradient = "anisotropic"
) -> Tensor:
    """Return sum_k |grad z_jk| of each voxel, from forward differences, eq. (9).

    Parameters
    ----------
    z : Tensor of shape (B, C, *space)
    mask : bool Tensor of shape (B, 1, *space), optional
        Differences count only between two voxels inside.
    gradient : {"anisotropic", "isotropic"}
        Sum of the differences' absolute values, as Kim and Ye's code has it, or the root of
        the sum of their squares.

    Returns
    -------
    Tensor of shape (B, *space). At the end of an axis the difference is 0.
    """
    steps = []
    for axis in range(2, z.ndim):
        step = torch.diff(z, dim=axis)
        if mask is not None:
            n = mask.shape[axis]
            step = step * (mask.narrow(axis, 0, n - 1) & mask.narrow(axis, 1, n - 1))
        if gradient == "anisotropic":
            step = step.abs().sum(1, keepdim=True)
        end = [size if i != axis else 1 for i, size in enumerate(step.shape)]
        steps.append(torch.cat((step, step.new_zeros(end)), axis))
    if gradient == "anisotropic":
        return torch.stack(steps).sum(0).squeeze(1)
    every = torch.stack(steps)
    flat = (every == 0).all(0)  # there the length has no second derivative; its first is 0
    lengths: Tensor = torch.linalg.vector_norm(every.masked_fill(flat, 1), dim=0)
    return lengths.masked_fill(flat, 0).sum(1)


def mumford_shah_loss(
    input: Tensor,
    image: Tensor,
    mask: Tensor | None = None,
    *,
    lam: float = PUBLISHED_LAMBDA,
    gradient: Gradient = "anisotropic",
    centres: Tensor | None = None,
    input_kind: InputKind = "logits",
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Return the Mumford-Shah loss, eqs. (7) and (9), as a mean over voxels.

    .. math:: L = \frac{1}{BV} \sum_j \sum_k
        \bigl( z_{jk} |y_j - c_k|^2 + \lambda |\nabla z_{jk}| \bigr)

    with c_k as v_k in eq. (6) with q = 1, differentiated through. The sum over voxels is a
    mean, so lambda does not depend on the image's size.

    Parameters
    ----------
    input : Tensor of shape (B, C, *space)
    image : Tensor of shape (B, D, *space), or (B, *space) if D is 1
    mask : bool Tensor of shape (B, *space) or (B, 1, *space), optional
        Voxels outside have no weight, not even as neighbours.
    lam : float >= 0
        Weight of the contours, in units of intensity squared.
    gradient : {"anisotropic", "isotropic"}
        See `total_variation`.
    centres : Tensor of shape (C, D) or (B, C, D), optional
        Fixed class centres; without them each batch element has its own from eq. (6).
    input_kind : {"logits", "probabilities"}
        Whether a softmax is still to be taken.
    reduction : {"mean", "sum", "none"}
        "none" gives a loss per voxel, of shape (B, *space), 0 outside the mask.

    Raises
    ------
    InputError
        If a shape does not fit, or a parameter is out of range.

    References
    ----------
    Kim and Ye, IEEE Trans Image Process 2020;29:1856, doi 10.1109/TIP.2019.2941265.
    """
    settings = MumfordShahSettings(lam, gradient, input_kind, reduction)
    settings.check()
    return over_image(_mumford_shah, settings, input, image, mask, of_each_image(centres))


def _mumford_shah(
    input: Tensor, y: Tensor, mask: Tensor | None, finder: Finder, settings: MumfordShahSettings
) -> Tensor:
    if settings.reduction == "none" or beyond_kernels(input, y, *finder.given):
        return reduced(_per_voxel(input, y, mask, finder, settings), mask, settings.reduction)
    # As in eq. (11), a sum over all voxels is stationary in c: then c needs no gradient. It does
    # for a second one, so the first is taken here, and the plain form stands by.
    wanted = input.requires_grad and torch.is_grad_enabled() and not torch.compiler.is_compiling()
    a = input.detach().requires_grad_() if wanted else input
    z = _memberships(a, mask, settings)
    c = finder.find(z.detach(), y)
    summed = total(_at(z, y, mask, c, settings), 0)
    if wanted:
        (gradient,) = torch.autograd.grad(summed, a)
        again = finder.again(c)

        def plain(a: Tensor) -> Tensor:
            return total(_per_voxel(a, y, mask, again, settings), 0)

        summed = with_gradient(input, summed.detach(), gradient, plain)
    if settings.reduction == "mean":
        summed = summed / n_counted(y[:, :1], mask)
    return summed.to(z.dtype)


def _memberships(input: Tensor, mask: Tensor | None, settings: MumfordShahSettings) -> Tensor:
    z = as_probabilities(input, settings.input_kind)
    return z if mask is None else z.masked_fill(~mask, 0)


def _at(
    z: Tensor, y: Tensor, mask: Tensor | None, c: Tensor, settings: MumfordShahSettings
) -> Tensor:
    """Return the equations at centres c, for each voxel."""
    loss = (z * distances(y, c)).sum(1)
    if settings.lam:
        loss = loss + settings.lam * total_variation(z, mask, settings.gradient)
    return loss


def _per_voxel(
    input: Tensor, y: Tensor, mask: Tensor | None, finder: Finder, settings: MumfordShahSettings
) -> Tensor:
    """Return the equations as they stand, for as many derivatives as one likes."""
    z = _memberships(input, mask, settings)
    return _at(z, y, mask, finder.find(z, y), settings)


class MumfordShahLoss(ImageLoss):
    """Mumford-Shah loss, eqs. (7) and (9).

    Parameters
    ----------
    lam, gradient, input_kind, reduction
        As of `mumford_shah_loss`; attributes that may change during training.
    centres : Centres
        Where class centres come from; by default from each image, the paper's way.

    Raises
    ------
    InputError
        If a parameter is out of range.
    """

    lam: float
    gradient: Gradient
    _compute = staticmethod(_mumford_shah)

    def __init__(
        self,
        lam: float = PUBLISHED_LAMBDA,
        *,
        gradient: Gradient = "anisotropic",
        centres: Centres = Centres(),  # noqa: B008 (frozen)
        input_kind: InputKind = "logits",
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(MumfordShahSettings(lam, gradient, input_kind, reduction), centres)
