"""Eq. (11): robust fuzzy c-means of an image, with a network's output as the memberships."""

# ruff: noqa: A002  (`input` is torch's own name for it)
from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from fuzzyseg.fuzzy import Neighbours, check_exponent, check_neighbours, power
from fuzzyseg.losses.centres import Centres
from fuzzyseg.losses.image_loss import Finder, ImageLoss, of_each_image, over_image
from fuzzyseg.losses.inputs import (
    InputKind,
    Reduction,
    as_probabilities,
    check_how,
    check_weight,
    n_counted,
    reduced,
    total,
)
from fuzzyseg.losses.known_gradient import beyond_kernels, with_gradient
from fuzzyseg.losses.rfcm_gradient import rfcm_per_voxel, rfcm_sum

PUBLISHED_BETA = 0.0008  # default of the authors' torch code, for images scaled to 0..1


class RFCMSettings(NamedTuple):
    """The numbers and choices of eq. (11); see `rfcm_loss`."""

    q: float = 2.0
    beta: float = PUBLISHED_BETA
    neighbours: Neighbours = "all"
    input_kind: InputKind = "logits"
    reduction: Reduction = "mean"

    def check(self) -> None:
        """Raise InputError if one is out of range."""
        check_exponent(self.q)
        check_weight("beta", self.beta)
        check_neighbours(self.neighbours)
        check_how(self.input_kind, self.reduction)


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

    v_k adds nothing, since L is stationary there. It does add to further derivatives, which
    torch takes of the equation as it stands, as do `torch.func`'s transforms.

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
    settings = RFCMSettings(q, beta, neighbours, input_kind, reduction)
    settings.check()
    return over_image(_rfcm, settings, input, image, mask, of_each_image(centres))


def _rfcm(
    input: Tensor, y: Tensor, mask: Tensor | None, finder: Finder, settings: RFCMSettings
) -> Tensor:
    if settings.reduction == "none" or beyond_kernels(input, y, *finder.given):
        return reduced(_per_voxel(input, y, mask, finder, settings), mask, settings.reduction)
    # Only in a sum over all voxels is L stationary in v, so only here v may be a constant.
    with torch.no_grad():
        f, uq = _memberships(input.detach(), mask, settings)
        v = finder.find(uq, y)
        kind = 0 if not input.requires_grad else 1 if settings.input_kind == "probabilities" else 2
        summed, gradient = rfcm_sum(f, uq, y, v, mask, settings, kind)
    if torch.is_grad_enabled() and kind:
        again = finder.again(v)

        def plain(a: Tensor) -> Tensor:
            return total(_per_voxel(a, y, mask, again, settings), 0)

        summed = with_gradient(input, summed, gradient, plain, settings.q)
    if settings.reduction == "mean":
        summed = summed / n_counted(y[:, :1], mask)
    return summed.to(f.dtype)


def _memberships(
    input: Tensor, mask: Tensor | None, settings: RFCMSettings
) -> tuple[Tensor, Tensor]:
    """Return f, 0 outside the mask, and f^q."""
    f = as_probabilities(input, settings.input_kind)
    if not f.requires_grad and f.device.type == "cpu":
        f = f.contiguous()  # once, as the kernels want it
    if mask is not None:
        f = f.masked_fill(~mask, 0)
    return f, power(f, settings.q)


def _per_voxel(
    input: Tensor, y: Tensor, mask: Tensor | None, finder: Finder, settings: RFCMSettings
) -> Tensor:
    """Return the equation as it stands, for as many derivatives as one likes."""
    _, uq = _memberships(input, mask, settings)
    return rfcm_per_voxel(uq, y, finder.find(uq, y), settings)


class RFCMLoss(ImageLoss):
    """Robust fuzzy c-means loss, eq. (11).

    Parameters
    ----------
    q, beta, neighbours, input_kind, reduction
        As of `rfcm_loss`; attributes that may change during training.
    centres : Centres
        Where class centres come from; by default from each image, the paper's way.

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

    q: float
    beta: float
    neighbours: Neighbours
    _compute = staticmethod(_rfcm)

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
        super().__init__(RFCMSettings(q, beta, neighbours, input_kind, reduction), centres)

    @classmethod
    def paper(cls) -> RFCMLoss:
        """Return the authors' published loss: of softmax outputs, all their settings."""
        return cls(2.0, PUBLISHED_BETA, neighbours="all", input_kind="probabilities")
