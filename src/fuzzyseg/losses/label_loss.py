"""What the losses of labels have in common: targets with unlabelled voxels, mask."""

# ruff: noqa: A002  (`input` is torch's own name for it)
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from fuzzyseg.losses.inputs import IGNORE_INDEX, as_mask, as_target, check_input
from fuzzyseg.losses.loss import Loss

# Input, target and labelled voxels as `as_target` prepares them, and the loss's settings.
Compute = Callable[[Tensor, Tensor, Tensor | None, Any], Tensor]


def over_labels(
    compute: Compute,
    settings: Any,
    input: Tensor,
    target: Tensor,
    mask: Tensor | None,
    ignore_index: int = IGNORE_INDEX,
) -> Tensor:
    """Compute a loss of labels, after checking all that it is computed from.

    Parameters
    ----------
    compute : callable
    settings : NamedTuple
        Those of the loss, checked.
    input : Tensor of shape (B, C, *space)
    target : Tensor of shape (B, *space), (B, 1, *space) or (B, C, *space)
    mask : bool Tensor of shape (B, *space) or (B, 1, *space), optional
    ignore_index : int
        Besides -1, the class of a voxel that has no label.

    Raises
    ------
    InputError
        If a shape does not fit, or a class is not one of the input's.
    """
    check_input(input)
    with torch.autocast(input.device.type, enabled=False):
        g, labelled = as_target(target, input, as_mask(mask, input), ignore_index)
        return compute(input, g, labelled, settings)


class LabelLoss(Loss):
    """A loss of a prediction and a target; subclasses say which in `_compute`."""

    _compute: Compute
    ignore_index = IGNORE_INDEX

    def forward(
        self,
        input: Tensor,
        target: Tensor,
        mask: Tensor | None = None,
    ) -> Tensor:
        """Return the loss over the voxels that have a label: exactly 0 where none has.

        Parameters
        ----------
        input : Tensor of shape (B, C, *space)
            The network's output: logits or probabilities, as `input_kind` says.
        target : Tensor of shape (B, *space), (B, 1, *space) or (B, C, *space)
            A class per voxel, `ignore_index` (-1) where there is no label; or a membership
            per class.
        mask : bool Tensor of shape (B, *space) or (B, 1, *space), optional
            Voxels outside count as unlabelled.

        Raises
        ------
        InputError
            If a shape does not fit, or a class is not one of the input's.
        """
        return over_labels(self._compute, self.settings, input, target, mask, self.ignore_index)
