"""Robust fuzzy c-means with a prior from CT."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.clustering.arrays import is_tensor
from fuzzyseg.clustering.checks import check_weight
from fuzzyseg.clustering.image import Points, frozen
from fuzzyseg.clustering.rfcm import RFCM
from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from fuzzyseg.clustering.rule import Rule


@dataclass(kw_only=True, eq=False, repr=False)
class RFCM_CT(RFCM):  # noqa: N801
    """Robust fuzzy c-means that believes a CT (after Chen, Jha and Frey 2019).

    J = J_RFCM + gamma sum_j sum_k u_jk^q p_jk, where p_jk is z_j for the lowest class, the
    background, and 1 - z_j for all others: where the CT shows bone, z_j = 1, bone and lesion are
    favoured, and background elsewhere. gamma = 0, or no prior, is `RFCM` to the bit.

    The authors' published code gives gamma sum_{m != k} w_jm with w = 1 for the CT's class, and
    for lesion where the iteration before labelled one; so it favours bone where the CT shows
    bone, and treats lesion as well only where it was found already. Here both count alike, and
    the objective is fixed.

    Parameters
    ----------
    n_clusters, init, n_init, bins, channel_axis, random_state, q, max_iter, tol, move_centres, \
n_jobs, neighbours
        As in `RFCM`.
    beta : float
        As in `RFCM`; the default is the published one.
    gamma : float
        Weight of the prior, at least 0, in units of intensity squared. Published: 0.005 to 0.05,
        for images scaled to a maximum of 1.
    channel_axis : int or None
        The last channel along it is the prior z, from 0 to 1, and is not clustered; None for an
        image without one.

    Attributes
    ----------
    cluster_centers_, memberships_, labels_, objective_, history_, n_iter_, converged_
        As in `RFCM`.
    """

    beta: float = 5e-4
    gamma: float = 0.01

    def _check(self) -> None:
        super()._check()
        check_weight("a prior's weight gamma", self.gamma, "0 is RFCM, 0.005 to 0.05 is usual")

    @property
    def _beside(self) -> int:
        return 0 if self.channel_axis is None else 1

    def _filtered(self, points: Points) -> tuple[Points, Any]:
        if not self._beside:
            return points, None
        if len(points.y) < 2:
            raise InputError(
                "expected at least 2 channels, of which the last is the prior, found 1; add the "
                "prior, or use channel_axis=None"
            )
        image, prior = points.y[:-1], points.y[-1]
        low, high = float(prior.min()), float(prior.max())
        if low < 0 or high > 1:
            raise InputError(
                f"expected a prior from 0 to 1 in the last channel, found {low:g} to {high:g}; "
                "scale it"
            )
        image = image if is_tensor(image) else frozen(image)
        return Points(image, points.space, points.inside), prior if self.gamma else None

    def _rule(self, points: Points, extra: Any) -> Rule:
        rule = super()._rule(points, extra)
        if extra is None:
            return rule
        base = np.full(self.n_clusters, float(self.gamma))
        slope = -base
        base[0], slope[0] = 0.0, self.gamma
        return replace(rule, base=base, slope=slope, extra=extra)
