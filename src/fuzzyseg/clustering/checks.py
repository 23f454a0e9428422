"""Checks of parameters that several methods share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.clustering.image import Points, as_points
from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

MAX_CLUSTERS = 127  # labels are int8, -1 outside the mask


def points_to_predict(
    fitted: Any,
    image: ArrayLike,
    mask: ArrayLike | None,
    channel_axis: int | None,
    beside: int = 0,
) -> Points:
    """Check that there is a fit, and that an image has its channels and `beside` more."""
    if not hasattr(fitted, "cluster_centers_"):
        raise InputError(
            f"expected a fitted {type(fitted).__name__}, found one without centres; call fit first"
        )
    points = as_points(image, mask, channel_axis)
    expected = fitted.cluster_centers_.shape[1] + beside
    if points.y.shape[0] != expected:
        raise InputError(
            f"expected {expected} channel(s) as in fit, found "
            f"{points.y.shape[0]}; pass the same channels in the same order"
        )
    return points


def check_clusters(n_clusters: int) -> None:
    """Raise InputError unless the number of classes is possible."""
    if not isinstance(n_clusters, int | np.integer) or not 2 <= n_clusters <= MAX_CLUSTERS:
        raise InputError(
            f"expected 2 to {MAX_CLUSTERS} classes, found n_clusters={n_clusters}; "
            "bone SPECT needs 3: background, bone, lesion"
        )


def check_iterations(n_init: int, max_iter: int, tol: float, bins: int | None) -> None:
    """Raise InputError unless there is something to iterate."""
    if bins is not None and bins < MAX_CLUSTERS:
        raise InputError(
            f"expected bins to be None or at least {MAX_CLUSTERS}, found {bins}; "
            "the default, 16384, is accurate enough and fast"
        )
    if n_init < 1 or max_iter < 1 or not tol >= 0:
        raise InputError(
            f"expected n_init >= 1, max_iter >= 1 and tol >= 0, found n_init={n_init}, "
            f"max_iter={max_iter}, tol={tol}; the defaults are 10, 300 and 1e-5"
        )


def check_weight(name: str, value: float, usual: str) -> None:
    """Raise InputError unless a weight is a finite number of at least 0."""
    if not (np.isfinite(value) and value >= 0):
        raise InputError(f"expected {name} >= 0, found {value}; {usual}")


def check_width(name: str, value: float, usual: str) -> None:
    """Raise InputError unless a width is a finite number above 0."""
    if not (np.isfinite(value) and value > 0):
        raise InputError(f"expected {name} > 0, found {value}; {usual}")


def check_window(window: int) -> None:
    """Raise InputError unless a window has a middle."""
    if not isinstance(window, int | np.integer) or window < 1 or window % 2 == 0:
        raise InputError(
            f"expected an odd window of at least 1 voxel, found {window}; 3 is usual, "
            "1 means no window"
        )
