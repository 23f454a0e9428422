"""Eqs. (7) and (9): Mumford-Shah loss of an image, with total variation."""

# ruff: noqa: A002  (`input` is torch's own name for it)
from __future__ import annotations

from functools import partial
from typing import Literal

import torch
from torch import Tensor

from fuzzyseg.losses.centres import Centres, distances, find_centres
from fuzzyseg.losses.image_loss import FindCentres, ImageLoss, checked
from fuzzyseg.losses.inputs import (
    InputKind,
    Reduction,
    as_probabilities,
    check_choice,
    check_weight,
    reduced,
)

Gradient = Literal["anisotropic", "isotropic"]
PUBLISHED_LAMBDA = 1e-3  # of Kim and Ye's torch code


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
    lengths: Tensor = torch.linalg.vector_norm(torch.stack(steps), dim=0)  # gradient 0 at 0
    return lengths.sum(1)


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
    check_weight("lam", lam)
    check_choice("gradient", gradient, Gradient)
    with torch.autocast(input.device.type, enabled=False):
        y, m = checked(input, image, mask)
        find = partial(find_centres, settings=Centres(), given=centres)
        return _mumford_shah(input, y, m, find, lam, gradient, input_kind, reduction)


class MumfordShahLoss(ImageLoss):
    """Mumford-Shah loss, eqs. (7) and (9): see `mumford_shah_loss` for the equation.

    Parameters
    ----------
    lam : float >= 0
        Weight of the contours, in units of intensity squared.
    gradient : {"anisotropic", "isotropic"}
        See `total_variation`.
    centres : Centres
        Where class centres come from; by default from each image, the paper's way.
    input_kind : {"logits", "probabilities"}
        Whether a softmax is still to be taken.
    reduction : {"mean", "sum", "none"}
        "none" gives a loss per voxel, of shape (B, *space).

    Raises
    ------
    InputError
        If a parameter is out of range.
    """

    def __init__(
        self,
        lam: float = PUBLISHED_LAMBDA,
        *,
        gradient: Gradient = "anisotropic",
        centres: Centres = Centres(),  # noqa: B008 (frozen)
        input_kind: InputKind = "logits",
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(centres, input_kind, reduction)
        check_weight("lam", lam)
        check_choice("gradient", gradient, Gradient)
        self.lam = lam
        self.gradient: Gradient = gradient

    def _loss(
        self,
        input: Tensor,
        y: Tensor,
        mask: Tensor | None,
        find_centres: FindCentres,
    ) -> Tensor:
        check_weight("lam", self.lam)  # it may have changed
        return _mumford_shah(
            input,
            y,
            mask,
            find_centres,
            self.lam,
            self.gradient,
            self.input_kind,
            self.reduction,
        )


def _mumford_shah(
    input: Tensor,
    y: Tensor,
    mask: Tensor | None,
    find: FindCentres,
    lam: float,
    gradient: Gradient,
    input_kind: InputKind,
    reduction: Reduction,
) -> Tensor:
    z = as_probabilities(input, input_kind)
    inside = z if mask is None else z.masked_fill(~mask, 0)
    # As in eq. (11), a sum over all voxels is stationary in c: then c needs no gradient.
    c = find(inside if reduction == "none" else inside.detach(), y)
    loss = (inside * distances(y, c)).sum(1)
    if lam:
        loss = loss + lam * total_variation(inside, mask, gradient)
    return reduced(loss, mask, reduction)
