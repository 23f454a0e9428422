"""Kernel fuzzy c-means, with and without neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fuzzyseg.clustering.checks import check_weight, check_width
from fuzzyseg.clustering.local import Accelerated, Local
from fuzzyseg.clustering.rule import Rule

if TYPE_CHECKING:
    from fuzzyseg.clustering.image import Points

_USUAL = "0.6 suits images scaled to [0, 1]"


@dataclass(kw_only=True, eq=False, repr=False)
class KFCM(Accelerated):
    """Kernel fuzzy c-means (Zhang and Chen 2004): distances that outliers cannot stretch.

    J = sum_j sum_k u_jk^q (1 - K(y_j, v_k)), K(y, v) = exp(-|y - v|^2 / sigma^2): half of the
    paper's. v_k = sum_j u_jk^q K(y_j, v_k) y_j / sum_j u_jk^q K(y_j, v_k). For a large sigma it
    is fuzzy c-means.

    Parameters
    ----------
    n_clusters, init, n_init, bins, channel_axis, random_state, q, max_iter, tol, move_centres, \
n_jobs, accelerate
        As in `fuzzyseg.clustering.local`.
    sigma : float
        Width of the kernel, in units of intensity. The default is the paper's 150 of 255, for
        images scaled to [0, 1].

    Attributes
    ----------
    cluster_centers_, memberships_, labels_, n_iter_, converged_
        As in `FCM`.
    history_, objective_
        J, as in `FCM_S`; it never rises.
    """

    sigma: float = 0.6

    def _check(self) -> None:
        super()._check()
        check_width("a kernel's width sigma", self.sigma, _USUAL)

    def _rule(self, points: Points, extra: Any) -> Rule:  # noqa: ARG002
        return Rule(q=self.q, rate=1 / float(self.sigma) ** 2)


@dataclass(kw_only=True, eq=False, repr=False)
class KFCM_S(Local):  # noqa: N801
    """Kernel fuzzy c-means with a spatial penalty (Zhang and Chen 2004, their SKFCM).

    J = sum_j sum_k u_jk^q ( 1 - K(y_j, v_k) + alpha / N sum_{l in N_j} (1 - u_lk)^q ), with the
    kernel of `KFCM`. u_jk is proportional to the bracket to the power -1/(q-1), as in the paper,
    which leaves out what u_jk adds to its neighbours' brackets; so J may rise. N is 26 (8 in
    2-D, 2 in 1-D) everywhere: beyond the image and the mask nobody doubts.

    Parameters
    ----------
    n_clusters, init, n_init, bins, channel_axis, random_state, q, max_iter, tol, move_centres, \
n_jobs
        As in `fuzzyseg.clustering.local`.
    sigma : float
        As in `KFCM`.
    alpha : float
        Spatial weight, at least 0; 0 is `KFCM`. Costs are between 0 and 1, and for bone beside
        background far below 1: the default suits these.

    Attributes
    ----------
    cluster_centers_, memberships_, labels_, objective_, history_, n_iter_, converged_
        As in `RFCM`.
    """

    sigma: float = 0.6
    alpha: float = 0.05

    def _check(self) -> None:
        super()._check()
        check_width("a kernel's width sigma", self.sigma, _USUAL)
        check_weight("a spatial weight alpha", self.alpha, "0 is KFCM, 0.05 is the default")

    def _rule(self, points: Points, extra: Any) -> Rule:  # noqa: ARG002
        weight = float(self.alpha) / (3 ** len(points.space) - 1)
        rate = 1 / float(self.sigma) ** 2
        return Rule(q=self.q, rate=rate, near="doubt", weights=(weight,) * 3)
