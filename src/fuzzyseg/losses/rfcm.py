"""Eq. (11): robust fuzzy c-means of an image, with a network's output as the memberships."""

# ruff: noqa: A002  (`input` is torch's own name for it)
from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from fuzzyseg.fuzzy import Neighbours, check_exponent, check_neighbours, power
from fuzzyseg.losses.centres import Centres, find_centres
from fuzzyseg.losses.image_loss import FindCentres, ImageLoss, checked
from fuzzyseg.losses.inputs import (
    InputKind,
    Reduction,
    as_probabilities,
    check_weight,
    n_counted,
)
from fuzzyseg.losses.rfcm_gradient import rfcm_per_voxel, rfcm_sum

PUBLISHED_BETA = 0.0008  # default of the authors' torch code, for images scaled to 0..1


def rfcm_loss(
    input: Tensor,
    image: Tensor,
    mask: Tensor | None = None,
    *,
    q: float = 2.0,
    beta: float = PUBLISHED_BETA,
    neighbours: Neighbours = "all",
    centres: Tensor | None = None,
    input_kind: InputKind = "logits",
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Return the robust fuzzy c-means loss, eq. (11), as a mean over voxels.

    .. math:: L = \frac{1}{BV} \sum_j \sum_k f_{jk}^q \Bigl( |y_j - v_k|^2
        + \beta \sum_{l \in N_j} \sum_{m \ne k} f_{lm}^q \Bigr)

    with v_k from eq. (6), differentiated through. The sum over voxels is a mean, so beta does
    not depend on the image's size. The gradient is

    .. math:: \frac{\partial L}{\partial f_{jk}} = \frac{q f_{jk}^{q-1}}{BV} \Bigl( |y_j - v_k|^2
        + 2 \beta \sum_{l \in N_j} \sum_{m \ne k} f_{lm}^q \Bigr):

    v_k adds nothing, since L is stationary there.

    Parameters
    ----------
    input : Tensor of shape (B, C, *space)
    image : Tensor of shape (B, D, *space), or (B, *space) if D is 1
    mask : bool Tensor of shape (B, *space) or (B, 1, *space), optional
        Voxels outside have no weight, not even as neighbours.
    q : float >= 1
        Fuzzy exponent.
    beta : float >= 0
        Spatial weight, in units of intensity squared; 0 is fuzzy c-means.
    neighbours : {"faces", "all"}
        4 (6 in 3-D) neighbours, or 8 (26). Outside the image there are none.
    centres : Tensor of shape (C, D) or (B, C, D), optional
        Fixed class centres; without them each batch element has its own from eq. (6).
    input_kind : {"logits", "probabilities"}
        Whether a softmax is still to be taken. Probabilities lie in 0..1.
    reduction : {"mean", "sum", "none"}
        "none" gives a loss per voxel, of shape (B, *space), 0 outside the mask.

    Raises
    ------
    InputError
        If a shape does not fit, or a parameter is out of range.

    References
    ----------
    Chen et al., Med Phys 2021;48:3860, doi 10.1002/mp.14903.
    """
    _check(q, beta, neighbours)
    with torch.autocast(input.device.type, enabled=False):
        y, m = checked(input, image, mask)
        find = partial(find_centres, settings=Centres(), given=centres)
        return _rfcm(input, y, m, find, q, beta, neighbours, input_kind, reduction)


class RFCMLoss(ImageLoss):
    """Robust fuzzy c-means loss, eq. (11): see `rfcm_loss` for the equation.

    Parameters
    ----------
    q : float >= 1
        Fuzzy exponent; an attribute that may change during training.
    beta : float >= 0
        Spatial weight, in units of intensity squared; 0 is fuzzy c-means.
    neighbours : {"faces", "all"}
        4 (6 in 3-D) neighbours, or 8 (26).
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

    Examples
    --------
    >>> import torch
    >>> from fuzzyseg.losses import RFCMLoss
    >>> logits = torch.zeros(2, 3, 8, 8, requires_grad=True)
    >>> RFCMLoss(beta=0)(logits, torch.ones(2, 1, 8, 8)).item()
    0.0
    """

    def __init__(
        self,
        q: float = 2.0,
        beta: float = PUBLISHED_BETA,
        *,
        neighbours: Neighbours = "all",
        centres: Centres = Centres(),  # noqa: B008 (frozen)
        input_kind: InputKind = "logits",
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(centres, input_kind, reduction)
        _check(q, beta, neighbours)
        self.q = q
        self.beta = beta
        self.neighbours: Neighbours = neighbours

    @classmethod
    def paper(cls) -> RFCMLoss:
        """Return the authors' published loss: of softmax outputs, all their settings."""
        return cls(2.0, PUBLISHED_BETA, neighbours="all", input_kind="probabilities")

    def _loss(
        self,
        input: Tensor,
        y: Tensor,
        mask: Tensor | None,
        find_centres: FindCentres,
    ) -> Tensor:
        _check(self.q, self.beta, self.neighbours)  # they may have changed
        return _rfcm(
            input,
            y,
            mask,
            find_centres,
            self.q,
            self.beta,
            self.neighbours,
            self.input_kind,
            self.reduction,
        )


def _check(q: float, beta: float, neighbours: str) -> None:
    check_exponent(q)
    check_weight("beta", beta)
    check_neighbours(neighbours)


def _rfcm(
    input: Tensor,
    y: Tensor,
    mask: Tensor | None,
    find: FindCentres,
    q: float,
    beta: float,
    neighbours: Neighbours,
    input_kind: InputKind,
    reduction: Reduction,
) -> Tensor:
    # Only in a sum over all voxels is L stationary in v, so only there v may be a constant.
    per_voxel = reduction == "none"
    with torch.set_grad_enabled(per_voxel and torch.is_grad_enabled()):
        f = as_probabilities(input, input_kind)
        if f.device.type == "cpu" and not per_voxel:
            f = f.contiguous()  # once, as the kernels want it
        if mask is not None:
            f = f.masked_fill(~mask, 0)
        uq = power(f, q)
        v = find(uq, y)
    if per_voxel:
        return rfcm_per_voxel(uq, y, v, beta, neighbours)
    summed = rfcm_sum(input, f, uq, y, v, mask, q, beta, neighbours, input_kind)
    if reduction == "mean":
        summed = summed / n_counted(y[:, :1], mask)
    return summed.to(f.dtype)
