import numpy as np
import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.inference.preprocess import channels, normalise_ct, normalise_spect
from fuzzyseg.models.card import Preprocessing

SPECT = np.random.default_rng(0).gamma(1, 300, (6, 7, 8)).astype(np.float32)
CT = np.random.default_rng(1).uniform(-1000, 2000, (6, 7, 8)).astype(np.float32)


def test_zscore():
    exact = SPECT.astype(np.float64)
    expected = (exact - exact.mean()) / exact.std()
    np.testing.assert_allclose(normalise_spect(SPECT), expected, atol=1e-5)


def test_body_scales_by_the_mean_above_the_mean():
    exact = SPECT.astype(np.float64)
    expected = exact / exact[exact > exact.mean()].mean()
    np.testing.assert_allclose(normalise_spect(SPECT, "body"), expected, rtol=1e-5)


@pytest.mark.parametrize(("how", "moves"), [("zscore", True), ("body", False)])
def test_unit_does_not_matter_and_air_matters_to_the_zscore_alone(how, moves):
    before = normalise_spect(SPECT, how)
    np.testing.assert_allclose(normalise_spect(SPECT * 1e6, how), before, rtol=1e-4, atol=1e-5)
    hot = np.where(SPECT.mean() < SPECT, SPECT, 0)  # all else is air
    wider = np.concatenate([hot, np.zeros_like(hot)], axis=2)
    change = np.abs(normalise_spect(wider, how)[..., :8] - normalise_spect(hot, how)).max()
    assert (change > 0.1) == moves


def test_ct_in_its_window():
    expected = np.clip((CT.astype(np.float64) + 200) / 1000, 0, 1)
    np.testing.assert_allclose(normalise_ct(CT, "window", (-200, 800)), expected, atol=1e-6)


def test_ct_slice_by_slice():
    array = CT.copy()
    array[:, :, 3] = -1000  # a constant slice
    found = normalise_ct(array, "slice")
    for z in range(8):
        plane = array[:, :, z].astype(np.float64)
        expected = (plane - plane.min()) / (np.ptp(plane) or 1)
        np.testing.assert_allclose(found[:, :, z], expected, atol=1e-6)


@pytest.mark.parametrize("value", [0.0, 5.0, -3.0])
@pytest.mark.parametrize("how", ["zscore", "body"])
def test_a_constant_volume_stays_finite(how, value):
    assert np.isfinite(normalise_spect(np.full((3, 3, 3), value, np.float32), how)).all()


def test_channels_are_stacked_in_the_order_asked_for():
    preprocessing = Preprocessing(spect="body", ct="window", ct_window_hu=(0.0, 500.0))
    found = channels({"ct": CT, "spect": SPECT}, preprocessing, ("spect", "ct"))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[0], normalise_spect(SPECT, "body"))
    np.testing.assert_array_equal(found[1], normalise_ct(CT, "window", (0.0, 500.0)))


def test_a_missing_channel_is_named():
    with pytest.raises(InputError, match="no ct"):
        channels({"spect": SPECT}, Preprocessing(), ("spect", "ct"))


@pytest.mark.parametrize("how", ["zscore", "body", "asinh"])
def test_air_that_was_cut_off_counts(how):
    rng = np.random.default_rng(2)
    array = rng.gamma(2.0, 3.0, (9, 8, 7)) + 0.5
    whole = np.concatenate([array.ravel(), np.full(700, 0.2)])
    expected = normalise_spect(whole, how)[: array.size].reshape(array.shape)
    np.testing.assert_allclose(normalise_spect(array, how, (700, 0.2)), expected, rtol=1e-5)
