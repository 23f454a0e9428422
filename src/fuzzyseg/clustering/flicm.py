"""FLICM: a penalty on neighbours that no parameter weighs."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

from fuzzyseg.clustering.local import Local
from fuzzyseg.clustering.rule import Rule

if TYPE_CHECKING:
    from fuzzyseg.clustering.image import Points


@dataclass(kw_only=True, eq=False, repr=False)
class FLICM(Local):
    """Fuzzy local information c-means (Krinidis and Chatzis 2010).

    J = sum_j sum_k ( u_jk^q |y_j - v_k|^2 + u_jk^q G_jk ), where
    G_jk = sum_{l in N_j} (1 - u_lk)^q |y_l - v_k|^2 / (1 + d_jl) and d_jl is the distance of the
    two voxels' middles in voxels; N_j are the 26 (in 2-D 8) neighbours. As in the paper (whose J
    has G_jk without u_jk^q, which its memberships do not minimise),
    u_jk is proportional to (|y_j - v_k|^2 + G_jk)^(-1/(q-1)) and v_k = sum u^q y / sum u^q. No
    theorem says that J falls.

    Parameters
    ----------
    n_clusters, init, n_init, bins, channel_axis, random_state, q, max_iter, tol, move_centres, \
n_jobs
        As in `fuzzyseg.clustering.local`.

    Attributes
    ----------
    cluster_centers_, memberships_, labels_, objective_, history_, n_iter_, converged_
        As in `RFCM`.
    """

    def _rule(self, points: Points, extra: Any) -> Rule:  # noqa: ARG002
        weights = (1 / 2, 1 / (1 + sqrt(2)), 1 / (1 + sqrt(3)))
        return Rule(q=self.q, near="error", weights=weights)
