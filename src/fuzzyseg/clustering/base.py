"""What every estimator shares: parameters, their checks, predictions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from fuzzyseg.clustering.checks import check_clusters, check_iterations
from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from fuzzyseg.clustering.starts import Start


def _is_default(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and bool(np.all(value == default)))


@dataclass(kw_only=True, eq=False, repr=False)
class Clusterer(ABC):
    """An estimator with scikit-learn's conventions; that library is not needed.

    A subclass is a dataclass whose fields are the constructor's parameters, keyword-only and
    stored as they are given: nothing is checked or computed before `fit`.
    """

    @abstractmethod
    def fit(self, image: ArrayLike, mask: ArrayLike | None = None) -> Self:
        """Find the classes of an image."""

    @abstractmethod
    def _assign(
        self, image: ArrayLike, mask: ArrayLike | None
    ) -> tuple[NDArray[Any], NDArray[np.int8]]:
        """Memberships (C, *space) and labels (*space,) of an image by the fitted classes."""

    def fit_predict(self, image: ArrayLike, mask: ArrayLike | None = None) -> NDArray[np.int8]:
        """Fit, and return `labels_`."""
        self.fit(image, mask)
        labels: NDArray[np.int8] = self.labels_  # type: ignore[attr-defined]
        return labels

    def predict_memberships(self, image: ArrayLike, mask: ArrayLike | None = None) -> NDArray[Any]:
        """Memberships (C, *space) of another image by the fitted classes; 0 outside the mask."""
        return self._assign(image, mask)[0]

    def predict(self, image: ArrayLike, mask: ArrayLike | None = None) -> NDArray[np.int8]:
        """Labels (*space,) of another image by the fitted classes; -1 outside the mask."""
        return self._assign(image, mask)[1]

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002
        """Parameters by name; `deep` is scikit-learn's, there are no estimators within."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def set_params(self, **params: Any) -> Self:
        """Change parameters.

        Raises
        ------
        InputError
            If there is no parameter of a name; then nothing has changed.
        """
        known = [field.name for field in fields(self)]
        for name in params:
            if name not in known:
                raise InputError(
                    f"expected parameters of {type(self).__name__} out of {', '.join(known)}, "
                    f"found {name!r}; leave it out"
                )
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        """Return the call that makes an equal one, without what is as by default."""
        given = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)
            if field.default is MISSING or not _is_default(getattr(self, field.name), field.default)
        ]
        return f"{type(self).__name__}({', '.join(given)})"

    def __sklearn_tags__(self) -> Any:
        """Say what this is; scikit-learn (1.6 on) asks, nothing else does."""
        from sklearn.utils import InputTags, Tags, TargetTags

        return Tags(
            estimator_type="clusterer",
            target_tags=TargetTags(required=False),
            input_tags=InputTags(one_d_array=False, two_d_array=True, three_d_array=True),
        )


@dataclass(kw_only=True, eq=False, repr=False)
class Centred(Clusterer):
    """An estimator of classes around centres that start somewhere and then move.

    Parameters
    ----------
    n_clusters : int
        Number of classes C, 2 to 127.
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
    """

    n_clusters: int = 3
    init: Start | ArrayLike = "uptake"
    n_init: int = 10
    max_iter: int = 300
    tol: float = 1e-5
    bins: int | None = 2**14
    channel_axis: int | None = None
    random_state: int | None = 0

    def _check(self) -> None:
        """Raise InputError for a parameter out of range."""
        check_clusters(self.n_clusters)
        check_iterations(self.n_init, self.max_iter, self.tol, self.bins)
