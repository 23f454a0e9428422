"""What a trainer of MONAI hands to losses that look at the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import Tensor


def image_and_label(
    batch: Mapping[str, Any],
    device: str | torch.device | None = None,
    non_blocking: bool = False,
    **how: Any,
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Prepare a batch so that the loss's target is image and label together.

    Parameters
    ----------
    batch : mapping of str to Tensor
        With "image" (B, D, *space) and "label" (B, 1, *space) or (B, C, *space).
    device, non_blocking, **how
        As of `torch.Tensor.to`.

    Returns
    -------
    image : Tensor
    both : (image, label)
        `SupervisedTrainer(prepare_batch=image_and_label, loss_function=lambda output, both:
        loss(output, *both))`, with a loss such as `SemiRFCMLoss`.
    """
    image, label = (
        batch[name].to(device=device, non_blocking=non_blocking, **how)
        for name in ("image", "label")
    )
    return image, (image, label)
