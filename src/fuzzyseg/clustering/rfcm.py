"""Robust fuzzy c-means: eqs. (3) to (6)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from fuzzyseg.clustering.base import Centred
from fuzzyseg.clustering.checks import points_to_predict
from fuzzyseg.clustering.image import Points, as_points
from fuzzyseg.clustering.solver import (
    Fit,
    assign,
    kernel_arguments,
    next_centres,
    solve,
)
from fuzzyseg.errors import InputError
from fuzzyseg.fuzzy import Neighbours, check_exponent, check_neighbours

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_START_ITERATIONS = 300  # at most, of the fuzzy c-means that RFCM starts from
_SLAB = 32  # planes worked on by one thread at a time; fixed, so results don't depend on n_jobs


class _Sweep:
    """One iteration over an image, by slabs of planes on several threads, in place.

    `points` holds the image, `u` (C, N) the memberships.
    """

    def __init__(
        self,
        points: Points,
        u: NDArray[Any],
        q: float,
        beta: float,
        neighbours: Neighbours,
        pool: ThreadPoolExecutor,
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
        self.kernel = _kernels.rfcm_pass
        self.y = points.y
        self.u = u.reshape(u.shape[0], depth, height * width)
        self.inside = np.empty(0, u.dtype)
        if points.inside is not None:
            self.inside = points.inside.astype(u.dtype)
        self.classes, self.q, self.kind = kernel_arguments(u.shape[0], q)
        self.beta, self.corners, self.pool = float(beta), neighbours == "all", pool
        self.slabs = [(first, min(first + _SLAB, depth)) for first in range(0, depth, _SLAB)]
        self.nothing = np.zeros((u.shape[0], 1, height * width), u.dtype)

    def __call__(self, centres: NDArray[np.float64], *, update: bool) -> NDArray[np.float64]:
        """Run the kernel at these centres and return the sums that it documents."""

        def work(
            slab: tuple[int, int], below: NDArray[Any], above: NDArray[Any]
        ) -> NDArray[np.float64]:
            sums: NDArray[np.float64] = self.kernel(
                self.y,
                self.u,
                self.inside,
                self.classes,
                centres,
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

        # Slabs are updated in place: what their neighbours need of them is saved first.
        depth = self.shape[0]
        below = [self.u[:, a - 1 : a].copy() if a > 0 else self.nothing for a, _ in self.slabs]
        above = [self.u[:, b : b + 1].copy() if b < depth else self.nothing for _, b in self.slabs]
        parts = list(self.pool.map(work, self.slabs, below, above))
        total: NDArray[np.float64] = np.sum(parts, axis=0)
        return total


def iterate_robust(
    sweep: _Sweep,
    start: NDArray[np.float64],
    *,
    max_iter: int,
    tol: float,
    reach: NDArray[np.float64],
    move_centres: bool,
) -> Fit:
    """Alternate eq. (5), all voxels at once, and eq. (6); the sweep's memberships in place.

    Stops when no centre moved more than `tol` times `reach` (D,), the range of each channel,
    and the objective changed by less than `tol` of itself. `history` has one entry more than
    there are iterations: the objective before each, and at the end.
    """
    n_channels = start.shape[1]
    fit = Fit(start)
    for fit.n_iter in range(1, max_iter + 1):
        sums = sweep(fit.centres, update=True)
        fit.history.append(float(sums[:, n_channels + 1].sum()))
        centres = next_centres(sums, fit.centres) if move_centres else fit.centres
        at_rest = bool((np.abs(centres - fit.centres) <= tol * reach).all())
        fit.centres = centres
        if at_rest and len(fit.history) > 1:
            before, now = fit.history[-2:]
            if abs(before - now) <= tol * abs(before):
                fit.converged = True
                break
    fit.history.append(float(sweep(fit.centres, update=False)[:, n_channels + 1].sum()))
    return fit


@dataclass(kw_only=True, eq=False, repr=False)
class RFCM(Centred):
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

    q: float = 2.0
    beta: float = 1e-3
    neighbours: Neighbours = "all"
    max_iter: int = 100
    tol: float = 1e-4
    move_centres: bool = True
    n_jobs: int = 1

    def fit(self, image: ArrayLike, mask: ArrayLike | None = None) -> Self:
        """Find centres and memberships of an image.

        Parameters
        ----------
        image : ndarray of shape (*space,), or with D channels along `channel_axis`
            One to three axes of space.
        mask : bool ndarray of shape (*space,), optional
            Voxels to cluster; all by default. Those outside are nobody's neighbours.

        Raises
        ------
        InputError
            If a parameter is out of range, or the image is not finite or nearly constant, has
            more than three axes, or more than one and over 4096 voxels along the last.
        """
        self._check()
        points = as_points(image, mask, self.channel_axis)
        y = points.counted
        plain = solve(
            y,
            self.n_clusters,
            self.q,
            init=self.init,
            n_init=self.n_init,
            max_iter=max(self.max_iter, _START_ITERATIONS),
            tol=self.tol,
            bins=self.bins,
            random_state=self.random_state,
            move_centres=self.move_centres,
        )
        reach = np.ptp(y, axis=1).astype(np.float64)
        u, labels, found = self._run(points, plain.centres, reach, move_centres=self.move_centres)
        self.cluster_centers_ = found.centres
        self.history_ = found.history
        self.objective_ = found.history[-1]
        self.n_iter_ = found.n_iter
        self.converged_ = found.converged
        self.memberships_, self.labels_ = u, labels
        return self

    def _assign(
        self, image: ArrayLike, mask: ArrayLike | None
    ) -> tuple[NDArray[Any], NDArray[np.int8]]:
        self._check()
        points = points_to_predict(self, image, mask, self.channel_axis)
        reach = np.zeros(points.y.shape[0])
        u, labels, _ = self._run(points, self.cluster_centers_, reach, move_centres=False)
        return u, labels

    def _check(self) -> None:
        super()._check()
        check_exponent(self.q)
        check_neighbours(self.neighbours)
        if not (np.isfinite(self.beta) and self.beta >= 0):
            raise InputError(
                f"expected a spatial weight beta >= 0, found {self.beta}; 0 is fuzzy c-means, "
                "1e-3 suits images scaled to [0, 1]"
            )
        if self.n_jobs < 1:
            raise InputError(f"expected n_jobs >= 1, found {self.n_jobs}; use 1 for one thread")

    def _run(
        self,
        points: Points,
        centres: NDArray[np.float64],
        reach: NDArray[np.float64],
        *,
        move_centres: bool,
    ) -> tuple[NDArray[Any], NDArray[np.int8], Fit]:
        from fuzzyseg.clustering import _kernels

        if len(points.space) > 3:
            raise InputError(
                f"expected one to three axes of space, found {len(points.space)} in shape "
                f"{points.space}; name the channels with channel_axis or pass one volume"
            )
        u, labels, _ = assign(points.y, centres, self.q)
        if points.inside is not None:
            u *= points.inside
        with ThreadPoolExecutor(max_workers=self.n_jobs) as pool:
            sweep = _Sweep(points, u, self.q, self.beta, self.neighbours, pool)
            found = iterate_robust(
                sweep,
                centres,
                max_iter=self.max_iter,
                tol=self.tol,
                reach=reach,
                move_centres=move_centres,
            )
        order = np.argsort(found.centres[:, 0], kind="stable")
        if (order != np.arange(order.size)).any():
            found.centres, u = found.centres[order], u[order]
        _kernels.harden(u, kernel_arguments(u.shape[0], self.q)[0], labels)
        if points.inside is not None:
            labels[~points.inside] = -1
        return u.reshape(-1, *points.space), labels.reshape(points.space), found
