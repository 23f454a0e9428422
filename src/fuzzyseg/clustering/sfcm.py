"""Spatial fuzzy c-means: memberships multiplied by those of the window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fuzzyseg.clustering.checks import check_weight, check_window
from fuzzyseg.clustering.local import Local
from fuzzyseg.clustering.rule import Rule
from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from fuzzyseg.clustering.image import Points


@dataclass(kw_only=True, eq=False, repr=False)
class SFCM(Local):
    """Spatial fuzzy c-means, sFCM_(p,s) (Chuang et al. 2006).

    In each iteration the memberships u of fuzzy c-means become
    u'_jk = u_jk^p h_jk^s / sum_m u_jm^p h_jm^s, where h_jk is the sum of u_lk over the window
    around voxel j, itself included; centres are v_k = sum_j u'_jk^q y_j / sum_j u'_jk^q. It
    minimises no known objective: `history_` is sum_jk u'_jk^q |y_j - v_k|^2.

    Parameters
    ----------
    n_clusters, init, n_init, bins, channel_axis, random_state, q, max_iter, tol, move_centres, \
n_jobs
        As in `fuzzyseg.clustering.local`.
    p, s : float
        Exponents of the voxel's own membership and of the window's sum, at least 0 and not both
        0. (1, 0) is fuzzy c-means; the paper's best are (1, 1) and (0, 2).
    window : int
        Its width in voxels, odd; 1 with p = 1 and s = 0 is fuzzy c-means.

    Attributes
    ----------
    cluster_centers_, memberships_, labels_, objective_, history_, n_iter_, converged_
        As in `FCM_S`; but `history_` may rise.
    """

    p: float = 1.0
    s: float = 1.0
    window: int = 5

    def _check(self) -> None:
        super()._check()
        check_weight("an exponent p", self.p, "1 is the paper's")
        check_weight("an exponent s", self.s, "1 is the paper's")
        if self.p == self.s == 0:
            raise InputError("expected exponents p and s not both 0, found 0 and 0; use 1 and 1")
        check_window(self.window)

    def _rule(self, points: Points, extra: Any) -> Rule:  # noqa: ARG002
        radius = self.window // 2
        p, s = float(self.p), float(self.s)
        return Rule(q=self.q, radius=radius, p=p if radius else 1.0, s=s)
