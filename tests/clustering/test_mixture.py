"""The Gaussian mixture against scikit-learn's."""

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture as Peer

from fuzzyseg.clustering import GaussianMixture, KMeans
from fuzzyseg.errors import InputError


def three_classes(rng, n_channels, n=3000):
    """Overlapping Gaussians: intensities (D, N)."""
    parts = []
    for k, share in enumerate((0.6, 0.3, 0.1)):
        mean = 3.0 * k * np.arange(1, n_channels + 1)
        spread = 0.2 * np.tri(n_channels) + (0.5 + 0.3 * k) * np.eye(n_channels)
        parts.append(mean[:, None] + spread @ rng.standard_normal((n_channels, int(share * n))))
    return np.concatenate(parts, axis=1)


def fit_peer(y):
    """scikit-learn from the parameters of K-means' classes."""
    labels = KMeans(tol=0, channel_axis=0).fit(y).labels_
    groups = [y[:, labels == k] for k in range(3)]
    peer = Peer(
        3,
        tol=1e-10,
        reg_covar=1e-12,
        max_iter=2000,
        weights_init=[g.shape[1] / y.shape[1] for g in groups],
        means_init=[g.mean(1) for g in groups],
        precisions_init=[np.linalg.inv(np.atleast_2d(np.cov(g, ddof=0))) for g in groups],
    )
    return peer.fit(y.T)


@pytest.mark.parametrize("n_channels", [1, 2, 3])
def test_as_scikit_learn(n_channels, rng):
    y = three_classes(rng, n_channels)
    ours = GaussianMixture(tol=1e-10, reg_covar=1e-12, max_iter=2000, channel_axis=0).fit(y)
    peer = fit_peer(y)
    np.testing.assert_allclose(ours.cluster_centers_, peer.means_, atol=1e-4)
    np.testing.assert_allclose(ours.covariances_, peer.covariances_, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(ours.weights_, peer.weights_, atol=1e-5)
    assert -ours.objective_ == pytest.approx(peer.score(y.T), rel=1e-8)
    np.testing.assert_allclose(ours.memberships_, peer.predict_proba(y.T).T, atol=1e-4)
    assert (ours.labels_ == peer.predict(y.T)).mean() > 0.999
    assert (np.diff(ours.history_) <= 1e-9).all()


def test_histogram_keeps_the_variance_within_its_bins(rng):
    """With bins as wide as a class, the moments per bin still give the exact answer."""
    y = three_classes(rng, 1, 60_000)
    exact, coarse = (
        GaussianMixture(bins=b, tol=1e-9, max_iter=2000).fit(y[0]) for b in (None, 127)
    )
    np.testing.assert_allclose(coarse.cluster_centers_, exact.cluster_centers_, atol=5e-3)
    assert coarse.objective_ == pytest.approx(exact.objective_, rel=1e-6)
    assert coarse.n_iter_ == len(coarse.history_)


def test_float32_3d_mask_and_predict(spect, rng):
    mask = rng.random(spect.image.shape) < 0.5
    spoilt = np.where(mask, spect.image, np.float32(np.inf))
    fit = GaussianMixture().fit(spoilt, mask)
    within = GaussianMixture().fit(spect.image[mask])
    np.testing.assert_array_equal(fit.memberships_[:, mask], within.memberships_)
    assert fit.memberships_.dtype == np.float32
    assert fit.memberships_.shape == (3, 40, 40, 40)
    assert (fit.labels_[~mask] == -1).all()
    assert (fit.memberships_[:, ~mask] == 0).all()
    np.testing.assert_array_equal(fit.predict(spoilt, mask), fit.labels_)
    np.testing.assert_array_equal(fit.predict_memberships(spoilt, mask), fit.memberships_)
    np.testing.assert_allclose(fit.memberships_[:, mask].sum(0), 1, rtol=1e-5)


def test_unit_of_a_channel_does_not_matter(rng):
    """CT in HU beside SPECT scaled to 1: the floor of the variances follows each channel."""
    y = three_classes(rng, 2)
    scale = np.array([[1e-3], [1e3]])
    start = np.array([[0.0, 0], [3, 6], [6, 12]])
    plain, scaled = (
        GaussianMixture(channel_axis=0, init=start * s.T).fit(y * s)
        for s in (np.ones((2, 1)), scale)
    )
    np.testing.assert_allclose(scaled.weights_, plain.weights_, atol=2e-3)


@pytest.mark.parametrize("init", [[0, 50, 60], [-90, -80, 5], [1, 1, 5]])
def test_a_class_that_loses_every_voxel(init, rng):
    image = three_classes(rng, 1)[0]
    for bins in (2**14, None):
        fit = GaussianMixture(init=init, bins=bins).fit(image)
        for found in (fit.cluster_centers_, fit.covariances_, fit.weights_, fit.memberships_):
            assert np.isfinite(found).all()
        assert np.isfinite(fit.objective_)
        np.testing.assert_allclose(fit.memberships_.sum(0), 1, rtol=1e-6)


def test_classes_of_equal_voxels():
    """Three values and no spread: the variances' floor stands in."""
    fit = GaussianMixture().fit(np.repeat([0.0, 4.0, 10.0], [50, 30, 20]))
    np.testing.assert_allclose(fit.cluster_centers_[:, 0], [0, 4, 10], atol=1e-6)
    np.testing.assert_allclose(fit.weights_, [0.5, 0.3, 0.2], atol=1e-6)


def test_bad_input(rng):
    with pytest.raises(InputError, match="reg_covar > 0, found 0"):
        GaussianMixture(reg_covar=0).fit(rng.random(50))
    constant = np.stack([rng.random(50), np.ones(50)])
    with pytest.raises(InputError, match="vary in every channel"):
        GaussianMixture(channel_axis=0).fit(constant)
