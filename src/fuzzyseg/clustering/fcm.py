"""K-means and fuzzy c-means: eqs. (1), (5) and (6) with beta = 0."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from fuzzyseg.clustering.image import Points, as_points, frozen
from fuzzyseg.clustering.starts import Start, start_centres
from fuzzyseg.errors import InputError
from fuzzyseg.fuzzy import check_exponent

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

MAX_CLUSTERS = 127  # labels are int8, -1 outside the mask
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
    from fuzzyseg.clustering import _kernels

    classes, q, kind = kernel_arguments(start.shape[0], q)
    w = np.empty(0, y.dtype) if weight is None else weight
    centres, no_u = start.copy(), np.empty((start.shape[0], 0), y.dtype)
    history, converged = _kernels.fcm(
        y, w, classes, centres, q, kind, tol, max_iter, move_centres, no_u
    )
    return Fit(centres, history.tolist(), len(history), converged)


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
    span = intensity_range(y)
    points, weight, coarse = y, None, False
    if y.shape[0] == 1:
        bin_means, (count, _) = histogram(y, min(bins or 2**14, max(y.size // 8, 2**12)))
        if bin_means.shape[1] < n_clusters:  # one value far off leaves the rest in one bin
            values, count = np.unique(y, return_counts=True)
            bin_means = values[None]
        starts = start_centres(bin_means, count, n_clusters, init, n_init, random_state)
        coarse = bins is not None and bin_means.shape[1] < y.shape[1]
        if coarse:
            points, weight = frozen(bin_means.astype(y.dtype)), count.astype(y.dtype)
    else:
        starts = start_centres(y, None, n_clusters, init, n_init, random_state)
    # On the histogram an iteration costs nothing: let it come to rest, as far as digits go.
    limit = span * (max(tol / 100, 2 * float(np.finfo(y.dtype).eps)) if coarse else tol)
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
    from fuzzyseg.clustering import _kernels

    n_clusters = centres.shape[0]
    classes, q, kind = kernel_arguments(n_clusters, q)
    u = np.empty((n_clusters, y.shape[1]), y.dtype)
    labels = np.empty(y.shape[1], np.int8)
    no_weight, no_tol = np.empty(0, y.dtype), np.zeros(y.shape[0])
    history, _ = _kernels.fcm(y, no_weight, classes, centres.copy(), q, kind, no_tol, 1, False, u)
    _kernels.harden(u, classes, labels)
    return u, labels, float(history[0])


class FCM:
    """Fuzzy c-means (Bezdek 1981): minimises J = sum_j sum_k u_jk^q |y_j - v_k|^2, eq. (1).

    Parameters
    ----------
    n_clusters : int
        Number of classes C, 2 to 127.
    q : float
        Fuzzy exponent, at least 1. 1 is K-means; 1, 2 and 3 have fast paths of their own.
    init : {"uptake", "k-means++", "random"} or array of shape (C,) or (C, D)
        Where the centres start. "uptake" finds background, bone and lesion in bone SPECT where
        the others may find air, soft tissue and bone: see `fuzzyseg.clustering.starts`.
    n_init : int
        Number of starts for "k-means++" and "random"; the lowest objective wins.
    max_iter : int
        Most iterations of one start.
    tol : float
        Stop when no centre moves more than `tol` times the intensities' range, in any channel.
    bins : int or None
        Scalar images are solved on a histogram of so many bins (for small images of fewer, at
        least 4096) before the exact passes; None iterates on the voxels from the start.
    channel_axis : int or None
        Axis of the channels of a vector-valued image; None for a scalar one.
    random_state : int or None
        Seed of the random starts; the same seed gives the same answer.
    move_centres : bool
        False holds the centres where they start, and leaves only eq. (5). Fuzzy c-means of an
        image with few lesions has no minimum with background, bone and lesion; held at the
        centres of K-means it gives those classes all the same (docs/clustering.md).

    Attributes
    ----------
    cluster_centers_ : float64 ndarray of shape (C, D)
        In rising order of the first channel.
    memberships_ : ndarray of shape (C, *space)
        Eq. (5) at `cluster_centers_`, in the image's precision; 0 outside the mask.
    labels_ : int8 ndarray of shape (*space,)
        Class of the largest membership; -1 outside the mask.
    objective_ : float
        J at `memberships_` and `cluster_centers_`.
    history_ : list of float
        J at every iteration (on the histogram where there is one); it never rises.
    n_iter_ : int
        Iterations, those on the histogram included.
    converged_ : bool
        False if `max_iter` ended it.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.array([[0.0, 0.1, 1.0], [0.9, 5.0, 5.1]])
    >>> FCM(n_clusters=3).fit_predict(image)
    array([[0, 0, 1],
           [1, 2, 2]], dtype=int8)
    """

    def __init__(
        self,
        *,
        n_clusters: int = 3,
        q: float = 2.0,
        init: Start | ArrayLike = "uptake",
        n_init: int = 10,
        max_iter: int = 300,
        tol: float = 1e-5,
        bins: int | None = 2**14,
        channel_axis: int | None = None,
        random_state: int | None = 0,
        move_centres: bool = True,
    ) -> None:
        self.n_clusters = n_clusters
        self.q = q
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.bins = bins
        self.channel_axis = channel_axis
        self.random_state = random_state
        self.move_centres = move_centres

    def fit(self, image: ArrayLike, mask: ArrayLike | None = None) -> Self:
        """Find centres and memberships of an image.

        Parameters
        ----------
        image : ndarray of shape (*space,), or with D channels along `channel_axis`
        mask : bool ndarray of shape (*space,), optional
            Voxels to cluster; all by default.

        Raises
        ------
        InputError
            If a parameter is out of range, or the image is not finite or nearly constant.
        """
        check_clusters(self.n_clusters)
        check_exponent(self.q)
        check_iterations(self.n_init, self.max_iter, self.tol, self.bins)
        points = as_points(image, mask, self.channel_axis)
        y = points.counted
        found = solve(
            y,
            self.n_clusters,
            self.q,
            init=self.init,
            n_init=self.n_init,
            max_iter=self.max_iter,
            tol=self.tol,
            bins=self.bins,
            random_state=self.random_state,
            move_centres=self.move_centres,
        )
        self.cluster_centers_ = found.centres
        self.history_ = found.history
        self.n_iter_ = found.n_iter
        self.converged_ = found.converged
        u, labels, self.objective_ = assign(y, found.centres, self.q)
        self.memberships_ = points.fill(u, 0.0)
        self.labels_ = points.fill(labels, -1)
        return self

    def fit_predict(self, image: ArrayLike, mask: ArrayLike | None = None) -> NDArray[np.int8]:
        """Fit, and return `labels_`."""
        return self.fit(image, mask).labels_

    def predict_memberships(self, image: ArrayLike, mask: ArrayLike | None = None) -> NDArray[Any]:
        """Memberships (C, *space) of another image at the fitted centres; 0 outside the mask."""
        points = self._points_to_predict(image, mask)
        return points.fill(assign(points.counted, self.cluster_centers_, self.q)[0], 0.0)

    def predict(self, image: ArrayLike, mask: ArrayLike | None = None) -> NDArray[np.int8]:
        """Labels (*space,) of another image at the fitted centres; -1 outside the mask."""
        points = self._points_to_predict(image, mask)
        return points.fill(assign(points.counted, self.cluster_centers_, self.q)[1], -1)

    def _points_to_predict(self, image: ArrayLike, mask: ArrayLike | None) -> Points:
        return points_to_predict(self, image, mask, self.channel_axis)


class KMeans(FCM):
    """K-means (Lloyd 1982): fuzzy c-means with q = 1, hard memberships.

    Parameters and attributes as `FCM`, without q; `objective_` is the inertia. A voxel exactly
    between two centres belongs half to each.
    """

    def __init__(
        self,
        *,
        n_clusters: int = 3,
        init: Start | ArrayLike = "uptake",
        n_init: int = 10,
        max_iter: int = 300,
        tol: float = 1e-5,
        bins: int | None = 2**14,
        channel_axis: int | None = None,
        random_state: int | None = 0,
    ) -> None:
        super().__init__(
            n_clusters=n_clusters,
            q=1.0,
            init=init,
            n_init=n_init,
            max_iter=max_iter,
            tol=tol,
            bins=bins,
            channel_axis=channel_axis,
            random_state=random_state,
        )


def points_to_predict(
    fitted: Any, image: ArrayLike, mask: ArrayLike | None, channel_axis: int | None
) -> Points:
    """Check that there is a fit, and that an image has its number of channels."""
    if not hasattr(fitted, "cluster_centers_"):
        raise InputError(
            f"expected a fitted {type(fitted).__name__}, found one without centres; call fit first"
        )
    points = as_points(image, mask, channel_axis)
    if points.y.shape[0] != fitted.cluster_centers_.shape[1]:
        raise InputError(
            f"expected {fitted.cluster_centers_.shape[1]} channel(s) as in fit, found "
            f"{points.y.shape[0]}; pass the same channels in the same order"
        )
    return points


def check_clusters(n_clusters: int) -> None:
    """Raise InputError unless the number of classes is possible."""
    if not isinstance(n_clusters, int | np.integer) or not 2 <= n_clusters <= MAX_CLUSTERS:
        raise InputError(
            f"expected 2 to {MAX_CLUSTERS} classes, found n_clusters={n_clusters}; "
            "bone SPECT takes 3: background, bone, lesion"
        )


def check_iterations(n_init: int, max_iter: int, tol: float, bins: int | None) -> None:
    """Raise InputError unless there is something to iterate."""
    if bins is not None and bins < MAX_CLUSTERS:
        raise InputError(
            f"expected bins to be None or at least {MAX_CLUSTERS}, found {bins}; "
            "the default, 16384, is exact enough and fast"
        )
    if n_init < 1 or max_iter < 1 or not tol >= 0:
        raise InputError(
            f"expected n_init >= 1, max_iter >= 1 and tol >= 0, found n_init={n_init}, "
            f"max_iter={max_iter}, tol={tol}; the defaults are 10, 300 and 1e-5"
        )
