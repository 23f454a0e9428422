"""Thresholds by hand."""

import numpy as np
import pytest

from fuzzyseg.clustering import Threshold
from fuzzyseg.errors import InputError


def test_defaults_are_2_and_42_percent_of_the_maximum():
    image = np.array([[0, 1.99, 2], [41.9, 42, 100]])
    fit = Threshold().fit(image)
    np.testing.assert_array_equal(fit.labels_, [[0, 0, 1], [1, 2, 2]])
    np.testing.assert_allclose(fit.levels_, [2, 42])
    np.testing.assert_allclose(fit.cluster_centers_, [[1.99 / 2], [43.9 / 2], [71]])
    deviations = [1.99 / 2, 1.99 / 2, 2 - 43.9 / 2, 41.9 - 43.9 / 2, 29, 29]
    assert fit.objective_ == pytest.approx(sum(d * d for d in deviations))
    assert fit.n_iter_ == 1
    for k in range(3):
        np.testing.assert_array_equal(fit.memberships_[k], fit.labels_ == k)
    assert fit.memberships_.dtype == np.float32
    assert fit.labels_.dtype == np.int8


def test_ct_in_hounsfield_units():
    image = np.array([-1000, 0, 399, 400, 1500], np.int16)
    fit = Threshold(levels=(400,), relative=False).fit(image)
    np.testing.assert_array_equal(fit.labels_, [0, 0, 0, 1, 1])
    np.testing.assert_array_equal(fit.predict([[401.0, 12.0]]), [[1, 0]])
    np.testing.assert_array_equal(fit.predict_memberships([401.0, 12.0]), [[0, 1], [1, 0]])


def test_mask_decides_the_maximum():
    image = np.array([1.0, 50, 100, 1000])
    mask = np.array([True, True, True, False])
    fit = Threshold().fit(image, mask)
    np.testing.assert_array_equal(fit.labels_, [0, 2, 2, -1])
    np.testing.assert_array_equal(fit.memberships_[:, 3], 0)
    np.testing.assert_array_equal(fit.predict(image), [0, 2, 2, 2])


def test_an_empty_class_takes_its_lower_bound_as_centre():
    fit = Threshold(levels=(10, 20, 30), relative=False).fit([5.0, 7.0, 25.0])
    np.testing.assert_array_equal(fit.cluster_centers_, [[6], [10], [25], [30]])


@pytest.mark.parametrize("levels", [(), (0.4, 0.2), (0.1, 0.1), (np.nan,), (0.1, np.inf), [[0.1]]])
def test_bad_levels(levels):
    with pytest.raises(InputError, match="rising levels"):
        Threshold(levels=levels).fit([0.0, 1.0])


def test_relative_levels_want_a_positive_maximum():
    with pytest.raises(InputError, match=r"positive maximum, found 0; .* relative=False"):
        Threshold().fit([-1.0, 0.0])
