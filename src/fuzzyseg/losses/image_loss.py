"""What the losses of an image have in common: centres, mask, volumes."""

# ruff: noqa: A002  (`input` is torch's own name for it)
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from fuzzyseg.losses.centres import Centres, find_centres
from fuzzyseg.losses.inputs import as_image, as_mask, check_input
from fuzzyseg.losses.keeper import CentreKeeper
from fuzzyseg.losses.loss import Loss


class Finder(NamedTuple):
    """Where the centres of one call come from.

    Parameters
    ----------
    find : callable
        Of f^q (B, C, *space) and y (B, D, *space); gives centres (B or 1, C, D).
    constant : bool
        They come from elsewhere than these voxels, so no derivative goes through them.
    given : tuple of Tensor
        What the caller gave to find them.
    """

    find: Callable[[Tensor, Tensor], Tensor]
    constant: bool
    given: tuple[Tensor, ...] = ()

    def again(self, found: Tensor) -> Finder:
        """Find what was found, if that is a constant, and otherwise anew."""
        return Finder(lambda *_: found, True) if self.constant else self


# Input, image and mask as `over_image` prepares them, the centres, and the loss's settings.
Compute = Callable[[Tensor, Tensor, Tensor | None, Finder, Any], Tensor]


def over_image(
    compute: Compute,
    settings: Any,
    input: Tensor,
    image: Tensor,
    mask: Tensor | None,
    finder: Finder,
) -> Tensor:
    """Compute a loss of an image, after checking all that it is computed from.

    Parameters
    ----------
    compute : callable
    settings : NamedTuple
        Those of the loss, checked.
    input : Tensor of shape (B, C, *space)
    image : Tensor of shape (B, D, *space), or (B, *space) if D is 1
    mask : bool Tensor of shape (B, *space) or (B, 1, *space), optional
    finder : Finder

    Raises
    ------
    InputError
        If a shape does not fit, or centres are needed and not there.
    """
    check_input(input)
    with torch.autocast(input.device.type, enabled=False):
        y, m = as_image(image, input), as_mask(mask, input)
        if m is not None:
            y = y.masked_fill(~m, 0)  # it may be NaN there
        return compute(input, y, m, finder, settings)


def of_each_image(centres: Tensor | None) -> Finder:
    """Take centres that are given, or else those of each batch element, eq. (6)."""
    given = () if centres is None else (centres,)
    return Finder(partial(find_centres, given=centres), centres is not None, given)


class ImageLoss(Loss):
    """A loss of a prediction and the image it was made from; subclasses say which in `_compute`.

    Parameters
    ----------
    settings : NamedTuple
    centres : Centres
        Where class centres come from; by default from each image, the paper's way.
    """

    _compute: Compute

    def __init__(self, settings: Any, centres: Centres) -> None:
        super().__init__(settings)
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
        constant = centres is not None or self.keeper.constant
        given = tuple(a for a in (volume, centres) if a is not None)
        finder = Finder(partial(self.keeper, volume=volume, given=centres), constant, given)
        return over_image(self._compute, self.settings, input, image, mask, finder)

    def extra_repr(self) -> str:
        """Show the settings, and the centres if they are not those of each image."""
        shown = super().extra_repr()
        return shown if self.centres == Centres() else f"{shown}, centres={self.centres}"
