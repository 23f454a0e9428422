"""How to adapt a model to a scan; no torch here, so that the command line is quick."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fuzzyseg.training.config import check_setting


@dataclass(frozen=True)
class Adaptation:
    """How to adapt.

    Parameters
    ----------
    mixes
        Shares of the scan's own statistics in the normalisation that are tried.
    steps
        Steps on the unsupervised loss; by default only the statistics change, which measured
        better.
    lr
        Learning rate of these steps.
    batch
        Slices per step.
    q
        Fuzzy exponent of the loss.
    beta
        Spatial weight of the loss.
    margin
        A score must be better by at least this much to count as better.
    seed
        Random seed for the choice of slices and the noise in the score.
    """

    mixes: tuple[float, ...] = (0.25, 0.5, 1.0)
    steps: int = 0
    lr: float = 1e-3
    batch: int = 8
    q: float = 2.0
    beta: float = 0.0008
    margin: float = 0.002
    seed: int = 0


def check_adaptation(settings: Adaptation) -> None:
    """Raise InputError for values that no adaptation can have."""
    s, inf = settings, math.inf
    for good, name, expected in (
        (all(0 <= mix <= 1 for mix in s.mixes), "mixes", "shares from 0 to 1"),
        (s.steps >= 0, "steps", "0 or more"),
        (0 < s.lr < inf, "lr", "a number above 0"),
        (s.batch >= 1, "batch", "1 or more"),
        (1 <= s.q < inf, "q", "a number of 1 or more"),
        (0 <= s.beta < inf, "beta", "a number of 0 or more"),
        (0 <= s.margin < inf, "margin", "a number of 0 or more"),
        (s.seed >= 0, "seed", "0 or more"),
    ):
        check_setting(settings, good, name, expected)
