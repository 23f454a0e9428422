"""Gaussian mixture by expectation maximisation (Dempster, Laird and Rubin 1977)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from fuzzyseg.clustering.arrays import on_host
from fuzzyseg.clustering.base import Centred
from fuzzyseg.clustering.checks import points_to_predict
from fuzzyseg.clustering.image import as_points, frozen
from fuzzyseg.clustering.solver import assign, histogram, solve
from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_CHUNK = 2**16  # points whose densities are in memory at once


@dataclass
class Mixture:
    """C Gaussians in D dimensions: weights (C,), means (C, D) and covariances (C, D, D)."""

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    covariances: NDArray[np.float64]


def log_joint(y: NDArray[Any], mixture: Mixture) -> NDArray[np.float64]:
    """log( w_k N(y; m_k, S_k) ) of points (D, N) for each class: (C, N)."""
    n_channels = y.shape[0]
    out = np.empty((mixture.weights.size, y.shape[1]))
    for k, (weight, mean, covariance) in enumerate(
        zip(mixture.weights, mixture.means, mixture.covariances, strict=True)
    ):
        whiten = np.linalg.inv(np.linalg.cholesky(covariance))
        offset = np.einsum("de,en->dn", whiten, y - mean[:, None])
        constant = np.log(weight) + np.log(np.diag(whiten)).sum()
        out[k] = constant - 0.5 * (n_channels * np.log(2 * np.pi) + (offset * offset).sum(0))
    return out


def posteriors(
    y: NDArray[Any], mixture: Mixture
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Posterior class probabilities (C, N) and log likelihood (N,) of points (D, N)."""
    joint = log_joint(y, mixture)
    top = joint.max(0)
    joint -= top
    np.exp(joint, out=joint)
    total = joint.sum(0)
    joint /= total
    return joint, np.log(total) + top


def update(
    y: NDArray[Any],
    weight: NDArray[np.float64] | None,
    within: NDArray[np.float64] | None,
    mixture: Mixture,
    floor: NDArray[np.float64],
) -> tuple[Mixture, float]:
    """One step of expectation maximisation; also the log likelihood before it.

    Parameters
    ----------
    y : ndarray of shape (D, N)
    weight : ndarray of shape (N,) or None
        Voxels a point stands for.
    within : ndarray of shape (N,) or None
        Variance of a scalar image's voxels within the bin that a point stands for.
    floor : float64 ndarray of shape (D,)
        Added to the channels' variances, which keeps a class from collapsing onto one value.
    """
    n_channels, n_points = y.shape
    n_classes = mixture.weights.size
    total, first = np.zeros(n_classes), np.zeros((n_classes, n_channels))
    second = np.zeros((n_classes, n_channels, n_channels))
    likelihood = 0.0
    centre = mixture.means.mean(0)  # moments about a point among the data keep their digits
    for start in range(0, n_points, _CHUNK):
        part = slice(start, start + _CHUNK)
        posterior, log_likelihood = posteriors(y[:, part], mixture)
        if weight is not None:
            posterior *= weight[part]
            log_likelihood = log_likelihood * weight[part]
        likelihood += float(log_likelihood.sum())
        offset = y[:, part] - centre[:, None]
        total += posterior.sum(1)
        for k in range(n_classes):
            weighted = posterior[k] * offset
            first[k] += weighted.sum(1)
            second[k] += np.einsum("dn,en->de", weighted, offset)
        if within is not None:
            second[:, 0, 0] += np.einsum("kn,n->k", posterior, within[part])
    total = np.maximum(total, 1e-12)
    means = first / total[:, None]
    covariances = second / total[:, None, None] - means[:, :, None] * means[:, None, :]
    covariances += np.diag(floor)
    return Mixture(total / total.sum(), means + centre, covariances), likelihood


@dataclass(kw_only=True, eq=False, repr=False)
class GaussianMixture(Centred):
    """Gaussian mixture, each class with a full covariance, started from K-means.

    A scalar image is solved on a histogram that keeps each bin's mean and variance, and then
    by exact steps over the voxels.

    Parameters
    ----------
    n_clusters : int
        Number of classes C, 2 to 127.
    init, n_init, bins, channel_axis, random_state
        As in `FCM`, for the K-means before.
    max_iter : int
        Most steps of expectation maximisation.
    tol : float
        Stop when the mean log likelihood of a voxel rises by less.
    reg_covar : float
        Added to the variances, as a fraction of the channel's over all voxels; above 0.

    Attributes
    ----------
    cluster_centers_ : float64 ndarray of shape (C, D)
        Means, in rising order of the first channel.
    covariances_ : float64 ndarray of shape (C, D, D)
    weights_ : float64 ndarray of shape (C,)
    memberships_ : float32 or float64 ndarray of shape (C, *space)
        Posterior probabilities, in the image's precision; 0 outside the mask.
    labels_ : int8 ndarray of shape (*space,)
        Most probable class; -1 outside the mask.
    objective_ : float
        Mean negative log likelihood of a voxel.
    history_ : list of float
        The objective before every step.
    n_iter_, converged_ : int, bool
    """

    tol: float = 1e-4
    reg_covar: float = 1e-6

    def fit(self, image: ArrayLike, mask: ArrayLike | None = None) -> Self:
        """Find the mixture of an image.

        Parameters
        ----------
        image : ndarray of shape (*space,), or with D channels along `channel_axis`
        mask : bool ndarray of shape (*space,), optional

        Raises
        ------
        InputError
            If a parameter is out of range, or the image is not finite or nearly constant.
        """
        self._check()
        if not self.reg_covar > 0:
            raise InputError(
                f"expected reg_covar > 0, found {self.reg_covar}; a class of equal "
                "intensities has zero variance, the default is 1e-6"
            )
        points = as_points(on_host(image), on_host(mask), self.channel_axis)
        y = points.counted
        start = solve(
            y,
            self.n_clusters,
            1.0,
            init=self.init,
            n_init=self.n_init,
            max_iter=self.max_iter,
            tol=1e-4,
            bins=self.bins,
            random_state=self.random_state,
        )
        variances = y.var(axis=1, dtype=np.float64)
        if not variances.all():
            raise InputError(
                f"expected intensities that vary in every channel, found variances {variances}; "
                "leave constant channels out"
            )
        floor = self.reg_covar * variances
        coarse, weight, within = y, None, None
        if y.shape[0] == 1 and self.bins is not None and y.shape[1] > self.bins:
            coarse, (weight, squares) = histogram(y, self.bins)
            within = np.maximum(squares / weight - coarse[0] ** 2, 0.0)
        mixture = _from_k_means(coarse, weight, within, start.centres, floor)
        self.history_: list[float] = []
        mixture, self.converged_ = self._climb(coarse, weight, within, mixture, floor)
        if weight is not None:
            mixture, self.converged_ = self._climb(y, None, None, mixture, floor)
        self.n_iter_ = len(self.history_)
        order = np.argsort(mixture.means[:, 0], kind="stable")
        self.weights_ = mixture.weights[order]
        self.cluster_centers_ = mixture.means[order]
        self.covariances_ = mixture.covariances[order]
        u, log_likelihood = self._posteriors(y)
        self.objective_ = -log_likelihood / y.shape[1]
        self.memberships_ = points.fill(u, 0.0)
        self.labels_ = points.fill(u.argmax(0).astype(np.int8), -1)
        return self

    def _climb(
        self,
        y: NDArray[Any],
        weight: NDArray[np.float64] | None,
        within: NDArray[np.float64] | None,
        mixture: Mixture,
        floor: NDArray[np.float64],
    ) -> tuple[Mixture, bool]:
        n_voxels = y.shape[1] if weight is None else float(weight.sum())
        before = np.inf
        for _ in range(self.max_iter):
            mixture, log_likelihood = update(y, weight, within, mixture, floor)
            now = -log_likelihood / n_voxels
            self.history_.append(now)
            if abs(before - now) <= self.tol:
                return mixture, True
            before = now
        return mixture, False

    def _posteriors(self, y: NDArray[Any]) -> tuple[NDArray[Any], float]:
        mixture = Mixture(self.weights_, self.cluster_centers_, self.covariances_)
        u = np.empty((self.weights_.size, y.shape[1]), y.dtype)
        log_likelihood = 0.0
        for start in range(0, y.shape[1], _CHUNK):
            part = slice(start, start + _CHUNK)
            u[:, part], each = posteriors(y[:, part], mixture)
            log_likelihood += float(each.sum())
        return u, log_likelihood

    def _assign(
        self, image: ArrayLike, mask: ArrayLike | None
    ) -> tuple[NDArray[Any], NDArray[np.int8]]:
        points = points_to_predict(self, on_host(image), on_host(mask), self.channel_axis)
        u, _ = self._posteriors(points.counted)
        return points.fill(u, 0.0), points.fill(u.argmax(0).astype(np.int8), -1)


def _from_k_means(
    y: NDArray[Any],
    weight: NDArray[np.float64] | None,
    within: NDArray[np.float64] | None,
    centres: NDArray[np.float64],
    floor: NDArray[np.float64],
) -> Mixture:
    """Moments of the K-means classes."""
    u, _, _ = assign(frozen(y), centres, 1.0)
    mass = u if weight is None else u * weight
    total = np.maximum(mass.sum(1, dtype=np.float64), 1e-12)
    covariances = np.empty((centres.shape[0], y.shape[0], y.shape[0]))
    for k, mean in enumerate(centres):
        offset = y - mean[:, None]
        covariances[k] = np.einsum("dn,en->de", mass[k] * offset, offset) / total[k]
        if within is not None:
            covariances[k] += (mass[k] * within).sum() / total[k]
    covariances += np.diag(floor)
    return Mixture(total / total.sum(), centres, covariances)
