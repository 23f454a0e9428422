"""Fixed thresholds: the clinic's usual answer, and the paper's weakest baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from fuzzyseg.clustering.arrays import on_host
from fuzzyseg.clustering.base import Clusterer
from fuzzyseg.clustering.checks import MAX_CLUSTERS, points_to_predict
from fuzzyseg.clustering.image import as_points
from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

SPECT_LEVELS = (0.02, 0.42)  # bone, lesion: fractions of the maximum (Chen et al. 2021)
CT_LEVELS = (400.0,)  # bone, in HU (Chen et al. 2021)


@dataclass(kw_only=True, eq=False, repr=False)
class Threshold(Clusterer):
    """Class k holds the intensities from the k-th level up to the next.

    Parameters
    ----------
    levels : sequence of float
        Rising lower bounds of classes 1, 2, ...; class 0 is what lies below the first.
    relative : bool
        Levels are fractions of the image's maximum (within the mask) rather than intensities.
        The defaults are the paper's for SPECT, bone from 2% and lesion from 42%; for CT use
        ``Threshold(levels=(400,), relative=False)``.

    Attributes
    ----------
    levels_ : float64 ndarray of shape (C - 1,)
        The levels in the image's unit.
    cluster_centers_ : float64 ndarray of shape (C, 1)
        Mean intensity of each class; the class's lower bound where it is empty.
    memberships_ : float32 ndarray of shape (C, *space)
        0 or 1; all 0 outside the mask.
    labels_ : int8 ndarray of shape (*space,)
        -1 outside the mask.
    objective_ : float
        Sum of squared distances to the classes' means.
    n_iter_ : int
        1.

    Examples
    --------
    >>> Threshold().fit_predict([0.0, 5.0, 30.0, 100.0])
    array([0, 1, 1, 2], dtype=int8)
    """

    levels: Sequence[float] = SPECT_LEVELS
    relative: bool = True

    def fit(self, image: ArrayLike, mask: ArrayLike | None = None) -> Self:
        """Turn relative levels into intensities, and label the image.

        Raises
        ------
        InputError
            If the levels don't rise or aren't finite, or the image is not finite, or levels are
            relative and its maximum is not positive.
        """
        levels = np.asarray(self.levels, dtype=np.float64)
        rising = levels.ndim == 1 and np.isfinite(levels).all() and (np.diff(levels) > 0).all()
        if not rising or not 1 <= levels.size < MAX_CLUSTERS:
            raise InputError(
                f"expected 1 to {MAX_CLUSTERS - 1} rising levels, found {self.levels}; "
                "for SPECT use (0.02, 0.42)"
            )
        points = as_points(on_host(image), on_host(mask), None)
        y = points.counted
        if self.relative:
            if not y.max() > 0:
                raise InputError(
                    f"expected a positive maximum, found {y.max():g}; levels relative to the "
                    "maximum need one, use relative=False"
                )
            levels = levels * float(y.max())
        self.levels_ = levels
        labels = np.searchsorted(levels, y[0], side="right")
        counts = np.bincount(labels, minlength=levels.size + 1)
        sums = np.bincount(labels, y[0].astype(np.float64), levels.size + 1)
        empty = np.concatenate([[float(y.min())], levels])
        centres = np.where(counts > 0, sums / np.maximum(counts, 1), empty)
        self.cluster_centers_ = centres[:, None]
        self.objective_ = float(np.square(y[0] - centres[labels]).sum())
        self.n_iter_ = 1
        self.labels_ = points.fill(labels.astype(np.int8), -1)
        self.memberships_ = _one_hot(self.labels_, levels.size + 1)
        return self

    def _assign(
        self, image: ArrayLike, mask: ArrayLike | None
    ) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
        points = points_to_predict(self, on_host(image), on_host(mask), None)
        found = np.searchsorted(self.levels_, points.counted[0], side="right")
        labels = points.fill(found.astype(np.int8), -1)
        return _one_hot(labels, self.levels_.size + 1), labels


def _one_hot(labels: NDArray[np.int8], n_classes: int) -> NDArray[np.float32]:
    return np.stack([labels == k for k in range(n_classes)]).astype(np.float32)
