"""One iteration over an image: by the fused kernel for numpy, by plain arrays for torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from fuzzyseg import fuzzy
from fuzzyseg.clustering.arrays import exp, like, total

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from numpy.typing import NDArray

    from fuzzyseg.clustering.image import Points
    from fuzzyseg.clustering.rule import Rule

SLAB = 32  # planes worked on by one thread at a time; fixed, so results don't depend on n_jobs


class Sweep(Protocol):
    """One iteration; `u` (C, ...) holds the memberships."""

    u: Any

    def __call__(
        self, centres: NDArray[np.float64], *, update: bool = True, store: bool = True
    ) -> NDArray[np.float64]:
        """Do it at these centres.

        Parameters
        ----------
        centres : float64 ndarray of shape (C, D)
        update : bool
            False only evaluates the objective, of rules that remember.
        store : bool
            False leaves `u` as it is.

        Returns
        -------
        float64 ndarray of shape (C, D + 2)
            Sums of w y for each channel and of w, with w = u^q (times K) of the new memberships,
            and the objective's share.
        """


def in_slabs(
    work: Any, u: NDArray[Any], slabs: list[tuple[int, int]], pool: ThreadPoolExecutor
) -> NDArray[np.float64]:
    """Sum of work(slab, below, above) over slabs of planes of u (C, Z, P), which it overwrites.

    What neighbouring slabs need of each other's memberships is saved first.
    """
    depth, nothing = u.shape[1], np.zeros((u.shape[0], 1, u.shape[2]), u.dtype)
    below = [u[:, a - 1 : a].copy() if a > 0 else nothing for a, _ in slabs]
    above = [u[:, b : b + 1].copy() if b < depth else nothing for _, b in slabs]
    parts = list(pool.map(work, slabs, below, above))
    summed: NDArray[np.float64] = np.sum(parts, axis=0)
    return summed


class KernelSweep:
    """`_sweep.sweep`, by slabs of planes on several threads, in place."""

    def __init__(
        self, points: Points, u: NDArray[Any], rule: Rule, pool: ThreadPoolExecutor
    ) -> None:
        from fuzzyseg.clustering import _sweep

        local = rule.remembers or rule.radius
        space = points.space if local and len(points.space) > 1 else (points.y.shape[1], 1)
        self.shape = (1,) * (3 - len(space)) + tuple(space)
        depth, height, width = self.shape
        self.kernel, self.pool = _sweep.sweep, pool
        self.u = u.reshape(u.shape[0], depth, height * width)
        empty, number = np.empty(0, u.dtype), u.dtype.type
        self.y = points.y
        self.inside = empty if points.inside is None else points.inside.astype(u.dtype)
        self.rule = (
            float(rule.q),
            float(rule.rate),
            rule.base,
            rule.slope,
            empty if rule.extra is None else np.ascontiguousarray(rule.extra, u.dtype),
            np.array(rule.eta),  # a copy may be written to, as kernels are compiled for
            _sweep.FIELDS[rule.near],
            tuple(number(w) for w in rule.weights),
            float(rule.twice),
            int(rule.radius),
            float(rule.p),
            float(rule.s),
            self.shape,
        )
        self.seen = self.u if rule.remembers else self.u[..., :0]  # by neighbouring slabs
        step = SLAB if local else depth
        self.slabs = [(first, min(first + step, depth)) for first in range(0, depth, step)]

    def __call__(
        self, centres: NDArray[np.float64], *, update: bool = True, store: bool = True
    ) -> NDArray[np.float64]:
        """See `Sweep`."""
        v = np.array(centres)

        def work(
            slab: tuple[int, int], below: NDArray[Any], above: NDArray[Any]
        ) -> NDArray[np.float64]:
            sums: NDArray[np.float64] = self.kernel(
                self.y, self.u, self.inside, v, *self.rule,
                below, above, *slab, update, store,
            )  # fmt: skip
            return sums

        return in_slabs(work, self.seen, self.slabs, self.pool)


class ArraySweep:
    """The same in plain array operations, for numpy and torch alike, on any device."""

    def __init__(self, points: Points, u: Any, rule: Rule) -> None:
        self.y = points.y.reshape(points.y.shape[0], *points.space)
        self.u = u.reshape(u.shape[0], *points.space)
        self.rule, self.n_space = rule, len(points.space)
        self.inside = None if points.inside is None else points.mask * (self.y[0] * 0 + 1)
        self.extra = None if rule.extra is None else rule.extra.reshape(points.space)

    def __call__(
        self, centres: NDArray[np.float64], *, update: bool = True, store: bool = True
    ) -> NDArray[np.float64]:
        """See `Sweep`."""
        rule, y, q = self.rule, self.y, self.rule.q
        v = like(centres, y)
        distance = fuzzy.squared_distances(y, v)
        kernel = exp(-rule.rate * distance) if rule.rate else None
        delta = distance if kernel is None else 1.0 - kernel
        cost = delta
        if self.extra is not None:
            broad = (slice(None), *(None,) * self.n_space)
            cost = cost + like(rule.base, y)[broad] + like(rule.slope, y)[broad] * self.extra
        terms: Any = None
        if rule.remembers:
            uq = fuzzy.power(self.u, q)
            near = fuzzy.weighted_neighbour_sum(self._field(uq, delta), self.n_space, rule.weights)
            terms = uq * (cost + near)
            cost = cost + rule.twice * near
        if update:
            u = self._memberships(cost)
            uq = fuzzy.power(u, q)
            if terms is None:
                terms = uq * cost
            if rule.eta.size:
                eta: Any = like(rule.eta, y)[(slice(None), *(None,) * self.n_space)]
                rest = eta * fuzzy.power(1.0 - u, q)
                terms = terms + (rest if self.inside is None else rest * self.inside)
            if store:
                self.u = u
        weight = uq if kernel is None else uq * kernel
        sums = np.empty((len(centres), len(y) + 2))
        for k in range(len(centres)):
            sums[k] = [*(total(weight[k] * c) for c in y), total(weight[k]), total(terms[k])]
        return sums

    def _field(self, uq: Any, delta: Any) -> Any:
        if self.rule.near == "others":
            return uq.sum(0)[None] - uq
        field = fuzzy.power(1.0 - self.u, self.rule.q)
        field = field if self.rule.near == "doubt" else field * delta
        return field if self.inside is None else field * self.inside

    def _memberships(self, cost: Any) -> Any:
        rule = self.rule
        if rule.eta.size:
            u = fuzzy.typicalities(cost, like(rule.eta, cost), rule.q)
        else:
            u = fuzzy.memberships(cost, rule.q)
        u = u if self.inside is None else u * self.inside
        if rule.radius:
            h = fuzzy.window_sum(u, self.n_space, rule.radius)
            u = u**rule.p * h**rule.s
            u = u / u.sum(0)[None].clip(1e-30)
            u = u if self.inside is None else u * self.inside
        return u
