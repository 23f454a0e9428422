"""The base of every method that looks around: a filter, a rule, and the rest."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from fuzzyseg.clustering.arrays import harden, is_tensor, to_host
from fuzzyseg.clustering.base import Centred
from fuzzyseg.clustering.checks import points_to_predict
from fuzzyseg.clustering.image import Points, as_points
from fuzzyseg.clustering.iteration import iterate_centres, iterate_with_memory
from fuzzyseg.clustering.solver import Fit, assign, kernel_arguments, solve
from fuzzyseg.clustering.sweeps import ArraySweep, KernelSweep
from fuzzyseg.errors import InputError
from fuzzyseg.fuzzy import check_exponent

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from fuzzyseg.clustering.rule import Rule
    from fuzzyseg.clustering.sweeps import Sweep

_START_ITERATIONS = 300  # at most, of the fuzzy c-means that every method starts from


@dataclass(kw_only=True, eq=False, repr=False)
class Local(Centred):
    """A method that `Rule` describes; it starts from fuzzy c-means of its (filtered) image.

    A subclass says what its `_rule` is and, where it filters, its `_filtered` image.

    Parameters
    ----------
    q : float
        Fuzzy exponent, at least 1.
    max_iter : int
        Most iterations.
    tol : float
        Stop when in one iteration no centre moves more than `tol` times the intensities' range
        (in any channel) and, where memberships depend on the previous ones, the objective
        changes by less than `tol` of itself.
    move_centres : bool
        False fixes the centres where they start.
    n_jobs : int
        Threads. The result does not depend on it.
    """

    q: float = 2.0
    max_iter: int = 100
    tol: float = 1e-4
    move_centres: bool = True
    n_jobs: int = 1

    @property
    def _beside(self) -> int:
        """Channels of the image that are not clustered."""
        return 0

    def _rule(self, points: Points, extra: Any) -> Rule:
        """Numbers of the method, for points (filtered) and the filter's map."""
        raise NotImplementedError

    def _filtered(self, points: Points) -> tuple[Points, Any]:
        """Image that is clustered, and a map (N,) that raises costs, or None."""
        return points, None

    def _prepare(self, points: Points, centres: NDArray[np.float64]) -> None:
        """Take from fuzzy c-means what the rule needs."""

    def _reorder(self, order: NDArray[np.intp]) -> None:
        """Classes are about to be put into this order."""

    def _check(self) -> None:
        super()._check()
        check_exponent(self.q)
        if self.n_jobs < 1:
            raise InputError(f"expected n_jobs >= 1, found {self.n_jobs}; use 1 for one thread")

    def _sweep(self, points: Points, u: Any, rule: Rule, pool: ThreadPoolExecutor) -> Sweep:
        if is_tensor(u):
            return ArraySweep(points, u, rule)
        return KernelSweep(points, u, rule, pool)

    def fit(self, image: ArrayLike, mask: ArrayLike | None = None) -> Self:
        """Find centres and memberships of an image.

        Parameters
        ----------
        image : ndarray or tensor of shape (*space,), or with D channels along `channel_axis`
            One to three axes of space where neighbours' memberships are looked at.
        mask : bool ndarray of shape (*space,), optional
            Voxels to cluster; all by default. Those outside are nobody's neighbours.

        Raises
        ------
        InputError
            If a parameter is out of range, or the image is not finite or nearly constant, or has
            too many axes.
        """
        self._check()
        points, extra = self._filtered(as_points(image, mask, self.channel_axis))
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
        self._prepare(points, plain.centres)
        reach = np.ptp(to_host(y), axis=1).astype(np.float64)
        rule = self._rule(points, extra)
        u, labels, found = self._run(
            points, rule, plain.centres, reach, move_centres=self.move_centres
        )
        self.cluster_centers_ = found.centres
        self.history_ = found.history
        self.objective_ = found.history[-1]
        self.n_iter_ = found.n_iter
        self.converged_ = found.converged
        self.memberships_, self.labels_ = u, labels
        return self

    def _assign(self, image: ArrayLike, mask: ArrayLike | None) -> tuple[Any, Any]:
        self._check()
        given = points_to_predict(self, image, mask, self.channel_axis, self._beside)
        points, extra = self._filtered(given)
        reach = np.zeros(points.y.shape[0])
        rule = self._rule(points, extra)
        return self._run(points, rule, self.cluster_centers_, reach, move_centres=False)[:2]

    def _run(
        self,
        points: Points,
        rule: Rule,
        centres: NDArray[np.float64],
        reach: NDArray[np.float64],
        *,
        move_centres: bool,
    ) -> tuple[Any, Any, Fit]:
        if (rule.remembers or rule.radius) and len(points.space) > 3:
            raise InputError(
                f"expected one to three spatial axes, found {len(points.space)} in shape "
                f"{points.space}; name the channels with channel_axis or pass one volume"
            )
        u, labels, _ = assign(points.y, centres, self.q)
        if points.inside is not None:
            u *= points.inside
        how: dict[str, Any] = {"max_iter": self.max_iter, "tol": self.tol, "reach": reach}
        with ThreadPoolExecutor(max_workers=self.n_jobs) as pool:
            sweep = self._sweep(points, u, rule, pool)
            if rule.remembers:
                found = iterate_with_memory(sweep, centres, move_centres=move_centres, **how)
            else:
                accelerate = rule.descends and getattr(self, "accelerate", False)
                found = iterate_centres(
                    sweep, centres, move_centres=move_centres, accelerate=accelerate, **how
                )
        found.history = [rule.scale * value for value in found.history]
        u = sweep.u.reshape(len(centres), -1)
        order = np.argsort(found.centres[:, 0], kind="stable")
        if (order != np.arange(order.size)).any():
            found.centres, u = found.centres[order], u[order]
            if move_centres:
                self._reorder(order)
        if is_tensor(u):
            labels = harden(u)
        else:
            from fuzzyseg.clustering import _kernels

            _kernels.harden(u, kernel_arguments(u.shape[0], self.q)[0], labels)
        if points.inside is not None:
            labels[~points.inside] = -1
        return u.reshape(-1, *points.space), labels.reshape(points.space), found


@dataclass(kw_only=True, eq=False, repr=False)
class Accelerated(Local):
    """One whose memberships depend on the centres alone, and whose objective never rises.

    Parameters
    ----------
    accelerate : bool
        Extrapolate centres from their last steps (`fuzzyseg.clustering.iteration`): fewer
        iterations to the same solution. A step that would raise the objective is taken back.
    """

    accelerate: bool = True
