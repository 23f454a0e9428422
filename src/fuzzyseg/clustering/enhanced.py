"""Fuzzy c-means of an image that was filtered once: EnFCM and FGFCM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuzzyseg.clustering.checks import check_weight, check_width, check_window
from fuzzyseg.clustering.fcm import CMeans
from fuzzyseg.clustering.filters import local_mean, similarity_mean

if TYPE_CHECKING:
    from fuzzyseg.clustering.image import Points


@dataclass(kw_only=True, eq=False, repr=False)
class EnFCM(CMeans):
    """EnFCM (Szilagyi et al. 2003): fuzzy c-means of each voxel averaged with its neighbours.

    The image xi_j = ( y_j + alpha / N_j sum_{l in N_j} y_l ) / (1 + alpha), N_j the other voxels
    of the window, is clustered by its histogram: the fastest of the family.

    Parameters
    ----------
    n_clusters, init, n_init, max_iter, tol, bins, channel_axis, random_state, q, move_centres
        As in `FCM`.
    alpha : float
        Weight of the neighbours, at least 0; 0 is fuzzy c-means.
    window : int
        Its width in voxels, odd; 1 is fuzzy c-means.

    Attributes
    ----------
    cluster_centers_, memberships_, labels_, objective_, history_, n_iter_, converged_
        As in `FCM`, of the image xi.
    """

    q: float = 2.0
    alpha: float = 1.0
    window: int = 3
    move_centres: bool = True

    def _check(self) -> None:
        super()._check()
        check_weight("a spatial weight alpha", self.alpha, "0 is fuzzy c-means, 1 is usual")
        check_window(self.window)

    def _filtered(self, points: Points) -> Points:
        if self.window == 1 or self.alpha == 0:
            return points
        y, alpha = points.image, float(self.alpha)
        mean = local_mean(y, points.mask, self.window // 2, itself=False)
        return points.with_image((y + alpha * mean) / (1 + alpha))


@dataclass(kw_only=True, eq=False, repr=False)
class FGFCM(CMeans):
    """FGFCM (Cai, Chen and Zhang 2007): fuzzy c-means of means that keep edges.

    The image xi_j = sum_l S_jl y_l / sum_l S_jl over the other voxels of the window, weighted by
    nearness and likeness, S_jl = exp( -max_axis |x_l - x_j| / spatial - |y_l - y_j|^2 / (grey
    sigma_j^2) ), is clustered by its histogram; sigma_j^2 is the mean of |y_l - y_j|^2.

    Parameters
    ----------
    n_clusters, init, n_init, max_iter, tol, bins, channel_axis, random_state, q, move_centres
        As in `FCM`.
    spatial : float
        The paper's lambda_s, in voxels, above 0.
    grey : float
        The paper's lambda_g, above 0: the larger, the less likeness matters.
    window : int
        Its width in voxels, odd; 1 is fuzzy c-means.

    Attributes
    ----------
    cluster_centers_, memberships_, labels_, objective_, history_, n_iter_, converged_
        As in `FCM`, of the image xi.
    """

    q: float = 2.0
    spatial: float = 3.0
    grey: float = 6.0
    window: int = 3
    move_centres: bool = True

    def _check(self) -> None:
        super()._check()
        check_width("spatial", self.spatial, "3 voxels are the paper's")
        check_width("grey", self.grey, "6 is the paper's")
        check_window(self.window)

    def _filtered(self, points: Points) -> Points:
        if self.window == 1:
            return points
        mean = similarity_mean(
            points.image, points.mask, self.window // 2, float(self.spatial), float(self.grey)
        )
        return points.with_image(mean)
