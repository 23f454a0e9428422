"""What every loss does with its input, image, mask and target before its equation."""

# ruff: noqa: A002  (`input` is torch's own name for it)
from __future__ import annotations

from functools import reduce
from operator import add
from typing import Literal, get_args

import torch
from torch import Tensor

from fuzzyseg.errors import InputError
from fuzzyseg.losses.known_gradient import beyond_kernels

InputKind = Literal["logits", "probabilities"]
Reduction = Literal["mean", "sum", "none"]
IGNORE_INDEX = -1


def check_choice(name: str, value: object, choices: object) -> None:
    """Raise InputError unless the value is one of a Literal's."""
    if value not in get_args(choices):
        raise InputError(
            f"expected {name} to be one of {get_args(choices)}, found {value!r}; "
            "spell it as one of these"
        )


def check_how(input_kind: object, reduction: object) -> None:
    """Raise InputError unless what is given, and what is wanted, is one of those there are."""
    check_choice("input_kind", input_kind, InputKind)
    check_choice("reduction", reduction, Reduction)


def check_weight(name: str, value: float) -> None:
    """Raise InputError unless a term's weight is a finite number, 0 or more."""
    if not 0 <= value < float("inf"):
        raise InputError(f"expected {name} >= 0, found {value}; use 0 to leave the term out")


def check_input(input: Tensor) -> None:
    """Raise InputError unless a prediction is (B, C, *space) with two classes or more."""
    empty = 0 in input.shape
    if input.ndim < 3 or input.shape[1] < 2 or empty or not input.is_floating_point():
        raise InputError(
            "expected an input of shape (B, C, *space), C >= 2, not empty, of a floating type, "
            f"found {tuple(input.shape)} of {input.dtype}; "
            "give the network's output, one channel per class"
        )


def wide(a: Tensor) -> Tensor:
    """Give float64 back as it is and everything else as float32: half precision overflows here."""
    return a if a.dtype == torch.float64 else a.float()


def as_probabilities(input: Tensor, input_kind: InputKind) -> Tensor:
    """Memberships f, shape (B, C, *space), in float32 or float64."""
    if input_kind == "probabilities":
        return wide(input)
    if torch.compiler.is_compiling() and input.device.type == "cpu" and input.shape[1] <= 8:
        return _softmax_by_class(wide(input))
    return torch.softmax(wide(input), 1)


def _softmax_by_class(z: Tensor) -> Tensor:
    """Spell the softmax out: compiled for the CPU it is twice as fast with few classes."""
    classes = z.unbind(1)
    largest = reduce(torch.maximum, classes)
    powers = [torch.exp(a - largest) for a in classes]
    scale = 1 / reduce(add, powers)
    return torch.stack([power * scale for power in powers], 1)


def as_image(image: Tensor, input: Tensor) -> Tensor:
    """Return the image as (B, D, *space), on the input's device and in its (wide) type.

    Raises
    ------
    InputError
        If it is neither (B, D, *space) nor, with one channel, (B, *space).
    """
    full = image.unsqueeze(1) if image.ndim == input.ndim - 1 else image
    if full.ndim != input.ndim or _places(full) != _places(input) or full.shape[1] < 1:
        raise InputError(
            f"expected an image of shape (B, D, *space) or (B, *space) for an input of "
            f"{tuple(input.shape)}, found {tuple(image.shape)}; "
            "give the image that the network saw, batch first"
        )
    return full.detach().to(input.device, wide(input).dtype)


def as_mask(mask: Tensor | None, input: Tensor) -> Tensor | None:
    """Return the mask as bool (B, 1, *space), or None.

    Raises
    ------
    InputError
        If it is not (B, *space) or (B, 1, *space), or a floating type, which may hold weights.
    """
    if mask is None:
        return None
    full = mask.unsqueeze(1) if mask.ndim == input.ndim - 1 else mask
    if full.shape != (input.shape[0], 1, *input.shape[2:]) or full.is_floating_point():
        raise InputError(
            f"expected a bool mask of shape (B, *space) or (B, 1, *space) for an input of "
            f"{tuple(input.shape)}, found {tuple(mask.shape)} of {mask.dtype}; "
            "mark the voxels that count with True"
        )
    return full.detach().to(input.device, torch.bool)


def as_target(
    target: Tensor,
    input: Tensor,
    mask: Tensor | None,
    ignore_index: int = IGNORE_INDEX,
) -> tuple[Tensor, Tensor | None]:
    """Return the target and which voxels have a label.

    Parameters
    ----------
    target : Tensor
        Classes, (B, *space) or (B, 1, *space), -1 or `ignore_index` where there is no label;
        or memberships in each class, (B, C, *space).
    mask : bool Tensor of shape (B, 1, *space), optional
        From `as_mask`.

    Returns
    -------
    target : int64 Tensor of shape (B, 1, *space), -1 where there is no label; or memberships of
        shape (B, C, *space) in the input's (wide) type
    labelled : bool Tensor of shape (B, 1, *space); None where every voxel has a label

    Raises
    ------
    InputError
        If the shape fits neither, or a class is not one of the input's.
    """
    target = target.detach().to(input.device)
    if target.shape == input.shape:
        return target.to(wide(input).dtype), mask
    full = target.unsqueeze(1) if target.ndim == input.ndim - 1 else target
    if full.shape != (input.shape[0], 1, *input.shape[2:]):
        raise InputError(
            f"expected a target of shape (B, *space), (B, 1, *space) or (B, C, *space) for an "
            f"input of {tuple(input.shape)}, found {tuple(target.shape)}; "
            "give one class per voxel, or one membership per class"
        )
    classes = full.long()  # some loaders give classes as floats
    if ignore_index != IGNORE_INDEX:
        classes = classes.masked_fill(classes == ignore_index, IGNORE_INDEX)
    if mask is not None:
        classes = classes.masked_fill(~mask, IGNORE_INDEX)
    # A branch on values would split a compiled graph, and values of a mapped target are many.
    if not torch.compiler.is_compiling() and not beyond_kernels(classes):
        _check_classes(classes, input.shape[1])
    return classes, classes >= 0


def total(a: Tensor, start: int = 1) -> Tensor:
    """Sum over all axes from `start` on, in float64: rows first, so that nothing is copied."""
    rows = a.sum(-1)
    axes = tuple(range(start, rows.ndim))
    return rows.sum(axes, dtype=torch.float64) if axes else rows.double()


def reduced(
    values: Tensor,
    weights: Tensor | None,
    reduction: Reduction,
) -> Tensor:
    """Reduce a loss a voxel, (B, *space), to its mean, its sum, or not at all.

    Parameters
    ----------
    values : Tensor of shape (B, *space), 0 where `weights` is False
    weights : bool Tensor of shape (B, 1, *space), optional
        Voxels that count. Without any the mean is 0.
    """
    if reduction == "none":
        return values
    summed = total(values, 0)
    if reduction == "mean":
        summed = summed / n_counted(values, weights)
    return summed.to(values.dtype)


def n_counted(values: Tensor, weights: Tensor | None) -> Tensor | int:
    """Return how many voxels of (B, *space) count, and 1 where none does."""
    return values.numel() if weights is None else weights.sum().clamp_min(1)


def _places(a: Tensor) -> tuple[int, ...]:
    return (a.shape[0], *a.shape[2:])


def _check_classes(classes: Tensor, n_classes: int) -> None:
    lowest, highest = (int(x) for x in torch.aminmax(classes))
    if lowest < IGNORE_INDEX or highest >= n_classes:
        raise InputError(
            f"expected classes from 0 to {n_classes - 1}, or {IGNORE_INDEX} for no label, found "
            f"{lowest if lowest < IGNORE_INDEX else highest}; "
            "renumber the target's classes to the input's channels"
        )
