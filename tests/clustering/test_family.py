"""Every method of the family against its equations, written plainly in float64."""

from functools import partial

import numpy as np
import plain_clustering as plain
import pytest
import torch
from acceleration import problem
from family import FAMILY as METHODS

from fuzzyseg import clustering
from fuzzyseg.clustering import (
    FCM,
    FCM_S,
    FCM_S1,
    FCM_S2,
    FGFCM,
    FLICM,
    KFCM,
    KFCM_S,
    PCM,
    RFCM,
    RFCM_CT,
    SFCM,
    EnFCM,
    GaussianMixture,
    Threshold,
)
from fuzzyseg.errors import InputError

START = np.array([[0.05], [0.4], [0.9]])
N_ITER = 3


def iterated(step, u, v, q, n_iter=N_ITER):
    history = []
    for _ in range(n_iter):
        before, u, v = step(u, v, q)
        history.append(before)
    last, again, _ = step(u, v, q)
    return u, again, v, [*history, last]


def check(name, image, *, q=2, mask=None, axis=None, start=START, as_tensor=False, atol=1e-9):
    member = METHODS[name]
    y = np.asarray(image if axis is not None else image[None], np.float64)
    seen, step = member.prepare(y, mask)
    spoilt = image if mask is None else np.where(mask, image, np.nan)
    model = member.cls(
        q=q, init=start, max_iter=N_ITER, tol=0, bins=None, channel_axis=axis, **member.options
    )
    if "accelerate" in model.get_params():
        model.accelerate = False
    found = model.fit(torch.from_numpy(spoilt) if as_tensor else spoilt, mask)
    v = FCM(q=q, init=start, tol=0, bins=None, channel_axis=0).fit(seen, mask).cluster_centers_
    u = plain.fuzzy_memberships(plain.distances(seen, v), q, mask)
    u, again, v, history = iterated(step, u, v, q)
    u = u if member.remembers else again
    order = np.argsort(v[:, 0])
    np.testing.assert_allclose(found.memberships_, u[order], atol=atol)
    np.testing.assert_allclose(found.cluster_centers_, v[order], atol=atol)
    np.testing.assert_allclose(found.history_, history, rtol=max(atol, 1e-9))
    assert found.objective_ == found.history_[-1]
    labels = np.where(True if mask is None else mask, u[order].argmax(0), -1)
    assert (np.asarray(found.labels_) == labels).mean() > 0.99
    return found


@pytest.mark.parametrize("shape", [(41,), (9, 8), (5, 6, 7), (1, 9, 1), (35, 3, 4)], ids=str)
@pytest.mark.parametrize("name", METHODS)
def test_equations(name, shape, blobs):
    check(name, blobs(shape, noise=0.15))


@pytest.mark.parametrize("name", METHODS)
def test_equations_of_vectors_in_a_mask(name, blobs, rng):
    image = blobs((6, 7, 5), n_channels=2, noise=0.15)
    start = np.array([[0.0, 0.0], [0.4, 0.8], [1.0, 2.0]])
    check(name, image, axis=0, start=start, mask=rng.random((6, 7, 5)) < 0.7)


@pytest.mark.parametrize("q", [1.5, 3])
@pytest.mark.parametrize("name", METHODS)
def test_equations_with_other_exponents(name, q, blobs):
    check(name, blobs((8, 7), noise=0.15), q=q, atol=1e-8)


@pytest.mark.parametrize("name", METHODS)
def test_float32(name, blobs):
    found = check(name, blobs((34, 12, 13), np.float32, noise=0.15), atol=5e-5)
    assert found.memberships_.dtype == np.float32


@pytest.mark.parametrize("name", METHODS)
def test_tensors(name, blobs, rng):
    """On the CPU: no GPU is at hand; the same operations run there."""
    found = check(name, blobs((5, 6, 7)), as_tensor=True, mask=rng.random((5, 6, 7)) < 0.8)
    assert isinstance(found.memberships_, torch.Tensor)
    assert found.memberships_.dtype == torch.float64
    assert found.labels_.dtype == torch.int8


@pytest.mark.parametrize("as_tensor", [False, True])
def test_possibilistic(as_tensor, blobs, rng):
    image, mask = blobs((6, 7, 5), noise=0.15), rng.random((6, 7, 5)) < 0.7
    given = torch.from_numpy(image) if as_tensor else image
    for q in (1.5, 2, 3):
        found = PCM(q=q, init=START, max_iter=N_ITER, tol=0, bins=None, accelerate=False)
        found.fit(given, mask)
        fcm = FCM(q=q, init=START, tol=0, bins=None).fit(image, mask)
        v, y = fcm.cluster_centers_, image[None]
        uq = fcm.memberships_**q
        eta = (uq * plain.distances(y, v)).sum((1, 2, 3)) / uq.sum((1, 2, 3))
        np.testing.assert_allclose(found.eta_, eta, rtol=1e-6)
        step = partial(plain.pcm, y, eta=eta, inside=mask)
        _, u, v, history = iterated(lambda u, v, q, step=step: step(u, v, q=q), None, v, q)
        np.testing.assert_allclose(found.memberships_, u, atol=1e-6)
        np.testing.assert_allclose(found.cluster_centers_, v, atol=1e-6)
        np.testing.assert_allclose(found.history_, history, rtol=1e-6)


@pytest.mark.parametrize("as_tensor", [False, True])
@pytest.mark.parametrize("shape", [(9, 8), (5, 6, 7)], ids=str)
def test_ct_prior(shape, as_tensor, blobs, rng):
    image, z = blobs(shape, noise=0.15), rng.random(shape)
    both = np.stack([image, z])
    model = RFCM_CT(
        gamma=0.02, init=START, max_iter=N_ITER, tol=0, bins=None, channel_axis=0
    ).fit(torch.from_numpy(both) if as_tensor else both)  # fmt: skip
    fcm = FCM(init=START, tol=0, bins=None).fit(image)

    def step(u, v, q):
        return plain.rfcm(image[None], u, v, q, 5e-4, 0.02, z)

    u, _, v, history = iterated(step, fcm.memberships_, fcm.cluster_centers_, 2)
    np.testing.assert_allclose(model.memberships_, u, atol=1e-9)
    np.testing.assert_allclose(model.cluster_centers_, v, atol=1e-9)
    np.testing.assert_allclose(model.history_, history, rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_prior_is_rfcm_to_the_bit(dtype, blobs, rng):
    image = blobs((9, 8, 7), dtype)
    both = np.stack([image, rng.random(image.shape).astype(dtype)])
    robust = RFCM(beta=5e-4).fit(image)
    for model in (RFCM_CT(gamma=0, channel_axis=0).fit(both), RFCM_CT().fit(image)):
        np.testing.assert_array_equal(model.memberships_, robust.memberships_)
        np.testing.assert_array_equal(model.cluster_centers_, robust.cluster_centers_)
        assert model.history_ == robust.history_
    again = RFCM_CT(gamma=0.05, channel_axis=0, init=START, move_centres=False).fit(both)
    np.testing.assert_array_equal(again.predict(both), again.labels_)


def test_prior_moves_what_lies_between(blobs):
    """Halfway between background and bone: the CT decides."""
    image = np.tile([0.0, 0.2, 0.4, 1.0], (8, 2))
    prior = np.zeros_like(image)
    prior[4:] = 1
    labels = RFCM_CT(
        gamma=0.05, channel_axis=0, init=[0, 0.4, 1], move_centres=False
    ).fit_predict(np.stack([image, prior]))  # fmt: skip
    assert (labels[:3, 1::4] == 0).all()
    assert (labels[5:, 1::4] == 1).all()
    assert (labels[:, 3::4] == 2).all()  # a lesion stays one without bone in the CT


@pytest.mark.parametrize("channels", [None, 2])
def test_enfcm_and_fgfcm_are_fuzzy_c_means_of_a_filtered_image(channels, blobs, rng):
    image = blobs((6, 7, 5), n_channels=channels, noise=0.15)
    mask = rng.random((6, 7, 5)) < 0.8
    axis = None if channels is None else 0
    y = image if axis == 0 else image[None]
    start = [[0.05, 0.1], [0.4, 0.8], [0.9, 1.8]] if channels else START
    for model, seen in (
        (EnFCM(alpha=2.0), plain.enfcm_image(y, 2.0, mask)),
        (FGFCM(spatial=2.0, grey=5.0), plain.fgfcm_image(y, 2.0, 5.0, mask)),
    ):
        model.set_params(init=start, tol=1e-12, max_iter=2000, channel_axis=axis)
        model.fit(np.where(mask, image, np.nan), mask)
        fcm = FCM(init=start, tol=1e-12, max_iter=2000, channel_axis=0, bins=None).fit(seen, mask)
        np.testing.assert_allclose(model.cluster_centers_, fcm.cluster_centers_, atol=1e-7)
        np.testing.assert_allclose(model.memberships_, fcm.memberships_, atol=1e-6)
        np.testing.assert_array_equal(model.predict(image, mask), model.labels_)
        given = torch.from_numpy(np.where(mask, image, 0.0))
        on_device = type(model)(**model.get_params()).fit(given, mask)
        np.testing.assert_allclose(on_device.memberships_, model.memberships_, atol=1e-5)


WITHOUT = {
    "alpha=0": [FCM_S(alpha=0), FCM_S1(alpha=0), FCM_S2(alpha=0), EnFCM(alpha=0)],
    "window=1": [FCM_S(window=1), FCM_S1(window=1), FCM_S2(window=1), EnFCM(window=1),
        FGFCM(window=1), SFCM(window=1, s=0.0), SFCM(p=1.0, s=0.0)],
    "wide kernel": [KFCM(sigma=1e3), KFCM_S(sigma=1e3, alpha=0)],
}  # fmt: skip


@pytest.mark.parametrize("model", [m for models in WITHOUT.values() for m in models], ids=repr)
def test_without_neighbours_it_is_fuzzy_c_means(model, blobs):
    image = blobs((9, 8, 5))
    fcm = FCM(tol=1e-9).fit(image)
    found = model.set_params(tol=1e-9, max_iter=500).fit(image)
    atol = 1e-4 if isinstance(model, KFCM | KFCM_S) else 1e-6
    np.testing.assert_allclose(found.cluster_centers_, fcm.cluster_centers_, atol=atol)
    np.testing.assert_allclose(found.memberships_, fcm.memberships_, atol=atol)


@pytest.mark.parametrize("accelerate", [False, True])
@pytest.mark.parametrize("cls", [FCM_S, FCM_S1, FCM_S2, KFCM, PCM])
def test_objective_never_rises(cls, accelerate, blobs):
    for seed in range(4):
        image = blobs((11, 12), noise=0.3, seed=seed)
        history = np.array(cls(accelerate=accelerate, tol=1e-7).fit(image).history_)
        assert (np.diff(history) <= 1e-12 * history[0]).all()
        assert history[-1] < history[0]


@pytest.mark.parametrize("cls", [FCM_S, FCM_S1, FCM_S2, KFCM, PCM])
def test_acceleration_saves_iterations_and_never_ends_higher(cls):
    spared = 0
    for seed in range(8):
        image, options = problem(seed)
        options |= {"init": "random", "n_init": 1, "tol": 1e-5, "max_iter": 5000}
        plainly, fast = (cls(**options, accelerate=a).fit(image) for a in (False, True))
        assert fast.objective_ <= plainly.objective_ * (1 + 1e-6)
        spared += plainly.n_iter_ - fast.n_iter_
    assert spared > 0


@pytest.mark.parametrize("cls", [GaussianMixture, Threshold])
def test_the_others_copy_tensors(cls, blobs):
    image = np.abs(blobs((9, 8)))
    mask = image > 0.01
    fit = cls().fit(torch.from_numpy(image), torch.from_numpy(mask))
    np.testing.assert_array_equal(fit.labels_, cls().fit(image, mask).labels_)
    np.testing.assert_array_equal(fit.predict(torch.from_numpy(image)), fit.predict(image))


FAMILY = [FCM_S, FCM_S1, FCM_S2, EnFCM, FGFCM, FLICM, KFCM, KFCM_S, SFCM, PCM, RFCM, RFCM_CT]


@pytest.mark.parametrize("cls", FAMILY)
def test_flips_and_rotations_do_not_matter(cls, blobs):
    image = blobs((7, 8, 6), noise=0.15)
    fit = cls(max_iter=20).fit(image)
    turned = cls(max_iter=20).fit(np.ascontiguousarray(image[::-1].transpose(2, 0, 1)))
    expected = fit.memberships_[:, ::-1].transpose(0, 3, 1, 2)
    np.testing.assert_allclose(turned.memberships_, expected, atol=1e-5)


@pytest.mark.parametrize("cls", FAMILY)
def test_scale_and_offset_of_intensities_do_not_matter(cls, blobs):
    """Where a parameter has the unit of an intensity, it is scaled along."""
    image = blobs((7, 8, 6), noise=0.15)
    units = {"sigma": 1, "beta": 2, "gamma": 2}
    model = cls(max_iter=20)
    scaled = cls(max_iter=20)
    for name, power in units.items():
        if name in scaled.get_params():
            setattr(scaled, name, getattr(model, name) * 5.0**power)
    fit, other = model.fit(image), scaled.fit(5 * image + 3)
    np.testing.assert_allclose(other.cluster_centers_, 5 * fit.cluster_centers_ + 3, atol=1e-4)
    np.testing.assert_allclose(other.memberships_, fit.memberships_, atol=1e-4)


@pytest.mark.parametrize("cls", [c for c in FAMILY if "n_jobs" in c().get_params()])
def test_threads_do_not_change_one_bit(cls, blobs):
    image = blobs((70, 9, 8), np.float32, noise=0.2)
    one, two = (cls(n_jobs=n, max_iter=4, tol=0).fit(image) for n in (1, 2))
    np.testing.assert_array_equal(one.memberships_, two.memberships_)
    assert one.history_ == two.history_


@pytest.mark.parametrize("cls", FAMILY)
def test_predict_at_the_fitted_centres(cls, blobs):
    image = blobs((9, 8), noise=0.1)
    fit = cls(init=[0, 0.4, 1], move_centres=False).fit(image)
    np.testing.assert_array_equal(fit.cluster_centers_, [[0], [0.4], [1]])
    np.testing.assert_array_equal(fit.predict(image), fit.labels_)
    np.testing.assert_array_equal(fit.predict_memberships(image), fit.memberships_)


def test_typicality_is_low_far_from_all(blobs):
    image = np.append(blobs((400,)), 30.0)
    fit = PCM(init=[0, 0.4, 1]).fit(image)
    assert fit.memberships_[:, -1].max() < 0.01
    assert fit.memberships_[:, :-1].max(0).mean() > 0.5
    assert FCM(init=[0, 0.4, 1], move_centres=False).fit(image).memberships_[2, -1] > 0.3


def test_neighbours_withstand_outliers(rng):
    truth = np.repeat([0.0, 1.0], 200).reshape(20, 20)
    image = truth + 0.05 * rng.standard_normal(truth.shape)
    spots = rng.random(truth.shape) < 0.05
    image[spots] = 1 - truth[spots]

    def wrong(model):
        return np.count_nonzero(model.set_params(n_clusters=2).fit_predict(image) != truth)

    assert wrong(FCM()) == np.count_nonzero(spots) == 25
    for model in (FCM_S2(alpha=4.0), FLICM(), SFCM(p=0, s=2, window=3), RFCM(beta=0.1)):
        assert wrong(model) <= 12


@pytest.mark.parametrize("cls", [FLICM, KFCM_S, SFCM])
def test_four_axes_are_too_many_for_neighbours(cls, blobs):
    with pytest.raises(InputError, match="one to three spatial axes, found 4"):
        cls().fit(blobs((3, 3, 3, 3)))


@pytest.mark.parametrize("cls", [FCM_S, FCM_S1, FCM_S2, EnFCM, FGFCM, PCM, KFCM])
def test_any_number_of_axes_for_the_others(cls, blobs):
    image = blobs((4, 3, 5, 3))
    assert cls().fit(image).labels_.shape == image.shape


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (FCM_S(alpha=-1), "alpha >= 0, found -1"),
        (FCM_S1(window=2), "odd window of at least 1 voxel, found 2"),
        (EnFCM(alpha=np.nan), "alpha >= 0, found nan"),
        (EnFCM(window=0), "odd window"),
        (FGFCM(spatial=0), "spatial > 0, found 0"),
        (FGFCM(grey=-1), "grey > 0, found -1"),
        (KFCM(sigma=0), "sigma > 0, found 0"),
        (KFCM_S(alpha=-1), "alpha >= 0"),
        (SFCM(p=-1), "p >= 0"),
        (SFCM(p=0, s=0), "p and s not both 0, found 0 and 0"),
        (PCM(q=1), "q > 1 for typicalities, found 1"),
        (PCM(scale=0), "scale > 0, found 0"),
        (RFCM_CT(gamma=-1), "gamma >= 0, found -1"),
        (FLICM(n_jobs=0), "n_jobs >= 1, found 0"),
    ],
    ids=repr,
)
def test_bad_parameters(model, message, blobs):
    with pytest.raises(InputError, match=message):
        model.fit(blobs((8, 8)))


def test_bad_priors(blobs):
    image = blobs((8, 8))
    with pytest.raises(InputError, match="at least 2 channels, of which the last is the prior"):
        RFCM_CT(channel_axis=0).fit(image[None])
    with pytest.raises(InputError, match="prior from 0 to 1 in the last channel, found 0 to 2"):
        RFCM_CT(channel_axis=0).fit(np.stack([image, np.tile([0.0, 2], (8, 4))]))


def test_bad_tensors():
    image = torch.zeros(4, 4)
    with pytest.raises(InputError, match="3 different intensities"):
        FLICM().fit(image)
    image[0, 0] = torch.nan
    with pytest.raises(InputError, match="finite intensities, found 1 values"):
        FLICM().fit(image)
    with pytest.raises(InputError, match=r"mask of the image's shape \(4, 4\), found \(3, 4\)"):
        FLICM().fit(image, torch.ones(3, 4))


def test_every_method_is_exported():
    assert {cls.__name__ for cls in FAMILY} <= set(clustering.__all__)
