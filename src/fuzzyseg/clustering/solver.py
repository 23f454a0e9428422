"""Fuzzy c-means of points: from starts over the histogram to the exact solution."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg import fuzzy
from fuzzyseg.clustering.arrays import harden, is_tensor, like, to_host, total
from fuzzyseg.clustering.image import frozen
from fuzzyseg.clustering.starts import Start, start_centres
from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

SMALLEST_RANGE, LARGEST_RANGE = 1e-12, 1e15  # of intensities whose squares are summed in float32


@dataclass
class Fit:
    """Where an iteration ended.

    Parameters
    ----------
    centres : float64 ndarray of shape (C, D)
    history : list of float
        The objective at every iteration.
    n_iter : int
    converged : bool
        The centres moved less than the tolerance in the last iteration.
    """

    centres: NDArray[np.float64]
    history: list[float] = field(default_factory=list)
    n_iter: int = 0
    converged: bool = False


def kernel_arguments(n_clusters: int, q: float) -> tuple[tuple[int, ...], float, tuple[int, ...]]:
    """`classes`, `q` and `kind` for the kernels, always of the types they are compiled for."""
    return (0,) * n_clusters, float(q), (0,) * int(q) if q in (1, 2, 3) else ()


def histogram(y: NDArray[Any], n_bins: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Occupied bins of a scalar image: their means (1, B) and [counts, sums of squares] (2, B)."""
    from fuzzyseg.clustering import _kernels

    low, high = float(y.min()), float(y.max())
    if low == high:
        return np.array([[low]]), np.array([[y.size], [y.size * low * low]])
    moments = _kernels.histogram(y.reshape(-1), low, high, n_bins)
    count, total, squares = moments[:, moments[0] > 0]
    return (total / count)[None], np.stack([count, squares])


def iterate(
    y: NDArray[Any],
    weight: NDArray[Any] | None,
    start: NDArray[np.float64],
    q: float,
    *,
    max_iter: int,
    tol: NDArray[np.float64],
    move_centres: bool = True,
) -> Fit:
    """Alternate eqs. (5) and (6) until no centre moves more than `tol`.

    Parameters
    ----------
    y : ndarray of shape (D, N)
    weight : ndarray of shape (N,) or None
    start : float64 ndarray of shape (C, D)
    q : float
    max_iter : int
    tol : float64 ndarray of shape (D,)
        In units of intensity.
    """
    if is_tensor(y):
        return _iterate_tensor(y, start, q, max_iter=max_iter, tol=tol, move_centres=move_centres)
    from fuzzyseg.clustering import _kernels

    classes, q, kind = kernel_arguments(start.shape[0], q)
    w = np.empty(0, y.dtype) if weight is None else weight
    centres, no_u = start.copy(), np.empty((start.shape[0], 0), y.dtype)
    history, converged = _kernels.fcm(
        y, w, classes, centres, q, kind, tol, max_iter, move_centres, no_u
    )
    return Fit(centres, history.tolist(), len(history), converged)


def _iterate_tensor(
    y: Any,
    start: NDArray[np.float64],
    q: float,
    *,
    max_iter: int,
    tol: NDArray[np.float64],
    move_centres: bool,
) -> Fit:
    fit = Fit(start.copy())
    for fit.n_iter in range(1, max_iter + 1):
        squared = fuzzy.squared_distances(y, like(fit.centres, y))
        uq = fuzzy.power(fuzzy.memberships(squared, q), q)
        fit.history.append(total(uq * squared))
        sums = np.array([[*(total(w * c) for c in y), total(w), 0.0] for w in uq])
        before = fit.centres
        fit.centres = next_centres(sums, before) if move_centres else before
        if (np.abs(fit.centres - before) <= tol).all():
            fit.converged = True
            break
    return fit


def next_centres(sums: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Eq. (6) from a kernel's sums (C, D + 2); a class without any membership keeps its centre."""
    n_channels = centres.shape[1]
    total = sums[:, n_channels, None]
    moved = centres.copy()
    np.divide(sums[:, :n_channels], total, out=moved, where=total > 0)
    return moved


def solve(
    y: NDArray[Any],
    n_clusters: int,
    q: float,
    *,
    init: Start | ArrayLike,
    n_init: int,
    max_iter: int,
    tol: float,
    bins: int | None,
    random_state: int | None,
    move_centres: bool = True,
) -> Fit:
    """Fuzzy c-means of points (D, N) from the best of several starts.

    A scalar image is first solved on its histogram, each bin at the mean of its voxels: that
    takes microseconds an iteration, so starts are nearly free. A few exact passes over the
    voxels then remove what the bins' width left.
    """
    host = frozen(to_host(y))
    span = intensity_range(host)
    points, weight, coarse = y, None, False
    if y.shape[0] == 1:
        bin_means, (count, _) = histogram(host, min(bins or 2**14, max(host.size // 8, 2**12)))
        if bin_means.shape[1] < n_clusters:  # one value far off leaves the rest in one bin
            values, count = np.unique(host, return_counts=True)
            bin_means = values[None]
        starts = start_centres(bin_means, count, n_clusters, init, n_init, random_state)
        coarse = bins is not None and bin_means.shape[1] < y.shape[1]
        if coarse:
            points, weight = frozen(bin_means.astype(host.dtype)), count.astype(host.dtype)
    else:
        starts = start_centres(host, None, n_clusters, init, n_init, random_state)
    # On the histogram an iteration costs nothing: let it come to rest, as far as digits go.
    limit = span * (max(tol / 100, 2 * float(np.finfo(host.dtype).eps)) if coarse else tol)
    run = partial(iterate, q=q, max_iter=max_iter, move_centres=move_centres)
    fits = [run(points, weight, v, tol=limit) for v in starts]
    best = min(fits, key=lambda fit: fit.history[-1])
    if coarse:
        exact = run(y, None, best.centres, tol=span * tol)
        best.centres, best.converged = exact.centres, exact.converged
        best.n_iter += exact.n_iter
    best.centres = best.centres[np.argsort(best.centres[:, 0], kind="stable")]
    return best


def intensity_range(y: NDArray[Any]) -> NDArray[np.float64]:
    """Range of each channel of points (D, N), shape (D,).

    Raises
    ------
    InputError
        If squares of it are beyond what float32 holds with digits to spare.
    """
    span: NDArray[np.float64] = np.ptp(y, axis=1).astype(np.float64)
    varied = span[span > 0]
    if varied.size and not SMALLEST_RANGE <= varied.min() <= varied.max() <= LARGEST_RANGE:
        raise InputError(
            f"expected intensities that range over {SMALLEST_RANGE:g} to {LARGEST_RANGE:g}, found "
            f"a range of {varied.min():g} to {varied.max():g}; rescale the image, say to a "
            "maximum of 1"
        )
    return span


def assign(
    y: NDArray[Any], centres: NDArray[np.float64], q: float
) -> tuple[NDArray[Any], NDArray[np.int8], float]:
    """Eq. (5) for points (D, N): memberships (C, N), labels (N,) and the objective, eq. (1)."""
    if is_tensor(y):
        squared = fuzzy.squared_distances(y, like(centres, y))
        u = fuzzy.memberships(squared, q)
        return u, harden(u), total(fuzzy.power(u, q) * squared)
    from fuzzyseg.clustering import _kernels

    n_clusters = centres.shape[0]
    classes, q, kind = kernel_arguments(n_clusters, q)
    u = np.empty((n_clusters, y.shape[1]), y.dtype)
    labels = np.empty(y.shape[1], np.int8)
    no_weight, no_tol = np.empty(0, y.dtype), np.zeros(y.shape[0])
    history, _ = _kernels.fcm(y, no_weight, classes, centres.copy(), q, kind, no_tol, 1, False, u)
    _kernels.harden(u, classes, labels)
    return u, labels, float(history[0])
