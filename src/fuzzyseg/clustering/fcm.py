"""K-means and fuzzy c-means: eqs. (1), (5) and (6) with beta = 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from fuzzyseg.clustering.checks import check_clusters, check_iterations, points_to_predict
from fuzzyseg.clustering.image import Points, as_points
from fuzzyseg.clustering.solver import assign, solve
from fuzzyseg.fuzzy import check_exponent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from fuzzyseg.clustering.starts import Start


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
