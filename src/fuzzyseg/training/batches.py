"""Batches that depend on nothing but the configuration and the number of the step.

A run that was killed goes on with the same batches, and as many processes as one likes share
out the same batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from fuzzyseg.training.patches import draw_patch
from fuzzyseg.training.randomise import randomised

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fuzzyseg.training.case import Case
    from fuzzyseg.training.config import Config

_PATCHES, _VOLUMES = 1, 2  # streams of random numbers


@dataclass(frozen=True, eq=False)
class Batch:
    """One batch.

    Parameters
    ----------
    seen : float32 Tensor of shape (B, D_in, *space)
    image : float32 Tensor of shape (B, D, *space)
    target : int64 Tensor of shape (B, *space)
    volume : int64 Tensor of shape (B,)
    """

    seen: torch.Tensor
    image: torch.Tensor
    target: torch.Tensor
    volume: torch.Tensor


class Batches:
    """Draws batches from cases.

    Parameters
    ----------
    cases : sequence of Case
    config : Config
    rank, world : int
        Of how many processes this is which.
    """

    def __init__(
        self, cases: Sequence[Case], config: Config, rank: int = 0, world: int = 1
    ) -> None:
        self.cases, self.config, self.rank, self.world = cases, config, rank, world
        self._drawn: dict[int, tuple[int, Case]] = {}

    def batch(self, step: int) -> Batch:
        """Draw the batch of a step: this process's part of it."""
        config = self.config
        patches, volumes = [], []
        for element in range(self.rank, config.batch, self.world):
            rng = np.random.default_rng([config.seed, _PATCHES, step, element])
            number = int(rng.integers(len(self.cases)))
            random = rng.random() < config.randomise
            case = self._randomised(number, step) if random else self.cases[number]
            patches.append(draw_patch(case, config, rng))
            volumes.append(number)
        return Batch(
            seen=torch.from_numpy(np.stack([p.seen for p in patches])),
            image=torch.from_numpy(np.stack([p.image for p in patches])),
            target=torch.from_numpy(np.stack([p.target for p in patches])),
            volume=torch.tensor(volumes),
        )

    def _randomised(self, number: int, step: int) -> Case:
        """Return a variant of a case; variants are drawn anew in turn, not all at one step."""
        config = self.config
        turn = (step + number * config.redraw // len(self.cases)) // config.redraw
        if self._drawn.get(number, (-1, None))[0] != turn:
            rng = np.random.default_rng([config.seed, _VOLUMES, number, turn])
            self._drawn[number] = turn, randomised(self.cases[number], config, rng)
        return self._drawn[number][1]
