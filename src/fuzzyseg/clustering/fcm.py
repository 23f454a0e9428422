"""K-means and fuzzy c-means: eqs. (1), (5) and (6) with beta = 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from fuzzyseg.clustering.base import Centred
from fuzzyseg.clustering.checks import points_to_predict
from fuzzyseg.clustering.image import as_points
from fuzzyseg.clustering.solver import assign, solve
from fuzzyseg.fuzzy import check_exponent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from fuzzyseg.clustering.image import Points


class CMeans(Centred):
    """What fuzzy c-means and K-means share; `q` and `move_centres` come with the subclass."""

    q: Any
    move_centres: Any

    def _filtered(self, points: Points) -> Points:
        """Image that is clustered."""
        return points

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
        self._check()
        check_exponent(self.q)
        points = self._filtered(as_points(image, mask, self.channel_axis))
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

    def _assign(
        self, image: ArrayLike, mask: ArrayLike | None
    ) -> tuple[NDArray[Any], NDArray[np.int8]]:
        points = self._filtered(points_to_predict(self, image, mask, self.channel_axis))
        u, labels, _ = assign(points.counted, self.cluster_centers_, self.q)
        return points.fill(u, 0.0), points.fill(labels, -1)


@dataclass(kw_only=True, eq=False, repr=False)
class FCM(CMeans):
    """Fuzzy c-means (Bezdek 1981): minimises J = sum_j sum_k u_jk^q |y_j - v_k|^2, eq. (1).

    Parameters
    ----------
    n_clusters, init, n_init, max_iter, tol, bins, channel_axis, random_state
        As in `fuzzyseg.clustering.base.Centred`: 3 classes, started for bone SPECT.
    q : float
        Fuzzy exponent, at least 1. 1 is K-means; 1, 2 and 3 have fast paths of their own.
    move_centres : bool
        False fixes the centres where they start, and leaves only eq. (5). Fuzzy c-means of an
        image with few lesions has no minimum with background, bone and lesion; fixed at the
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

    q: float = 2.0
    move_centres: bool = True


@dataclass(kw_only=True, eq=False, repr=False)
class KMeans(CMeans):
    """K-means (Lloyd 1982): fuzzy c-means with q = 1, hard memberships.

    Parameters and attributes as `FCM`, without q and move_centres; `objective_` is the inertia.
    A voxel exactly between two centres belongs half to each.
    """

    q = 1.0  # not annotated: no parameters
    move_centres = True
