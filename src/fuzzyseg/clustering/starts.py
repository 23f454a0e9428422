"""Where the class centres start, which decides the optimum that clustering reaches.

Fuzzy c-means of a bone SPECT has two minima, and the lower one (air, soft tissue, bone) is
useless; K-means has both as well. The start "uptake" lies in the basin of the useful one
(background, bone, lesion): see docs/clustering.md for the measurements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Start = Literal["uptake", "k-means++", "random"]
_SAMPLE = 20_000  # points that k-means++ draws from when the image has several channels


def start_centres(
    points: NDArray[Any],
    weight: NDArray[Any] | None,
    n_clusters: int,
    init: Start | ArrayLike,
    n_init: int,
    random_state: int | None,
) -> list[NDArray[np.float64]]:
    """Return sets of start centres, each of shape (C, D) in rising order of the first channel.

    Parameters
    ----------
    points : ndarray of shape (D, N)
        All different if D is 1.
    weight : ndarray of shape (N,) or None
        How many voxels a point stands for; None counts every point once.
    n_clusters : int
        C.
    init : "uptake", "k-means++", "random" or array of shape (C,) or (C, D)
        "uptake": the minimum, then `n_clusters` - 1 centres in equal ratios from the 99th
        percentile to 0.6 times the maximum (above the minimum) of the first channel; further
        channels start at their mean over the voxels nearest to each centre, or over all voxels
        where there are none.
        "k-means++": drawn with probability proportional to the squared distance to the
        centres so far (Arthur and Vassilvitskii 2007). "random": drawn voxels.
    n_init : int
        Number of sets for the random starts.
    random_state : int or None
        Seed of the random starts.

    Raises
    ------
    InputError
        If there are fewer different points than classes, or `init` is none of the above.
    """
    n_channels = points.shape[0]
    low, high = float(points[0].min()), float(points[0].max())
    if points.shape[1] < n_clusters or low == high:
        found = points.shape[1] if low < high else 1
        raise InputError(
            f"expected at least {n_clusters} different intensities for {n_clusters} classes, "
            f"found {found}; the image is (nearly) constant, use another image, mask or n_clusters"
        )
    if not isinstance(init, str):
        given = np.asarray(init, dtype=np.float64)
        given = given[:, None] if given.ndim == 1 else given
        if given.shape != (n_clusters, n_channels) or not np.isfinite(given).all():
            raise InputError(
                f"expected {n_clusters} finite start centres of {n_channels} channel(s), found "
                f"shape {np.shape(init)}; give init that shape or one of {get_args(Start)}"
            )
        return [given[np.argsort(given[:, 0], kind="stable")]]
    if init not in get_args(Start):
        raise InputError(
            f"expected init to be one of {get_args(Start)} or an array, found {init!r}; "
            "choose one of them"
        )
    if init == "uptake":
        return [_uptake(points, weight, n_clusters, low, high)]
    rng = np.random.default_rng(random_state)
    if weight is None:  # several channels: points may be equal, and equal centres stay equal
        if points.shape[1] > _SAMPLE:
            points = points[:, rng.choice(points.shape[1], _SAMPLE, replace=False)]
        points, weight = np.unique(points, axis=1, return_counts=True)
    if points.shape[1] < n_clusters:
        raise InputError(
            f"expected at least {n_clusters} different intensities for {n_clusters} classes, "
            f"found {points.shape[1]}; use another image, mask or n_clusters"
        )
    chance = np.asarray(weight, dtype=np.float64)
    draw = _plus_plus if init == "k-means++" else _voxels
    sets = [draw(points.astype(np.float64), chance, n_clusters, rng) for _ in range(n_init)]
    return [v[np.argsort(v[:, 0], kind="stable")] for v in sets]


def _uptake(
    points: NDArray[Any], weight: NDArray[Any] | None, n_clusters: int, low: float, high: float
) -> NDArray[np.float64]:
    first = points[0].astype(np.float64)
    if weight is None:
        bone = float(np.percentile(first, 99)) - low
    else:
        order = np.argsort(first)
        rank = np.cumsum(weight[order])
        bone = float(first[order][np.searchsorted(rank, 0.99 * rank[-1])]) - low
    lesion = 0.6 * (high - low)
    # In a crop around a lesion the 99th percentile is the lesion itself: keep them apart.
    bone = min(max(bone, 0.01 * lesion), 0.5 * lesion)
    above = np.array([bone]) if n_clusters == 2 else np.geomspace(bone, lesion, n_clusters - 1)
    centres = low + np.concatenate([[0.0], above])
    rest = np.zeros((n_clusters, points.shape[0] - 1))
    if rest.size:
        nearest = np.searchsorted((centres[1:] + centres[:-1]) / 2, first)
        counts = np.bincount(nearest, weight, n_clusters)
        for d in range(1, points.shape[0]):
            values = points[d] if weight is None else points[d] * weight
            sums = np.bincount(nearest, values, n_clusters)
            overall = sums.sum() / counts.sum()
            rest[:, d - 1] = np.where(counts > 0, sums / np.maximum(counts, 1e-30), overall)
    return np.column_stack([centres, rest])


def _voxels(
    points: NDArray[np.float64], chance: NDArray[np.float64], n: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    return points[:, rng.choice(chance.size, n, replace=False, p=chance / chance.sum())].T


def _plus_plus(
    points: NDArray[np.float64], chance: NDArray[np.float64], n: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    chosen = [int(rng.choice(chance.size, p=chance / chance.sum()))]
    nearest = np.full(chance.size, np.inf)
    while len(chosen) < n:
        offset = points - points[:, chosen[-1], None]
        nearest = np.minimum(nearest, (offset * offset).sum(0))
        score = chance * nearest
        chosen.append(int(rng.choice(chance.size, p=score / score.sum())))
    return points[:, chosen].T
