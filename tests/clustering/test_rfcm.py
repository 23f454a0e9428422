"""Robust fuzzy c-means against eqs. (5) and (6) written plainly in scipy."""

import itertools

import numpy as np
import pytest

from fuzzyseg import fuzzy
from fuzzyseg.clustering import FCM, RFCM
from fuzzyseg.clustering.image import frozen
from fuzzyseg.clustering.solver import assign
from fuzzyseg.errors import InputError

START = np.array([[0.05], [0.4], [0.9]])
# Size-1 axes, rows of 1 and 2, planes of more than one block (4096) and not a multiple of it,
# rows that don't divide a block, more than one slab (32 planes) and not a multiple of it.
SHAPES = [
    (9,),
    (5000,),
    (6, 5),
    (7, 1),
    (1, 8),
    (70, 131),
    (3, 4096),
    (4, 5, 6),
    (5, 6, 1),
    (5, 1, 7),
    (1, 5, 6),
    (4, 3, 2),
    (2, 67, 101),
    (71, 3, 4),
    (33, 5, 3),
]
DTYPES = {"float32": (2e-6, 1e-5), "float64": (1e-12, 1e-12)}


def check_against_plain(image, plain, dtype, *, q, neighbours="all", beta=0.05, n_iter=3, **more):
    """Compare memberships, centres and the history of J over some iterations."""
    mask, axis, start = (more.get(name) for name in ("mask", "axis", "start"))
    start = START if start is None else start
    fit = RFCM(
        q=q, init=start, beta=beta, neighbours=neighbours, max_iter=n_iter, tol=0,
        move_centres=more.get("move", True), channel_axis=axis, bins=None,
        n_jobs=more.get("n_jobs", 1),
    )  # fmt: skip
    found = fit.fit(image, mask)
    y = image[None] if axis is None else image
    # The same start: fuzzy c-means, to its end.
    plainly = FCM(
        q=q, init=start, tol=0, bins=None, channel_axis=axis, move_centres=more.get("move", True)
    ).fit(image, mask)
    v = plainly.cluster_centers_
    u = fuzzy.memberships(fuzzy.squared_distances(y.astype(np.float64), v), q)
    inside = np.ones(y.shape[1:]) if mask is None else mask
    u, history = u * inside, []
    for _ in range(n_iter):
        before, u, centres = plain(y, u, v, q, beta, neighbours, inside)
        v = centres if more.get("move", True) else v
        history.append(before)
    history.append(plain(y, u, v, q, beta, neighbours, inside)[0])
    atol, rtol = DTYPES[dtype]
    order = np.argsort(v[:, 0])
    np.testing.assert_allclose(found.memberships_, u[order], atol=atol * more.get("slack", 1))
    np.testing.assert_allclose(found.cluster_centers_, v[order], rtol=rtol, atol=rtol)
    np.testing.assert_allclose(found.history_, history, rtol=rtol)
    assert found.objective_ == found.history_[-1]
    assert found.memberships_.dtype == dtype
    return found


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("neighbours", ["faces", "all"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_iterations_on_all_shapes(shape, neighbours, dtype, blobs, plain_rfcm):
    image = blobs(shape, dtype, noise=0.15)
    check_against_plain(image, plain_rfcm, dtype, q=2, neighbours=neighbours, move=False)
    if image.size > 30:
        check_against_plain(image, plain_rfcm, dtype, q=2, neighbours=neighbours, n_iter=1)


@pytest.mark.parametrize("neighbours", ["faces", "all"])
@pytest.mark.parametrize("q", [1, 1.5, 2, 2.7, 3])
@pytest.mark.parametrize("shape", [(33, 6, 5), (11, 13)], ids=str)
def test_iterations_with_all_exponents(shape, q, neighbours, blobs, plain_rfcm):
    image = blobs(shape, noise=0.15)
    check_against_plain(image, plain_rfcm, "float64", q=q, neighbours=neighbours, n_iter=5)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_masked_image(n_jobs, blobs, plain_rfcm, rng):
    image = blobs((37, 6, 5), noise=0.15)
    mask = rng.random(image.shape) < 0.7
    spoilt = np.where(mask, image, np.nan)
    fit = RFCM(init=START, max_iter=3, tol=0, bins=None, n_jobs=n_jobs).fit(spoilt, mask)
    again = check_against_plain(
        np.where(mask, image, 0), plain_rfcm, "float64", q=2, beta=1e-3, mask=mask, n_jobs=n_jobs
    )
    np.testing.assert_array_equal(fit.memberships_, again.memberships_)
    assert (fit.labels_[~mask] == -1).all()
    assert (fit.memberships_[:, ~mask] == 0).all()
    np.testing.assert_allclose(fit.memberships_[:, mask].sum(0), 1, rtol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_vector_image(dtype, blobs, plain_rfcm):
    image = blobs((34, 5, 6), dtype, n_channels=2, noise=0.15)
    start = np.array([[0.0, 0.0], [0.4, 0.8], [1.0, 2.0]])
    check_against_plain(image, plain_rfcm, dtype, q=2, axis=0, start=start, slack=2)


@pytest.mark.parametrize("shape", [(100, 9, 8), (65, 3)], ids=str)
@pytest.mark.parametrize("q", [1, 2])
def test_threads_do_not_change_one_bit(shape, q, blobs):
    image = blobs(shape, np.float32, noise=0.2)
    one, two = (RFCM(q=q, max_iter=6, tol=0, n_jobs=n).fit(image) for n in (1, 2))
    np.testing.assert_array_equal(one.memberships_, two.memberships_)
    np.testing.assert_array_equal(one.cluster_centers_, two.cluster_centers_)
    assert one.history_ == two.history_


@pytest.mark.parametrize("q", [1, 1.5, 2, 3])
@pytest.mark.parametrize("channels", [None, 2])
def test_beta_0_is_fuzzy_c_means(q, channels, blobs):
    image = blobs((9, 8, 7), n_channels=channels)
    axis = None if channels is None else 0
    plain = FCM(q=q, tol=1e-12, max_iter=2000, channel_axis=axis).fit(image)
    robust = RFCM(q=q, beta=0, tol=1e-12, max_iter=2000, channel_axis=axis).fit(image)
    np.testing.assert_allclose(robust.cluster_centers_, plain.cluster_centers_, atol=1e-8)
    np.testing.assert_allclose(robust.memberships_, plain.memberships_, atol=1e-7)
    assert robust.objective_ == pytest.approx(plain.objective_, rel=1e-9)


@pytest.mark.parametrize("neighbours", ["faces", "all"])
@pytest.mark.parametrize("q", [1.5, 2, 2.7, 3])
@pytest.mark.parametrize("beta", [1e-3, 3e-3])
def test_objective_does_not_rise_at_small_beta(q, beta, neighbours, blobs):
    """No theorem says so for J where all voxels are updated at once, but at small beta it holds."""
    image = blobs((12, 13, 14), noise=0.15)
    fit = RFCM(q=q, beta=beta, neighbours=neighbours, tol=1e-9, max_iter=60).fit(image)
    history = np.array(fit.history_)
    assert (np.diff(history) <= 1e-9 * history[0]).all()
    assert history[-1] < history[0]


@pytest.mark.parametrize("neighbours", ["faces", "all"])
@pytest.mark.parametrize("q", [1, 2, 2.7])
@pytest.mark.parametrize("beta", [1e-2, 1.0])
def test_what_the_theory_promises_at_fixed_centres(q, beta, neighbours, blobs):
    """The objective of two successive memberships together never rises, whatever beta is."""
    image = blobs((9, 10, 11), noise=0.15)
    squared = fuzzy.squared_distances(image[None], START)
    powers = [fuzzy.power(fuzzy.memberships(squared, q), q)]
    for n in range(1, 9):
        fit = RFCM(
            q=q, beta=beta, neighbours=neighbours, init=START, move_centres=False, tol=0, max_iter=n
        ).fit(image)
        powers.append(fuzzy.power(fit.memberships_, q))
    pairs = [
        float(((now + before) * squared).sum())
        + 2 * beta * float((now * fuzzy.spatial_cost(before, neighbours)).sum())
        for before, now in itertools.pairwise(powers)
    ]
    assert (np.diff(pairs) <= 1e-12 * pairs[0]).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("neighbours", ["faces", "all"])
def test_objective_agrees_with_the_equation(neighbours, dtype, spect):
    image = (spect.image / spect.image.max()).astype(dtype)
    fit = RFCM(neighbours=neighbours, max_iter=7).fit(image)
    u = fit.memberships_.astype(np.float64)
    squared = fuzzy.squared_distances(image[None].astype(np.float64), fit.cluster_centers_)
    expected = fuzzy.objective(u**2, squared, fit.beta, neighbours)
    assert fit.objective_ == pytest.approx(expected, rel=1e-5 if dtype == "float32" else 1e-12)
    assert len(fit.history_) == fit.n_iter_ + 1
    np.testing.assert_array_equal(fit.labels_, fit.memberships_.argmax(0))
    centres = fuzzy.centres(u**2, image[None].astype(np.float64))
    np.testing.assert_allclose(fit.cluster_centers_, centres, rtol=1e-5)


@pytest.mark.parametrize("q", [1, 2])
@pytest.mark.parametrize("shape", [(20, 20, 20), (64, 64)], ids=str)
def test_speckle_goes_and_edges_stay(q, shape, rng):
    truth = np.zeros(shape, np.int8)
    for k in (1, 2):
        truth[k * shape[0] // 3 :] = k
    image = truth + 0.35 * rng.standard_normal(shape)
    wrong = {
        type(model).__name__: np.count_nonzero(model.fit_predict(image) != truth)
        for model in (FCM(q=q), RFCM(q=q, beta=0.05))
    }
    assert wrong["FCM"] > 0.05 * truth.size
    assert wrong["RFCM"] < 0.25 * wrong["FCM"]


@pytest.mark.parametrize(("q", "dtype"), [(1, "float64"), (2, "float32"), (2.7, "float64")])
def test_flat_regions_with_fixed_centres(q, dtype):
    """Squared distances of exactly 0: rounding must not make costs negative."""
    rng = np.random.default_rng(5)
    image = np.array([0.0, 0.4, 1.0], dtype)[rng.integers(0, 3, (9, 40, 50))]
    image[:, 10:30, 10:40] = 0.4
    for neighbours in ("all", "faces"):
        fit = RFCM(
            q=q, init=[0, 0.4, 1], beta=0.3, neighbours=neighbours, move_centres=False, tol=0
        ).fit(image)
        assert fit.memberships_.min() >= 0
        np.testing.assert_allclose(fit.memberships_.sum(0), 1, rtol=1e-5)
        assert (fit.labels_[2:-2, 14:26, 14:36] == 1).all()


def test_classes_rise_with_their_centres_and_order_of_start_does_not_matter(spect):
    image = spect.image / spect.image.max()
    one, other = (RFCM(init=i, max_iter=5).fit(image) for i in ([0, 0.2, 0.7], [0.7, 0, 0.2]))
    assert (np.diff(one.cluster_centers_[:, 0]) > 0).all()
    np.testing.assert_array_equal(one.memberships_, other.memberships_)


def test_predict_at_the_fitted_centres(spect):
    image = spect.image / spect.image.max()
    fit = RFCM(init=[0, 0.2, 0.7], move_centres=False).fit(image)
    np.testing.assert_array_equal(fit.predict(image), fit.labels_)
    np.testing.assert_array_equal(fit.predict_memberships(image), fit.memberships_)
    moved = RFCM(tol=1e-7, max_iter=300).fit(image)
    assert (moved.predict(image) == moved.labels_).mean() > 0.999


@pytest.mark.parametrize("q", [1, 1.5, 2, 3])
def test_a_class_that_nobody_is_nearest_to(q, blobs):
    image = blobs((6, 15, 15))
    fit = RFCM(q=q, init=[0, 50, 60]).fit(image)
    assert np.isfinite(fit.cluster_centers_).all()
    assert np.isfinite(fit.memberships_).all()
    assert np.isfinite(fit.history_).all()


def test_the_start_is_fuzzy_c_means_whatever_max_iter(spect):
    image = spect.image / spect.image.max()
    fit = RFCM(max_iter=1, tol=1e-9).fit(image)
    fcm = FCM(tol=1e-9).fit(image)
    _, _, start = assign(frozen(image.reshape(1, -1)), fcm.cluster_centers_, 2.0)
    spatial = fuzzy.spatial_cost(fcm.memberships_.astype(np.float64) ** 2)
    penalty = 1e-3 * (fcm.memberships_**2 * spatial).sum()
    assert fit.history_[0] == pytest.approx(start + penalty, rel=1e-4)
    assert fit.n_iter_ == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beta": -1}, "beta >= 0, found -1"),
        ({"beta": float("nan")}, "beta >= 0, found nan"),
        ({"neighbours": "26"}, "neighbours to be one of"),
        ({"n_jobs": 0}, "n_jobs >= 1, found 0"),
        ({"q": 0.9}, "q >= 1, found 0.9"),
    ],
)
def test_bad_parameters(options, message, blobs):
    with pytest.raises(InputError, match=message):
        RFCM(**options).fit(blobs((8, 8)))


def test_images_that_do_not_fit(blobs):
    with pytest.raises(InputError, match="one to three spatial axes, found 4"):
        RFCM().fit(blobs((3, 3, 3, 3)))
    with pytest.raises(InputError, match="at most 4096 voxels, found 4097; transpose"):
        RFCM().fit(blobs((2, 4097)))
