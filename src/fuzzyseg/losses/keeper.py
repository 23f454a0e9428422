"""Class centres between calls: the running average, and where a loss module keeps it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fuzzyseg.errors import InputError
from fuzzyseg.losses.centres import Centres, as_centres, find_centres, weights_and_moments


class CentreKeeper(nn.Module):
    """Finds the centres for each call, and keeps the running average between calls."""

    running_centres: Tensor
    running_weights: Tensor

    def __init__(self, settings: Centres) -> None:
        super().__init__()
        self.settings = settings
        if settings.scope == "running":
            empty = torch.zeros((0, 0), dtype=torch.float64)
            start = empty if settings.start is None else settings.start_tensor()
            self.register_buffer("running_centres", start)
            self.register_buffer("running_weights", start.new_zeros(len(start), 1))

    @property
    def constant(self) -> bool:
        """Whether centres come from elsewhere than the voxels of one call."""
        return self.settings.scope == "running" or not self.settings.move

    def forward(
        self,
        uq: Tensor,
        y: Tensor,
        volume: Tensor | None = None,
        given: Tensor | None = None,
    ) -> Tensor:
        """Return what `find_centres` does, or the running centres."""
        settings = self.settings
        if given is None and settings.scope == "running" and settings.move:
            return self._running(uq, y)
        return find_centres(uq, y, volume, given, settings)

    @torch.no_grad()
    def _running(self, uq: Tensor, y: Tensor) -> Tensor:
        if not self.running_centres.numel():
            shape = uq.shape[1], y.shape[1]
            self.running_centres = torch.zeros(shape, dtype=torch.float64, device=y.device)
            self.running_weights = self.running_centres.new_zeros(shape[0], 1)
        as_centres(self.running_centres, uq, y)  # the right shape
        if self.training:
            self._update(uq, y)
        elif not self.running_weights.any() and self.settings.start is None:
            raise InputError(
                "expected running centres, found none before the first training batch; "
                "train first, or give Centres(start=...)"
            )
        return self.running_centres[None].to(y.dtype)

    def _update(self, uq: Tensor, y: Tensor) -> None:
        """Average, weighted by membership: a batch without lesion hardly moves its centre."""
        both = torch.cat(weights_and_moments(uq, y), -1).sum(0)  # (C, 1 + D)
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.all_reduce(both)  # so that all processes hold the same
        weights, moments = both[:, :1], both[:, 1:]
        old = self.running_weights
        if self.settings.start is not None:
            old = torch.where(old > 0, old, weights)
        kept, added = self.settings.momentum, 1 - self.settings.momentum
        new = kept * old + added * weights
        mean = (kept * old * self.running_centres + added * moments) / new.clamp_min(1e-30)
        self.running_centres.copy_(torch.where(new > 0, mean, self.running_centres))
        self.running_weights.copy_(new)

    def _load_from_state_dict(self, state_dict, prefix, *args) -> None:  # type: ignore[no-untyped-def]
        """Take the saved shape where no batch has told it yet."""
        for name in ("running_centres", "running_weights"):
            saved = state_dict.get(prefix + name)
            own = getattr(self, name, None)
            if saved is not None and own is not None and not own.numel():
                setattr(self, name, torch.zeros_like(saved, device=own.device))
        super()._load_from_state_dict(state_dict, prefix, *args)
