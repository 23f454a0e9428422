"""Robust fuzzy c-means: eqs. (3) to (6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.clustering.arrays import is_tensor
from fuzzyseg.clustering.checks import check_weight
from fuzzyseg.clustering.local import Local
from fuzzyseg.clustering.rule import Rule
from fuzzyseg.clustering.solver import kernel_arguments
from fuzzyseg.clustering.sweeps import SLAB, ArraySweep, in_slabs
from fuzzyseg.errors import InputError
from fuzzyseg.fuzzy import Neighbours, check_neighbours

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from numpy.typing import NDArray

    from fuzzyseg.clustering.image import Points
    from fuzzyseg.clustering.sweeps import Sweep


class RobustSweep:
    """One iteration by `_kernels.rfcm_pass`, which is faster than the family's kernel."""

    def __init__(
        self, points: Points, u: NDArray[Any], rule: Rule, pool: ThreadPoolExecutor
    ) -> None:
        from fuzzyseg.clustering import _kernels

        self.shape = (1,) * (3 - len(points.space)) + points.space
        if len(points.space) == 1:  # as a column, which may be of any length
            self.shape = (1, *points.space, 1)
        depth, height, width = self.shape
        if width > _kernels.MAX_ROW:
            raise InputError(
                f"expected a last axis of at most {_kernels.MAX_ROW} voxels, found {width}; "
                "transpose the image"
            )
        self.kernel, self.pool = _kernels.rfcm_pass, pool
        self.y = points.y
        self.u = u.reshape(u.shape[0], depth, height * width)
        nothing = np.empty(0, u.dtype)
        self.inside = nothing if points.inside is None else points.inside.astype(u.dtype)
        self.extra = nothing if rule.extra is None else rule.extra.astype(u.dtype)
        self.classes, self.q, self.kind = kernel_arguments(u.shape[0], rule.q)
        self.beta, self.corners = float(rule.weights[0]), rule.weights[1] > 0
        self.base, self.slope = rule.base, rule.slope
        self.slabs = [(first, min(first + SLAB, depth)) for first in range(0, depth, SLAB)]

    def __call__(
        self,
        centres: NDArray[np.float64],
        *,
        update: bool = True,
        store: bool = True,  # noqa: ARG002
    ) -> NDArray[np.float64]:
        """Run the kernel at these centres and return the sums that it documents."""
        v = np.array(centres)  # a copy may be written to, as the kernel is compiled for

        def work(
            slab: tuple[int, int], below: NDArray[Any], above: NDArray[Any]
        ) -> NDArray[np.float64]:
            sums: NDArray[np.float64] = self.kernel(
                self.y,
                self.u,
                self.inside,
                self.extra,
                self.base,
                self.slope,
                self.classes,
                v,
                self.q,
                self.kind,
                self.beta,
                self.corners,
                self.shape,
                below,
                above,
                *slab,
                update,
            )
            return sums

        return in_slabs(work, self.u, self.slabs, self.pool)


@dataclass(kw_only=True, eq=False, repr=False)
class RFCM(Local):
    """Robust fuzzy c-means (Pham 2001): eq. (3), fuzzy c-means with a spatial penalty.

    J = sum_j sum_k u_jk^q ( |y_j - v_k|^2 + beta sum_{l in N_j} sum_{m != k} u_lm^q )

    All voxels are updated at once, from their neighbours' previous memberships u'. At fixed
    centres that minimises, and so never raises, the sum over j and k of u_jk^q |y_j - v_k|^2,
    of the same for u', and of 2 beta u_jk^q times what u' has next to j in other classes. It
    ends at rest, or with voxels that blink between two states: J itself may rise, and does
    with q = 1, or where beta is as large as the squared contrast (docs/clustering.md).

    Parameters
    ----------
    n_clusters : int
        Number of classes C, 2 to 127.
    q : float
        Fuzzy exponent, at least 1; 1 gives hard memberships (iterated conditional modes).
    beta : float
        Spatial weight, at least 0, in units of intensity squared: the default suits images
        scaled to [0, 1]. 0 is fuzzy c-means.
    neighbours : {"all", "faces"}
        "all": 26 (in 2-D 8) neighbours; "faces": 6 (4).
    init, n_init, bins, channel_axis, random_state, move_centres
        As in `FCM`, whose solution is where the iteration starts.
    max_iter : int
        Most iterations.
    tol : float
        Stop when in one iteration J changes by less than `tol` of itself and no centre moves
        more than `tol` times the intensities' range, in any channel.
    n_jobs : int
        Threads. The result does not depend on it.

    Attributes
    ----------
    cluster_centers_, memberships_, labels_, n_iter_, converged_
        As in `FCM`, but `cluster_centers_` are eq. (6) at `memberships_`.
    history_ : list of float
        J before every iteration and at the end, n_iter_ + 1 numbers.
    objective_ : float
        J at `memberships_` and `cluster_centers_`, the last entry of `history_`.
    """

    beta: float = 1e-3
    neighbours: Neighbours = "all"

    def _check(self) -> None:
        super()._check()
        check_neighbours(self.neighbours)
        usual = "0 is fuzzy c-means, 1e-3 suits images scaled to [0, 1]"
        check_weight("a spatial weight beta", self.beta, usual)

    def _rule(self, points: Points, extra: Any) -> Rule:  # noqa: ARG002
        apart = 3 if self.neighbours == "all" else 1
        weights = tuple(float(self.beta) * (i < apart) for i in range(3))
        return Rule(q=self.q, near="others", weights=weights, twice=2.0)  # type: ignore[arg-type]

    def _sweep(self, points: Points, u: Any, rule: Rule, pool: ThreadPoolExecutor) -> Sweep:
        return ArraySweep(points, u, rule) if is_tensor(u) else RobustSweep(points, u, rule, pool)
