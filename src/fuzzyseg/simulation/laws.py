"""Laws that numbers are drawn by: frozen, printable, each with `draw(rng)`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np

_MOST_DRAWS = 1000


class Law(Protocol):
    """How one number is drawn."""

    def draw(self, rng: np.random.Generator) -> float:
        """Draw it."""


@dataclass(frozen=True)
class Uniform:
    """Every value from `low` to `high` alike."""

    low: float
    high: float

    def draw(self, rng: np.random.Generator) -> float:
        """Draw it."""
        return float(rng.uniform(self.low, self.high))


@dataclass(frozen=True)
class Normal:
    """A Gaussian, drawn again until it lies from `low` to `high`."""

    mean: float
    sd: float
    low: float
    high: float

    def draw(self, rng: np.random.Generator) -> float:
        """Draw it."""
        for _ in range(_MOST_DRAWS):
            value = float(rng.normal(self.mean, self.sd))
            if self.low <= value <= self.high:
                return value
        return min(max(self.mean, self.low), self.high)


@dataclass(frozen=True)
class LogNormal:
    """A Gaussian of the logarithm, drawn again until the value lies from `low` to `high`.

    Without the bounds its mean is median * exp(log_sd^2 / 2) and its coefficient of variation
    sqrt(exp(log_sd^2) - 1).
    """

    median: float
    log_sd: float
    low: float
    high: float

    def draw(self, rng: np.random.Generator) -> float:
        """Draw it."""
        for _ in range(_MOST_DRAWS):
            value = float(self.median * rng.lognormal(0.0, self.log_sd))
            if self.low <= value <= self.high:
                return value
        return min(max(self.median, self.low), self.high)
