"""What the losses of labels have in common: targets with unlabelled voxels, mask, input kind."""

# ruff: noqa: A002  (`input` is torch's own name for it)
from __future__ import annotations

import torch
from torch import Tensor, nn

from fuzzyseg.losses.inputs import (
    IGNORE_INDEX,
    InputKind,
    Reduction,
    as_mask,
    as_target,
    check_choice,
    check_input,
)


class LabelLoss(nn.Module):
    """A loss of a prediction and a target; subclasses say which in `_loss`."""

    def __init__(self, input_kind: InputKind, reduction: Reduction) -> None:
        super().__init__()
        check_choice("input_kind", input_kind, InputKind)
        check_choice("reduction", reduction, Reduction)
        self.input_kind: InputKind = input_kind
        self.reduction: Reduction = reduction
        self.ignore_index = IGNORE_INDEX

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
        check_input(input)
        with torch.autocast(input.device.type, enabled=False):
            g, labelled = as_target(target, input, as_mask(mask, input), self.ignore_index)
            return self._loss(input, g, labelled)

    def _loss(self, input: Tensor, g: Tensor, labelled: Tensor | None) -> Tensor:
        raise NotImplementedError

    def extra_repr(self) -> str:
        """Return the settings, for `print`."""
        settings = {k: v for k, v in vars(self).items() if not k.startswith("_")}
        return ", ".join(f"{k}={v!r}" for k, v in settings.items() if k != "training")
