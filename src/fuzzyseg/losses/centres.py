"""Eq. (6): class centres v_k = sum_j f_jk^q y_j / sum_j f_jk^q, and over what j runs."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import reduce
from operator import add
from typing import Literal

import torch
from torch import Tensor

from fuzzyseg.errors import InputError
from fuzzyseg.losses.inputs import check_choice, total
from fuzzyseg.losses.known_gradient import beyond_kernels

Scope = Literal["image", "batch", "volume", "running"]


@dataclass(frozen=True)
class Centres:
    """Where a loss takes its class centres from.

    Attributes
    ----------
    scope : {"image", "batch", "volume", "running"}
        The voxels that a centre is the weighted mean of: those of each batch element (the
        paper's way), of the whole batch, of the batch elements with the same `volume`, or
        of all batches so far, older ones weighted down (an exponential average, updated in
        training mode only and saved in the state_dict).
    start : tuple of C floats, or of C tuples of D floats, optional
        Centres to begin with: the fixed ones if `move` is False, the running average's first
        value (it counts as much as the first batch), and in every other scope the centre of
        a class that has no membership at all, otherwise 0.
    move : bool
        False fixes the centres at `start`, or at the `centres` given to each call.
    momentum : float, 0 to 1 (not included)
        Share of the old value in a running average.
    """

    scope: Scope = "image"
    start: tuple[float, ...] | tuple[tuple[float, ...], ...] | None = None
    move: bool = True
    momentum: float = 0.9

    def __post_init__(self) -> None:
        """Check what can be checked without an image."""
        check_choice("scope", self.scope, Scope)
        if not 0 <= self.momentum < 1:
            raise InputError(
                f"expected a momentum from 0 to below 1, found {self.momentum}; "
                "0 forgets at once, 0.9 averages over about ten batches"
            )
        if self.start is not None and not math.isfinite(sum(self.start_tensor().flatten())):
            raise InputError(
                f"expected finite centres as start, found {self.start}; "
                "give an intensity per class and channel"
            )

    def __repr__(self) -> str:
        """Show what is not as by default."""
        given = ((f.name, getattr(self, f.name), f.default) for f in fields(self))
        return f"Centres({', '.join(f'{n}={v!r}' for n, v, usual in given if v != usual)})"

    def start_tensor(self) -> Tensor:
        """Return `start` as a float64 tensor of shape (C, D).

        Raises
        ------
        InputError
            If its rows differ in length.
        """
        try:
            table = torch.tensor(self.start, dtype=torch.float64)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"expected start as C numbers or C tuples of D numbers, found {self.start}; "
                "give every class as many numbers as the image has channels"
            ) from error
        return table[:, None] if table.ndim == 1 else table


def weights_and_moments(uq: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Sum memberships, and memberships times intensities, over each batch element's voxels.

    Parameters
    ----------
    uq : Tensor of shape (B, C, *space)
        Memberships to the power q; 0 outside the mask.
    y : Tensor of shape (B, D, *space)

    Returns
    -------
    weights : float64 Tensor of shape (B, C, 1)
    moments : float64 Tensor of shape (B, C, D)
    """
    by_kernel = uq.device.type == "cpu" and not uq.requires_grad
    if by_kernel and not torch.compiler.is_compiling() and not beyond_kernels(uq, y):
        from fuzzyseg.losses import _rfcm_kernels

        both = uq.new_zeros((*uq.shape[:2], 1 + y.shape[1]), dtype=torch.float64)
        flat = (a.detach().contiguous().flatten(2).numpy() for a in (uq, y))
        _rfcm_kernels.weights_and_moments(*flat, both.numpy())
        return both[..., :1], both[..., 1:]
    moments = [  # class by class, so that no second array of uq's size is made
        torch.stack([total(u * channel) for channel in y.unbind(1)], -1) for u in uq.unbind(1)
    ]
    return total(uq, 2)[..., None], torch.stack(moments, 1)


def share(a: Tensor, scope: Scope, volume: Tensor | None) -> Tensor:
    """Sum (B, C, n) over the batch elements that share their centres; (B or 1, C, n)."""
    if scope == "image":
        return a
    if scope == "volume":
        if volume is None:
            raise InputError(
                "expected `volume`, the number of each batch element's volume, found none; "
                'pass volume=LongTensor of shape (B,), or use Centres(scope="batch")'
            )
        if volume.shape != a.shape[:1]:
            raise InputError(
                f"expected `volume` of shape ({a.shape[0]},), found {tuple(volume.shape)}; "
                "give one number per batch element"
            )
        volume = volume.to(a.device)
        together = (volume[:, None] == volume).to(a.dtype)
        return (together @ a.flatten(1)).reshape(a.shape)
    return a.sum(0, keepdim=True)


def find_centres(
    uq: Tensor,
    y: Tensor,
    volume: Tensor | None = None,
    given: Tensor | None = None,
    settings: Centres = Centres(),
) -> Tensor:
    """Return the centres of one call, for every scope but "running".

    Parameters
    ----------
    uq : Tensor of shape (B, C, *space)
        Memberships to the power q; 0 outside the mask.
    y : Tensor of shape (B, D, *space)
    volume : int64 Tensor of shape (B,), optional
    given : Tensor of shape (C, D) or (B, C, D), optional
        Centres from outside, used as they are.

    Returns
    -------
    Tensor of shape (B or 1, C, D) in y's type
    """
    if given is not None:
        return as_centres(given, uq, y)
    start = None if settings.start is None else as_centres(settings.start_tensor(), uq, y)
    if not settings.move:
        if start is None:
            raise InputError(
                "expected fixed centres, found neither Centres(start=...) nor centres=...; "
                "give one of them, or use Centres(move=True)"
            )
        return start
    weights, moments = (share(a, settings.scope, volume) for a in weights_and_moments(uq, y))
    found = moments / weights.clamp_min(1e-30)
    if start is not None:
        found = torch.where(weights > 0, found, start.double())
    return found.to(y.dtype)


def distances(y: Tensor, v: Tensor) -> Tensor:
    """Return |y_j - v_k|^2, shape (B, C, *space), a channel at a time to save memory.

    Parameters
    ----------
    y : Tensor of shape (B, D, *space)
    v : Tensor of shape (B or 1, C, D)
    """
    v = v.reshape(*v.shape, *(1,) * (y.ndim - 2))
    return reduce(add, ((y[:, d : d + 1] - v[:, :, d]) ** 2 for d in range(y.shape[1])))


def as_centres(given: Tensor, uq: Tensor, y: Tensor) -> Tensor:
    """Return centres as (B or 1, C, D) in y's type and on its device, or say what is wrong."""
    full = given if given.ndim == 3 else given[None]
    fits = full.ndim == 3 and full.shape[0] in {1, uq.shape[0]}
    if not fits or full.shape[1:] != (uq.shape[1], y.shape[1]):
        raise InputError(
            f"expected centres of shape (C, D) or (B, C, D) with C = {uq.shape[1]} classes and "
            f"D = {y.shape[1]} channels, found {tuple(given.shape)}; "
            "give an intensity per class and channel"
        )
    return full.detach().to(y.device, y.dtype)
