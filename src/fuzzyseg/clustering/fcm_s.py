"""Fuzzy c-means whose voxels also count as their neighbourhood's mean or median."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fuzzyseg.clustering.checks import check_weight, check_window
from fuzzyseg.clustering.filters import local_mean, local_median, local_spread
from fuzzyseg.clustering.local import Accelerated
from fuzzyseg.clustering.rule import Rule

if TYPE_CHECKING:
    from fuzzyseg.clustering.image import Points

import numpy as np


@dataclass(kw_only=True, eq=False, repr=False)
class _Twofold(Accelerated):
    """J = sum_jk u_jk^q ( |y_j - v_k|^2 + alpha |b_j - v_k|^2 + alpha s_j ), b and s filters of y.

    With xi = (y + alpha b) / (1 + alpha) the bracket is (1 + alpha) ( |xi - v|^2 + o ), where
    o = alpha |y - b|^2 / (1 + alpha)^2 + alpha s / (1 + alpha) is the same for all classes. So
    each of the three methods is fuzzy c-means of one filtered image, with a map added to the
    squared distances, and its centres are those of the papers:
    v_k = sum_j u_jk^q (y_j + alpha b_j) / ((1 + alpha) sum_j u_jk^q).
    """

    alpha: float = 1.0
    window: int = 3

    def _check(self) -> None:
        super()._check()
        check_weight("a spatial weight alpha", self.alpha, "0 is fuzzy c-means, 1 is usual")
        check_window(self.window)

    def _smooth(self, y: Any, inside: Any, radius: int) -> tuple[Any, Any]:
        """Compute the filters b (D, *space) and s (*space,) of y (D, *space)."""
        raise NotImplementedError

    def _filtered(self, points: Points) -> tuple[Points, Any]:
        y, radius, alpha = points.image, self.window // 2, float(self.alpha)
        if radius == 0 or alpha == 0:
            return points, None
        b, s = self._smooth(y, points.mask, radius)
        apart = y - b
        extra = alpha / (1 + alpha) ** 2 * (apart * apart).sum(0) + alpha / (1 + alpha) * s
        return points.with_image((y + alpha * b) / (1 + alpha)), extra.reshape(-1)

    def _rule(self, points: Points, extra: Any) -> Rule:  # noqa: ARG002
        zeros, ones = np.zeros(self.n_clusters), np.ones(self.n_clusters)
        scale = 1.0 if extra is None else 1 + self.alpha
        return Rule(q=self.q, base=zeros, slope=ones, extra=extra, scale=scale)


@dataclass(kw_only=True, eq=False, repr=False)
class FCM_S(_Twofold):  # noqa: N801
    """FCM_S (Ahmed et al. 2002): each voxel's neighbours count as much as `alpha` of itself.

    J = sum_j sum_k u_jk^q ( |y_j - v_k|^2 + alpha / N_j sum_{l in N_j} |y_l - v_k|^2 ), N_j the
    other voxels of the window. Without their estimate of the bias field, as in Chen and Zhang
    2004. It costs no more than fuzzy c-means: the neighbours' sum is
    alpha |b_j - v_k|^2 + alpha s_j, with their mean b_j and their variance s_j.

    Parameters
    ----------
    n_clusters, init, n_init, bins, channel_axis, random_state, q, max_iter, tol, move_centres, \
n_jobs, accelerate
        As in `fuzzyseg.clustering.local`.
    alpha : float
        Weight of the neighbours, at least 0; 0 is fuzzy c-means.
    window : int
        Its width in voxels, odd; 1 is fuzzy c-means.

    Attributes
    ----------
    cluster_centers_, memberships_, labels_, n_iter_, converged_
        As in `FCM`.
    history_ : list of float
        J at the centres passed through and at the end; it never rises.
    objective_ : float
        J at the end.
    """

    def _smooth(self, y: Any, inside: Any, radius: int) -> tuple[Any, Any]:
        return local_mean(y, inside, radius, itself=False), local_spread(y, inside, radius)


@dataclass(kw_only=True, eq=False, repr=False)
class FCM_S1(_Twofold):  # noqa: N801
    """FCM_S1 (Chen and Zhang 2004): FCM_S with the window's mean in place of its voxels.

    J = sum_j sum_k u_jk^q ( |y_j - v_k|^2 + alpha |b_j - v_k|^2 ), b_j the mean of the window,
    the voxel itself included. Good against Gaussian noise. Parameters and attributes as `FCM_S`.
    """

    def _smooth(self, y: Any, inside: Any, radius: int) -> tuple[Any, Any]:
        return local_mean(y, inside, radius, itself=True), 0.0


@dataclass(kw_only=True, eq=False, repr=False)
class FCM_S2(_Twofold):  # noqa: N801
    """FCM_S2 (Chen and Zhang 2004): FCM_S1 with the window's median; good against outliers.

    Parameters and attributes as `FCM_S`. Of vectors, the median of each channel.
    """

    def _smooth(self, y: Any, inside: Any, radius: int) -> tuple[Any, Any]:
        return local_median(y, inside, radius), 0.0
