"""Possibilistic c-means: memberships that need not sum to 1."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.clustering.arrays import empty, to_host
from fuzzyseg.clustering.checks import check_width
from fuzzyseg.clustering.local import Accelerated
from fuzzyseg.clustering.rule import Rule
from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.clustering.image import Points

_LEAST = 1e-12  # smallest eta, of the squared range: that of a class of equal intensities


@dataclass(kw_only=True, eq=False, repr=False)
class PCM(Accelerated):
    """Possibilistic c-means (Krishnapuram and Keller 1993).

    J = sum_j sum_k u_jk^q |y_j - v_k|^2 + sum_k eta_k sum_j (1 - u_jk)^q, so that
    u_jk = 1 / (1 + (|y_j - v_k|^2 / eta_k)^(1/(q-1))): how typical a voxel is of a class, whatever
    the others. A voxel far from all has low typicalities; classes may end at the same centre.
    It starts from fuzzy c-means, whose classes give eta_k = sum_j u^q |y_j - v_k|^2 / sum_j u^q.

    Parameters
    ----------
    n_clusters, init, n_init, bins, channel_axis, random_state, q, max_iter, tol, move_centres, \
n_jobs, accelerate
        As in `fuzzyseg.clustering.local`; q above 1.
    scale : float
        The paper's K: multiplies the eta_k, above 0.

    Attributes
    ----------
    eta_ : float64 ndarray of shape (C,)
    memberships_ : ndarray of shape (C, *space)
        Typicalities, between 0 and 1.
    labels_ : int8 ndarray of shape (*space,)
        Class of the largest.
    cluster_centers_, objective_, history_, n_iter_, converged_
        As in `FCM_S`.
    """

    scale: float = 1.0

    def _check(self) -> None:
        super()._check()
        check_width("scale", self.scale, "1 is the paper's")
        if not self.q > 1:
            raise InputError(
                f"expected a fuzzy exponent q > 1 for typicalities, found {self.q}; use 2"
            )

    def _prepare(self, points: Points, centres: NDArray[np.float64]) -> None:
        """Find the eta_k: a sweep of fuzzy c-means sums what they are made of."""
        u = empty((len(centres), points.y.shape[1]), points.y)
        with ThreadPoolExecutor(max_workers=self.n_jobs) as pool:
            sums = self._sweep(points, u, Rule(q=self.q), pool)(centres, store=False)
        span = np.square(np.ptp(to_host(points.counted), axis=1).astype(np.float64)).sum()
        spread = sums[:, -1] / np.maximum(sums[:, -2], 1e-30)
        self.eta_ = float(self.scale) * np.maximum(spread, _LEAST * span)

    def _reorder(self, order: NDArray[np.intp]) -> None:
        self.eta_ = self.eta_[order]

    def _rule(self, points: Points, extra: Any) -> Rule:  # noqa: ARG002
        return Rule(q=self.q, eta=self.eta_)
