"""Eqs. (10), (13) and (16): a loss of the image plus alpha times a loss of the labels."""

# ruff: noqa: A002  (`input` is torch's own name for it)
from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from fuzzyseg.errors import InputError
from fuzzyseg.losses.centres import Centres
from fuzzyseg.losses.cross_entropy import CrossEntropyLoss
from fuzzyseg.losses.fcm_label import FCMLabelLoss
from fuzzyseg.losses.image_loss import ImageLoss
from fuzzyseg.losses.inputs import check_weight
from fuzzyseg.losses.loss import Loss
from fuzzyseg.losses.mumford_shah import PUBLISHED_LAMBDA, MumfordShahLoss
from fuzzyseg.losses.rfcm import PUBLISHED_BETA, RFCMLoss

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fuzzyseg.fuzzy import Neighbours
    from fuzzyseg.losses.inputs import InputKind, Reduction
    from fuzzyseg.losses.mumford_shah import Gradient


class Semi(nn.Module):
    r"""Semi-supervised loss of any pair, eq. (13).

    .. math:: L = L_\text{unsupervised} + \alpha L_\text{supervised}

    Each term is a mean over its own voxels: all of the image's, and those with a label. A batch
    may hold elements with labels and elements without, which are -1 throughout.

    Parameters
    ----------
    unsupervised : Loss
        Loss of input and image: `RFCMLoss`, `MumfordShahLoss`. One of labels may stand here too:
        then it has the weight 1.
    supervised : Loss, or sequence of Loss
        Loss of input and target, `FCMLabelLoss`, `CrossEntropyLoss`, `DiceLoss`; or the terms
        that make up the second part, any number of them.
    alpha : float >= 0
        Weight of the second part; an attribute that may change during training.

    Raises
    ------
    InputError
        If alpha is out of range, or one wants logits and the other probabilities.
    """

    def __init__(
        self, unsupervised: Loss, supervised: Loss | Sequence[Loss], alpha: float = 1.0
    ) -> None:
        super().__init__()
        check_weight("alpha", alpha)
        others = [supervised] if isinstance(supervised, Loss) else list(supervised)
        for other in others:
            if other.input_kind != unsupervised.input_kind:
                raise InputError(
                    "expected two losses of one input_kind, found "
                    f"{unsupervised.input_kind!r} and {other.input_kind!r}; "
                    "both get the same input, so give both the same input_kind"
                )
        self.terms = nn.ModuleList([unsupervised, *others])
        self.alpha = alpha

    @property
    def input_kind(self) -> InputKind:
        """What the input is, to all terms."""
        kind: InputKind = self.terms[0].input_kind  # type: ignore[assignment]
        return kind

    def forward(
        self,
        input: Tensor,
        image: Tensor,
        target: Tensor | None = None,
        mask: Tensor | None = None,
        *,
        volume: Tensor | None = None,
        centres: Tensor | None = None,
    ) -> Tensor:
        """Return the loss; without a target only the image's.

        Parameters
        ----------
        input : Tensor of shape (B, C, *space)
            The network's output: logits or probabilities, as `input_kind` says.
        image : Tensor of shape (B, D, *space), or (B, *space) if D is 1
        target : Tensor of shape (B, *space), (B, 1, *space) or (B, C, *space), optional
            A class per voxel, -1 where there is no label; or a membership per class.
        mask : bool Tensor of shape (B, *space) or (B, 1, *space), optional
            Voxels outside count in no term.
        volume : int64 Tensor of shape (B,), optional
            Number of the volume that each batch element is a part of, for the scope "volume".
        centres : Tensor of shape (C, D) or (B, C, D), optional
            Class centres to use for this call, fixed.

        Raises
        ------
        InputError
            If a shape does not fit, a class is not one of the input's, or all terms want a
            target and there is none.
        """
        found: Tensor | None = None
        for i, term in enumerate(self.terms):
            if isinstance(term, ImageLoss):
                value = term(input, image, mask, volume=volume, centres=centres)
            elif target is not None:
                value = term(input, target, mask)
            else:
                continue
            weighted = self.alpha * value if i else value
            found = weighted if found is None else found + weighted
        if found is None:
            raise InputError("expected a target for a supervised loss, found none; give one")
        return found

    def __repr__(self) -> str:
        first, *others = map(repr, self.terms)
        terms = [first, *(f"{self.alpha:g} {other}" for other in others)]
        return f"{type(self).__name__}({' + '.join(terms)})"


class SemiRFCMLoss(Semi):
    """L_RFCM + alpha L_FCM_label, eq. (16); parameters as in `RFCMLoss` and `FCMLabelLoss`."""

    def __init__(
        self,
        q: float = 2.0,
        beta: float = PUBLISHED_BETA,
        alpha: float = 1.0,
        *,
        neighbours: Neighbours = "all",
        centres: Centres = Centres(),  # noqa: B008 (frozen)
        input_kind: InputKind = "logits",
        reduction: Reduction = "mean",
    ) -> None:
        rfcm = RFCMLoss(
            q,
            beta,
            neighbours=neighbours,
            centres=centres,
            input_kind=input_kind,
            reduction=reduction,
        )
        label = FCMLabelLoss(q, input_kind=input_kind, reduction=reduction)
        super().__init__(rfcm, label, alpha)

    @property
    def q(self) -> float:
        """Fuzzy exponent of both terms; it may change during training."""
        return self.terms[0].q  # type: ignore[return-value]

    @q.setter
    def q(self, q: float) -> None:
        for term in self.terms:
            term.q = q  # type: ignore[assignment]


class SemiMumfordShahLoss(Semi):
    """L_MS + alpha L_CE, eq. (10); parameters as in `MumfordShahLoss`."""

    def __init__(
        self,
        lam: float = PUBLISHED_LAMBDA,
        alpha: float = 1.0,
        *,
        gradient: Gradient = "anisotropic",
        centres: Centres = Centres(),  # noqa: B008 (frozen)
        input_kind: InputKind = "logits",
        reduction: Reduction = "mean",
    ) -> None:
        image = MumfordShahLoss(
            lam, gradient=gradient, centres=centres, input_kind=input_kind, reduction=reduction
        )
        super().__init__(image, CrossEntropyLoss(input_kind=input_kind, reduction=reduction), alpha)
