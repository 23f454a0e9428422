"""Fuzzy c-means against scikit-fuzzy, K-means against scikit-learn, and what both promise."""

import numpy as np
import pytest
import skfuzzy
from sklearn.cluster import KMeans as PeerKMeans

from fuzzyseg import fuzzy
from fuzzyseg.clustering import FCM, KMeans

START = [0.0, 0.5, 0.9]


def peer_fcm(y, start, q, max_iter=2000):
    """scikit-fuzzy from given centres: its first step takes the memberships that they give."""
    d2 = ((y[None] - np.asarray(start)[:, :, None]) ** 2).sum(1)
    u = d2 ** (-1 / (q - 1))
    centres, u, _, _, history, _, _ = skfuzzy.cmeans(
        y, len(start), q, error=1e-13, maxiter=max_iter, init=u / u.sum(0)
    )
    order = np.argsort(centres[:, 0])
    return centres[order], u[order], history


@pytest.mark.parametrize("q", [1.5, 2, 2.7, 3])
@pytest.mark.parametrize("bins", [2**14, None])
def test_scalar_image_as_scikit_fuzzy(q, bins, blobs):
    image = blobs((20, 15))
    ours = FCM(q=q, init=START, tol=1e-12, max_iter=2000, bins=bins).fit(image)
    centres, u, history = peer_fcm(image.reshape(1, -1), np.array(START)[:, None], q)
    assert ours.converged_
    np.testing.assert_allclose(ours.cluster_centers_, centres, atol=1e-8)
    np.testing.assert_allclose(ours.memberships_.reshape(3, -1), u, atol=1e-6)
    assert ours.objective_ == pytest.approx(history[-1], rel=1e-9)


def test_vector_image_as_scikit_fuzzy(blobs):
    image = blobs((12, 9, 4), n_channels=2)
    start = [[0.0, 0.0], [0.4, 0.9], [0.9, 1.9]]
    ours = FCM(init=start, tol=1e-12, channel_axis=0).fit(image)
    centres, u, history = peer_fcm(image.reshape(2, -1), np.array(start), 2)
    np.testing.assert_allclose(ours.cluster_centers_, centres, atol=1e-8)
    np.testing.assert_allclose(ours.memberships_.reshape(3, -1), u, atol=1e-6)
    assert ours.objective_ == pytest.approx(history[-1], rel=1e-9)


def test_histogram_leaves_no_trace_in_float32(spect):
    """Few bins, far from exact: the passes over the voxels mend that."""
    coarse = FCM(bins=127, tol=1e-6).fit(spect.image)
    exact = FCM(bins=None, tol=1e-6).fit(spect.image.astype(np.float64))
    np.testing.assert_allclose(coarse.cluster_centers_, exact.cluster_centers_, atol=2e-3)
    np.testing.assert_allclose(coarse.memberships_, exact.memberships_, atol=2e-3)
    assert coarse.objective_ == pytest.approx(exact.objective_, rel=1e-5)


@pytest.mark.parametrize("bins", [2**14, None])
def test_k_means_as_scikit_learn(bins, blobs):
    image = blobs((16, 15, 6))
    ours = KMeans(init=START, tol=0, bins=bins).fit(image)
    peer = PeerKMeans(3, init=np.array(START)[:, None], n_init=1, tol=0, algorithm="lloyd")
    peer.fit(image.reshape(-1, 1))
    order = np.argsort(peer.cluster_centers_[:, 0])
    np.testing.assert_allclose(ours.cluster_centers_, peer.cluster_centers_[order], rtol=1e-9)
    assert ours.objective_ == pytest.approx(peer.inertia_, rel=1e-9)
    np.testing.assert_array_equal(ours.labels_.ravel(), np.argsort(order)[peer.labels_])
    np.testing.assert_array_equal(ours.memberships_.argmax(0), ours.labels_)
    assert set(np.unique(ours.memberships_)) == {0.0, 1.0}


def test_k_means_of_vectors_as_scikit_learn(blobs):
    image = blobs((16, 15), n_channels=3)
    start = np.array([[0.0, 0, 0], [0.4, 0.8, 1.2], [1, 2, 3]])
    ours = KMeans(init=start, tol=0, channel_axis=0).fit(image)
    peer = PeerKMeans(3, init=start, n_init=1, tol=0, algorithm="lloyd")
    peer.fit(image.reshape(3, -1).T)
    assert ours.objective_ == pytest.approx(peer.inertia_, rel=1e-9)
    np.testing.assert_allclose(ours.cluster_centers_, peer.cluster_centers_, rtol=1e-9)


def test_q_1_is_k_means(spect):
    fcm, k_means = FCM(q=1).fit(spect.image), KMeans().fit(spect.image)
    np.testing.assert_array_equal(fcm.cluster_centers_, k_means.cluster_centers_)
    np.testing.assert_array_equal(fcm.labels_, k_means.labels_)


@pytest.mark.parametrize("q", [1, 1.5, 2, 2.7, 3, 6])
@pytest.mark.parametrize("bins", [500, None])
@pytest.mark.parametrize("init", ["uptake", "random"])
def test_objective_never_rises(q, bins, init, blobs):
    image = blobs((30, 31))
    fit = FCM(q=q, bins=bins, init=init, n_init=1, tol=1e-9).fit(image)
    history = np.array(fit.history_)
    assert history.size > 2
    assert (np.diff(history) <= 1e-12 * history[0]).all()


@pytest.mark.parametrize("q", [1, 1.5, 2, 3, 6])
def test_results_agree_with_the_equations(q, blobs):
    """objective_, memberships_ and cluster_centers_ belong together, by fuzzy.py."""
    image = blobs((8, 9, 5))
    fit = FCM(q=q, tol=1e-11, max_iter=3000).fit(image)
    squared = fuzzy.squared_distances(image[None], fit.cluster_centers_)
    u = fuzzy.memberships(squared, q)
    np.testing.assert_allclose(fit.memberships_, u, atol=1e-12)
    uq = fuzzy.power(u, q)
    assert fit.objective_ == pytest.approx(fuzzy.objective(uq, squared), rel=1e-12)
    np.testing.assert_allclose(fit.cluster_centers_, fuzzy.centres(uq, image[None]), atol=1e-8)


@pytest.mark.parametrize("shape", [(60,), (10, 6), (5, 4, 3), (5, 2, 3, 2), (60, 1, 1), (1, 60)])
@pytest.mark.parametrize("q", [1, 2])
def test_any_number_of_axes_and_any_memory_order(shape, q, blobs):
    flat = blobs((60,))
    expected = FCM(q=q).fit(flat)
    for image in (flat.reshape(shape), np.asfortranarray(flat.reshape(shape))):
        fit = FCM(q=q).fit(image)
        np.testing.assert_array_equal(fit.labels_, expected.labels_.reshape(shape))
        np.testing.assert_array_equal(fit.memberships_, expected.memberships_.reshape(3, *shape))
        assert fit.labels_.dtype == np.int8


def test_channel_axis(blobs):
    image = blobs((6, 5, 4), n_channels=2)
    first = FCM(channel_axis=0).fit(image)
    last = FCM(channel_axis=-1).fit(np.moveaxis(image, 0, -1))
    np.testing.assert_array_equal(first.memberships_, last.memberships_)
    np.testing.assert_array_equal(first.predict(image), first.labels_)
    assert first.memberships_.shape == (3, 6, 5, 4)
    assert first.cluster_centers_.shape == (3, 2)


def test_one_channel_is_a_scalar_image(blobs):
    image = blobs((9, 8))
    channel = FCM(channel_axis=0).fit(image[None])
    np.testing.assert_array_equal(channel.memberships_, FCM().fit(image).memberships_)


@pytest.mark.parametrize("channels", [None, 2])
def test_mask_is_the_same_as_clustering_the_voxels_within(channels, blobs, rng):
    image = blobs((9, 8, 3), n_channels=channels)
    mask = rng.random((9, 8, 3)) < 0.6
    spoilt = np.where(mask, image, np.nan)  # what lies outside does not matter
    axis = None if channels is None else 0
    fit = FCM(channel_axis=axis).fit(spoilt, mask)
    within = FCM(channel_axis=axis).fit(image[..., mask])
    np.testing.assert_array_equal(fit.memberships_[:, mask], within.memberships_)
    np.testing.assert_array_equal(fit.labels_[mask], within.labels_)
    assert (fit.memberships_[:, ~mask] == 0).all()
    assert (fit.labels_[~mask] == -1).all()
    assert fit.objective_ == within.objective_
    np.testing.assert_array_equal(fit.predict(spoilt, mask), fit.labels_)


@pytest.mark.parametrize(
    ("given", "computed"),
    [
        *((t, "float64") for t in ("float64", ">f8")),
        *((t, "float32") for t in ("float32", ">f4", "float16", "uint8", "int16")),
    ],
)
def test_dtypes(given, computed, blobs):
    image = (100 * np.abs(blobs((20, 20)))).astype(given)
    kept = image.copy()
    fit = FCM().fit(image)
    assert fit.memberships_.dtype == computed
    assert fit.cluster_centers_.dtype == np.float64
    np.testing.assert_array_equal(image, kept)
    np.testing.assert_allclose(fit.memberships_.sum(0), 1, rtol=1e-6)


def test_booleans_make_two_classes():
    fit = KMeans(n_clusters=2, bins=None).fit([True, False, True])
    np.testing.assert_array_equal(fit.labels_, [1, 0, 1])
    np.testing.assert_array_equal(fit.cluster_centers_, [[0], [1]])


@pytest.mark.parametrize("init", ["k-means++", "random"])
@pytest.mark.parametrize("channels", [None, 2])
def test_same_seed_same_answer(init, channels, blobs):
    image = blobs((12, 11), n_channels=channels)
    axis = None if channels is None else 0
    options = {"init": init, "n_init": 1, "max_iter": 1, "channel_axis": axis}
    first, again, other = (FCM(random_state=s, **options).fit(image) for s in (3, 3, 4))
    np.testing.assert_array_equal(first.memberships_, again.memberships_)
    assert not np.array_equal(first.memberships_, other.memberships_)


@pytest.mark.parametrize("n_clusters", [3, 5])
def test_classes_rise_with_their_centres(n_clusters, spect):
    image = spect.image.astype(np.float64)
    for init in ("uptake", "k-means++", "random"):
        fit = FCM(n_clusters=n_clusters, init=init, n_init=2).fit(image)
        assert (np.diff(fit.cluster_centers_[:, 0]) > 0).all()
        assert fit.memberships_.shape[0] == n_clusters
        assert np.isfinite(fit.memberships_).all()


def test_order_of_the_start_does_not_matter(spect):
    one = FCM(init=[0, 4, 20]).fit(spect.image)
    other = FCM(init=[20, 0, 4]).fit(spect.image)
    np.testing.assert_array_equal(one.memberships_, other.memberships_)


def test_one_value_far_off():
    """All but one voxel in one bin: the classes are still found among the values themselves."""
    image = np.concatenate([np.linspace(0, 1, 50), np.linspace(9, 10, 50), [1e9]])
    fit = KMeans().fit(image)
    assert fit.labels_[-1] == 2
    assert FCM(init=[0, 10, 1e9]).fit(image).labels_.tolist() == [0] * 50 + [1] * 50 + [2]


@pytest.mark.parametrize("q", [1, 1.5, 2, 3])
def test_predict_repeats_the_fit_and_extends_it(q, blobs):
    image = blobs((9, 10, 11))
    fit = FCM(q=q).fit(image)
    np.testing.assert_array_equal(fit.predict(image), fit.labels_)
    np.testing.assert_array_equal(fit.predict_memberships(image), fit.memberships_)
    np.testing.assert_array_equal(fit.predict(image[:5, :6, 7]), fit.labels_[:5, :6, 7])
    np.testing.assert_array_equal(FCM(q=q).fit_predict(image), fit.labels_)


@pytest.mark.parametrize("bins", [2**14, None])
def test_fixed_centres_stay(bins, spect):
    fit = FCM(init=[0, 5, 20], move_centres=False, bins=bins).fit(spect.image)
    np.testing.assert_array_equal(fit.cluster_centers_, [[0], [5], [20]])
    assert fit.converged_
    squared = fuzzy.squared_distances(spect.image[None], np.array([[0.0], [5], [20]]))
    u = fuzzy.memberships(squared, 2)
    np.testing.assert_allclose(fit.memberships_, u, atol=1e-6)
    assert fit.objective_ == pytest.approx(float((u**2 * squared).sum()), rel=1e-5)


@pytest.mark.parametrize("q", [1, 1.5, 2, 2.7, 3])
@pytest.mark.parametrize("init", [[0, 50, 60], [-90, -80, 5], [1, 1, 5]])
def test_a_class_that_nobody_is_nearest_to(q, init, blobs):
    """It keeps its centre (q = 1) or is drawn in; nothing becomes NaN."""
    for bins in (2**14, None):
        fit = FCM(q=q, init=init, bins=bins).fit(blobs((15, 15)))
        assert np.isfinite(fit.cluster_centers_).all()
        assert np.isfinite(fit.memberships_).all()
        assert np.isfinite(fit.objective_)
        np.testing.assert_allclose(fit.memberships_.sum(0), 1, rtol=1e-5)


def test_max_iter_ends_it(spect):
    fit = FCM(max_iter=1, bins=None).fit(spect.image)
    assert fit.n_iter_ == len(fit.history_) == 1
    assert not fit.converged_


@pytest.mark.parametrize("scale", [1e-11, 1e6, 1e13])
def test_scale_of_the_intensities_does_not_matter(scale, spect):
    expected = FCM().fit(spect.image)
    fit = FCM().fit(spect.image * np.float32(scale))
    np.testing.assert_allclose(fit.cluster_centers_ / scale, expected.cluster_centers_, rtol=1e-3)
    np.testing.assert_allclose(fit.memberships_, expected.memberships_, atol=1e-3)


def test_more_than_one_block_of_voxels(rng):
    """The kernel works through 4096 voxels at a time: its seams must not show."""
    image = rng.random(3 * 4096 + 17)
    fit = FCM(bins=None, tol=1e-12).fit(image)
    squared = fuzzy.squared_distances(image[None], fit.cluster_centers_)
    np.testing.assert_allclose(fit.memberships_, fuzzy.memberships(squared, 2), atol=1e-12)
    expected = fuzzy.centres(fit.memberships_**2, image[None])
    np.testing.assert_allclose(fit.cluster_centers_, expected, atol=1e-10)
