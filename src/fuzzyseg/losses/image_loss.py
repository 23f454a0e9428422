"""What the losses of an image have in common: centres, mask, volumes, input kind, reduction."""

# ruff: noqa: A002  (`input` is torch's own name for it)
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from fuzzyseg.losses.inputs import (
    InputKind,
    Reduction,
    as_image,
    as_mask,
    check_choice,
    check_input,
)
from fuzzyseg.losses.keeper import CentreKeeper

if TYPE_CHECKING:
    from fuzzyseg.losses.centres import Centres

FindCentres = Callable[[Tensor, Tensor], Tensor]  # of f^q and y


class ImageLoss(nn.Module):
    """A loss of a prediction and the image it was made from; subclasses say which in `_loss`."""

    def __init__(self, centres: Centres, input_kind: InputKind, reduction: Reduction) -> None:
        super().__init__()
        check_choice("input_kind", input_kind, InputKind)
        check_choice("reduction", reduction, Reduction)
        self.input_kind: InputKind = input_kind
        self.reduction: Reduction = reduction
        self.keeper = CentreKeeper(centres)

    @property
    def centres(self) -> Centres:
        """Where class centres come from; setting it starts afresh."""
        return self.keeper.settings

    @centres.setter
    def centres(self, settings: Centres) -> None:
        self.keeper = CentreKeeper(settings).train(self.training)

    def forward(
        self,
        input: Tensor,
        image: Tensor,
        mask: Tensor | None = None,
        *,
        volume: Tensor | None = None,
        centres: Tensor | None = None,
    ) -> Tensor:
        """Return the loss.

        Parameters
        ----------
        input : Tensor of shape (B, C, *space)
            The network's output: logits or probabilities, as `input_kind` says.
        image : Tensor of shape (B, D, *space), or (B, *space) if D is 1
        mask : bool Tensor of shape (B, *space) or (B, 1, *space), optional
            Voxels outside have no weight, not even as neighbours.
        volume : int64 Tensor of shape (B,), optional
            Number of the volume that each batch element is a part of, for the scope "volume".
        centres : Tensor of shape (C, D) or (B, C, D), optional
            Class centres to use for this call, fixed.

        Returns
        -------
        Tensor
            A scalar; of shape (B, *space) if `reduction` is "none". Half precision gives float32.

        Raises
        ------
        InputError
            If a shape does not fit, or centres are needed and not there.
        """
        with torch.autocast(input.device.type, enabled=False):
            y, m = checked(input, image, mask)
            return self._loss(input, y, m, partial(self.keeper, volume=volume, given=centres))

    def _loss(
        self,
        input: Tensor,
        y: Tensor,
        mask: Tensor | None,
        find_centres: FindCentres,
    ) -> Tensor:
        raise NotImplementedError

    def extra_repr(self) -> str:
        """Return the settings, for `print`."""
        shown: dict[str, Any] = {k: v for k, v in vars(self).items() if k in self._shown}
        parts = [f"{k}={v!r}" for k, v in shown.items()]
        return ", ".join([*parts, f"centres={self.centres}"])

    _shown = ("q", "beta", "lam", "neighbours", "gradient", "input_kind", "reduction")


def checked(
    input: Tensor,
    image: Tensor,
    mask: Tensor | None,
) -> tuple[Tensor, Tensor | None]:
    """Return image, 0 outside the mask (it may be NaN there), and mask in their full shapes."""
    check_input(input)
    y, m = as_image(image, input), as_mask(mask, input)
    return (y if m is None else y.masked_fill(~m, 0)), m
