"""Where the centres start, and the two minima of fuzzy c-means of a bone SPECT."""

import numpy as np
import pytest

from fuzzyseg.clustering import FCM, RFCM, GaussianMixture, KMeans
from fuzzyseg.clustering.starts import start_centres


def dsc(labels, truth, k):
    both = np.count_nonzero((labels == k) & (truth == k))
    return 2 * both / (np.count_nonzero(labels == k) + np.count_nonzero(truth == k))


@pytest.mark.parametrize("model", [FCM, KMeans, lambda **kw: RFCM(beta=0.1, **kw)])
def test_default_start_finds_background_bone_and_lesion(model, spect):
    fit = model().fit(spect.image)
    background, bone, lesion = fit.cluster_centers_[:, 0]
    assert background < 0.6
    assert 3.5 < bone < 6.5
    assert lesion > 12
    assert dsc(fit.labels_, spect.truth, 1) > 0.8
    assert dsc(fit.labels_, spect.truth, 2) > 0.9


@pytest.mark.parametrize("init", ["k-means++", "random", [0, 1, 5]])
def test_the_other_minimum_is_air_soft_tissue_and_bone(init, spect):
    """Which has the lower objective: more starts don't help, the right one does."""
    fit, useful = FCM(init=init).fit(spect.image), FCM().fit(spect.image)
    assert fit.objective_ < useful.objective_
    np.testing.assert_allclose(fit.cluster_centers_[:, 0], [0, 1.2, 4.7], atol=0.3)
    assert dsc(fit.labels_, spect.truth, 2) < 0.2


def test_uptake_by_hand():
    image = np.concatenate([np.zeros(90), np.full(9, 10.0), [100.0]])
    (v,) = start_centres(image[None], None, 3, "uptake", 1, 0)
    low, high = np.percentile(image, 99), 0.6 * 100
    np.testing.assert_allclose(v[:, 0], [0, low, high])
    (v,) = start_centres(image[None], None, 4, "uptake", 1, 0)
    np.testing.assert_allclose(v[:, 0], [0, low, np.sqrt(low * high), high])
    (v,) = start_centres(image[None], None, 2, "uptake", 1, 0)
    np.testing.assert_allclose(v[:, 0], [0, low])


def test_uptake_of_a_histogram_is_that_of_its_voxels():
    counts = np.array([900, 80, 15, 5])
    values = np.array([1.0, 3, 8, 20])
    (v,) = start_centres(values[None], counts, 3, "uptake", 1, 0)
    (w,) = start_centres(np.repeat(values, counts)[None], None, 3, "uptake", 1, 0)
    np.testing.assert_allclose(v, w)


def test_uptake_where_the_99th_percentile_is_lesion(rng):
    """In a crop around a lesion, bone starts at no more than half of where lesion does."""
    image = np.where(np.arange(1000) < 300, 100.0, rng.random(1000))
    (v,) = start_centres(image[None], None, 3, "uptake", 1, 0)
    assert v[1, 0] - v[0, 0] == pytest.approx((v[2, 0] - v[0, 0]) / 2)


def test_uptake_of_further_channels_is_their_mean_near_each_centre():
    first = np.array([0.0, 0, 0, 20, 20, 60, 100])  # centres start at 0, 30 and 60
    second = np.array([1.0, 2, 3, 50, 70, 7, 9])
    (v,) = start_centres(np.stack([first, second]), None, 3, "uptake", 1, 0)
    np.testing.assert_allclose(v, [[0, 2], [30, 60], [60, 8]])
    first[3:5] = 0  # nobody is nearest to 30
    (v,) = start_centres(np.stack([first, second]), None, 3, "uptake", 1, 0)
    np.testing.assert_allclose(v[1], [30, second.mean()])


@pytest.mark.parametrize("init", ["k-means++", "random"])
@pytest.mark.parametrize("n_channels", [1, 2])
def test_drawn_starts_are_different_points_of_the_image(init, n_channels):
    points = np.zeros((n_channels, 500))
    points[:, ::100] = np.arange(1, 6)  # 99% of the points are the same
    weight = None
    if n_channels == 1:
        points, weight = np.unique(points, axis=1, return_counts=True)
    for v in start_centres(points, weight, 5, init, 20, 1):
        assert len(np.unique(v[:, 0])) == 5
        assert np.isin(v, points).all()
        assert (np.diff(v[:, 0]) > 0).all()


def test_k_means_plus_plus_spreads_the_centres():
    """Three tight groups: proportional to squared distance, one centre falls in each."""
    rng = np.random.default_rng(0)
    groups = np.concatenate([c + 1e-3 * rng.random(100) for c in (0, 10, 20)])
    for v in start_centres(groups[None], np.ones(300), 3, "k-means++", 20, 0):
        np.testing.assert_allclose(v[:, 0], [0, 10, 20], atol=0.01)


def test_more_starts_never_do_worse(spect):
    for q in (1, 2):
        one, ten = (FCM(q=q, init="random", n_init=n).fit(spect.image) for n in (1, 10))
        assert ten.objective_ <= one.objective_ * (1 + 1e-5)


def test_mixture_starts_from_k_means(spect):
    once = GaussianMixture(max_iter=1, bins=None).fit(spect.image)
    k_means = KMeans(tol=1e-4).fit(spect.image)
    np.testing.assert_allclose(once.cluster_centers_, k_means.cluster_centers_, rtol=0.3)
