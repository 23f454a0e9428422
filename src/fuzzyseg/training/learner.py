"""What is trained, and one step of it."""

from __future__ import annotations

import copy
import math
import os
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.parallel import DistributedDataParallel

from fuzzyseg.errors import InputError
from fuzzyseg.networks.registry import build_network
from fuzzyseg.training.average import average_in, between
from fuzzyseg.training.idle import freeze_idle
from fuzzyseg.training.objective import anneal, batch_loss, build_loss
from fuzzyseg.training.start import architecture_of
from fuzzyseg.training.synchronised import synchronise

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from fuzzyseg.models.model_files import Model
    from fuzzyseg.training.batches import Batch
    from fuzzyseg.training.config import Config

_WARM_UP = 0.1  # share of the steps in which the learning rate rises
_WEIGHT_DECAY = 1e-4


def learning_rate(config: Config, step: int) -> float:
    """Linear rise over the first tenth, then a cosine to a hundredth of the largest."""
    warm = max(1, round(_WARM_UP * config.steps))
    if step < warm:
        return config.lr * (step + 1) / warm
    done = (step - warm) / max(1, config.steps - warm)
    return config.lr * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


class Learner:
    """A network, its average, its loss and its optimiser.

    Parameters
    ----------
    config : Config
    centres : float64 ndarray of shape (C, D) or None
        Where the loss's classes start, or are fixed, if it looks at the image.
    world : int
        Processes that share out each batch.
    """

    def __init__(self, config: Config, centres: NDArray[np.float64] | None, world: int = 1) -> None:
        self.config, self.world = config, world
        local = f":{os.environ.get('LOCAL_RANK', '0')}" if config.device == "cuda" else ""
        self.device = torch.device(config.device + local)
        self.layout = torch.channels_last if config.dims == 2 else torch.channels_last_3d
        torch.manual_seed(config.seed)
        self.architecture = architecture_of(config)
        self.network = build_network(self.architecture).to(self.device)
        self.network.to(memory_format=self.layout)  # type: ignore[call-overload]
        freeze_idle(self.network)
        self.average = copy.deepcopy(self.network) if config.ema else None
        self.started = copy.deepcopy(self.network) if config.start_share else None
        self.loss = build_loss(config, centres).to(self.device)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=config.lr, weight_decay=_WEIGHT_DECAY
        )
        self._forward: Any = self.network

    @property
    def kept(self) -> torch.nn.Module:
        """Network that is validated and becomes the model."""
        trained = self.network if self.average is None else self.average
        if self.started is None:
            return trained
        return between(self.started, trained, self.config.start_share)

    @property
    def modules(self) -> dict[str, torch.nn.Module]:
        """All that a checkpoint holds, but the optimiser."""
        found = {
            "network": self.network,
            "loss": self.loss,
            "average": self.average,
            "started": self.started,
        }
        return {name: module for name, module in found.items() if module is not None}

    def take_over(self, model: Model) -> None:
        """Begin with the weights of a model that `check_start` lets pass."""
        weights = model.network.state_dict()
        if model.card.architecture == self.architecture.first:
            taken = {f"first.{name}": tensor for name, tensor in weights.items()}
            weights = self.network.state_dict() | taken
        for each in (self.network, self.average, self.started):
            if each is not None:
                each.load_state_dict(weights)

    def begin(self) -> None:
        """Share the network with the other processes, and compile it; a checkpoint comes first."""
        if self.world > 1:
            synchronise(self.network)
            self._forward = DistributedDataParallel(self.network)
        if self.config.compile:
            self._forward = torch.compile(self._forward)

    def step(self, batch: Batch, step: int) -> tuple[float, Tensor]:
        """Learn from a batch.

        Returns
        -------
        loss : float
        memberships : float32 Tensor of shape (B, C, *space)

        Raises
        ------
        InputError
            If loss or gradient are not finite; then the weights have not changed.
        """
        config = self.config
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(config, step)
        anneal(self.loss, config, step)
        seen = batch.seen.to(self.device, memory_format=self.layout, non_blocking=True)
        self.network.train()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=config.autocast):
            logits = self._forward(seen)
            loss: Any = batch_loss(
                self.loss,
                logits,
                batch.image.to(self.device),
                batch.target.to(self.device),
                batch.volume.to(self.device),
            )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        # The gradient's norm is that of all processes: they all stop, before it does harm.
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), config.clip)
        found = float(loss.detach())
        if not (math.isfinite(found) and math.isfinite(float(norm))):
            raise InputError(
                f"expected a finite loss and gradient, found {found:g} and {float(norm):g} at step "
                f"{step + 1}; lower --lr, or look for broken images"
            )
        self.optimiser.step()
        if self.average is not None:
            average_in(self.average, self.network, config.ema, step)
        return found, logits.detach().float().softmax(1)
