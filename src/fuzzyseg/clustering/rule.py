"""What one iteration of a method does, as numbers: kernel and plain arrays both follow them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Field = Literal["none", "others", "doubt", "error"]


def _nothing() -> NDArray[np.float64]:
    return np.empty(0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Rule:
    """One member of the family.

    Costs are c_jk = delta(y_j, v_k) + base_k + slope_k extra_j, and with neighbours
    + twice * sum_l w_jl h_lk, where h is a field of the previous memberships. The objective is
    `scale` times sum_jk u_jk^q (delta + base + slope extra + sum_l w_jl h_lk).

    Parameters
    ----------
    q : float
        Fuzzy exponent.
    rate : float
        0: delta is the squared distance |y - v|^2. Above: delta = 1 - K with the Gaussian kernel
        K = exp(-rate |y - v|^2), whose values also weight voxels in the centres.
    base, slope : ndarray of shape (C,), or empty
        With `extra` only.
    extra : array of shape (N,) or None
        A map that raises costs.
    near : {"none", "others", "doubt", "error"}
        Field of the neighbours. "others": sum_{m != k} u_lm^q; "doubt": (1 - u_lk)^q; "error":
        (1 - u_lk)^q delta(y_l, v_k).
    weights : tuple of three floats
        Of neighbours that share a face, an edge, a corner.
    twice : float
        2 where a pair of voxels is counted twice in the objective, else 1.
    eta : ndarray of shape (C,), or empty
        Makes memberships typicalities, `fuzzyseg.fuzzy.typicalities`.
    radius : int
        Memberships are spread over a window of 2 radius + 1 voxels; 0 leaves them.
    p, s : float
        They become u^p h^s, normalised, with h the sum of u over the window.
    scale : float
        Of the objective.
    """

    q: float
    rate: float = 0.0
    base: NDArray[np.float64] = field(default_factory=_nothing)
    slope: NDArray[np.float64] = field(default_factory=_nothing)
    extra: Any = None
    near: Field = "none"
    weights: tuple[float, float, float] = (0.0, 0.0, 0.0)
    twice: float = 1.0
    eta: NDArray[np.float64] = field(default_factory=_nothing)
    radius: int = 0
    p: float = 1.0
    s: float = 1.0
    scale: float = 1.0

    @property
    def remembers(self) -> bool:
        """Whether memberships depend on the previous ones, not on the centres alone."""
        return self.near != "none"

    @property
    def descends(self) -> bool:
        """Whether the objective is known not to rise."""
        return not self.remembers and not self.radius
