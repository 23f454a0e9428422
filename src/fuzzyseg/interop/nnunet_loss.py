"""Our losses in a trainer of nnU-Net v2, which hands them outputs and targets at several scales."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn
from torch.nn import functional

from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence


class WithImage(nn.Module):
    """A loss of image and labels, called as (output, target); the trainer sets `image` before.

    Parameters
    ----------
    loss : callable
        Of (output, image, target): `SemiRFCMLoss`, or nnU-Net's `DeepSupervisionWrapper` over it,
        which takes a list of each.
    """

    image: Tensor | None = None

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss

    def forward(
        self, output: Tensor | Sequence[Tensor], target: Tensor | Sequence[Tensor]
    ) -> Tensor:
        """Return the loss.

        Parameters
        ----------
        output : Tensor of shape (B, C, *space), or list of these
            Of several scales, each with its own space.
        target : Tensor of shape (B, 1, *space), or list of these
        """
        if self.image is None:
            raise RuntimeError("the trainer has to set `image` before it asks for the loss")
        image: Any = (
            at_scale(self.image, output)
            if isinstance(output, Tensor)
            else [at_scale(self.image, one) for one in output]
        )
        value: Tensor = self.loss(output, image, target)
        return value


def at_scale(image: Tensor, output: Tensor) -> Tensor:
    """Average an image (B, D, *space) over the larger voxels of an output, on its device."""
    image = image.to(output.device)
    if image.shape[2:] == output.shape[2:]:
        return image
    return functional.interpolate(image.float(), output.shape[2:], mode="area")


def into(built: nn.Module, loss: nn.Module) -> nn.Module:
    """Put a loss in the place of nnU-Net's own, in the wrapper that weighs scales if there is one.

    Parameters
    ----------
    built : nn.Module
        What `nnUNetTrainer._build_loss` gave.
    loss : nn.Module
    """
    if hasattr(built, "weight_factors"):
        built.loss = loss
        return built
    return loss


def check_labels(labels: Any, name: str) -> None:
    """Raise InputError unless a data set's labels are classes of which a voxel has one.

    Parameters
    ----------
    labels : nnunetv2's LabelManager
    name : str
        Of the data set, for the message.
    """
    if labels.has_regions:
        raise InputError(
            f"expected classes that exclude each other, found regions {labels.all_regions} in "
            f"{name}: fuzzy memberships sum to 1; give each class a number of its own in "
            "dataset.json, or take a trainer of nnU-Net's"
        )
    if not labels.foreground_labels:
        raise InputError(
            f"expected labels beside the background, found none in {name}; name them in "
            "dataset.json, or train without labels: fuzzyseg train --loss rfcm"
        )
