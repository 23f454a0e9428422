"""scikit-learn's own checks of every class, but for those named here with the reason.

A table of samples is an image of one axis with its channels last.
"""

import warnings

import numpy as np
import pytest
from sklearn.utils.estimator_checks import check_estimator

from fuzzyseg import clustering

ONE_CLASS = "asks for one class; a clustering here has 2 to 127"
WORDS = "raises a ValueError as it should, but in this package's words: expected, found, what to do"
NO_MASK = "passes labels y as the second argument, which is the mask here"
COUNTS = "wants n_features_in_; channels are counted by cluster_centers_, and told in own words"
EXEMPT = {
    "check_fit_score_takes_y": NO_MASK,
    "check_dont_overwrite_parameters": ONE_CLASS,
    "check_methods_subset_invariance": ONE_CLASS,
    "check_fit2d_1sample": ONE_CLASS,
    "check_fit2d_1feature": ONE_CLASS,
    "check_fit2d_predict1d": ONE_CLASS,
    "check_estimators_nan_inf": ONE_CLASS + "; test_bad_input.py tests NaN and infinity",
    "check_estimators_unfitted": "wants scikit-learn's NotFittedError; there is none without it",
    "check_n_features_in": COUNTS,
    "check_n_features_in_after_fitting": COUNTS,
    "check_complex_data": WORDS,
    "check_dtype_object": "wants numbers stored as objects to be converted",
    "check_estimators_empty_data_messages": WORDS,
    "check_estimator_sparse_tag": WORDS,
    "check_estimator_sparse_array": WORDS,
    "check_estimator_sparse_matrix": WORDS,
}
NEIGHBOURS = (
    "shuffles samples, which are voxels beside each other here; where the spatial weight is small, "
    "whether a label moves hangs on the last digit"
)
OF_SPACE = {"check_methods_sample_order_invariance": NEIGHBOURS}


class SquashedPrior(clustering.RFCM_CT):
    """Random tables as priors: any number becomes one from 0 to 1."""

    def _filtered(self, points):
        y = points.y.copy()
        y[-1] = 1 / (1 + np.exp(-y[-1]))
        return super()._filtered(points.with_image(y.reshape(len(y), *points.space)))


class Table(clustering.Threshold):
    """A table is an image of two axes to thresholds: labels y cannot be a mask of it."""

    def fit(self, image, y=None):  # noqa: ARG002
        return super().fit(image)


def failures(model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(model, on_fail=None, on_skip=None)
    assert len(results) > 35
    return {r["check_name"] for r in results if r["status"] == "failed"}


SPATIAL = ["FCM_S", "FCM_S1", "FCM_S2", "EnFCM", "FGFCM", "FLICM", "KFCM_S", "RFCM", "SFCM"]
PLAIN = ["FCM", "KMeans", "GaussianMixture", "KFCM", "PCM"]


@pytest.mark.parametrize("name", PLAIN)
def test_scikit_learns_checks(name):
    """Those that fail are those that are exempt, no more and no fewer."""
    assert failures(getattr(clustering, name)(channel_axis=-1)) == set(EXEMPT)


@pytest.mark.parametrize("name", SPATIAL)
def test_scikit_learns_checks_of_neighbours(name):
    """As above, and shuffled voxels may move a label."""
    assert failures(getattr(clustering, name)(channel_axis=-1)) - set(OF_SPACE) == set(EXEMPT)


def test_scikit_learns_checks_with_a_prior():
    assert failures(SquashedPrior(channel_axis=-1)) - set(OF_SPACE) == set(EXEMPT)


def test_scikit_learns_checks_of_thresholds():
    one_axis = {"check_fit1d"}  # wants an image of one axis refused
    of_classes = {name for name, why in EXEMPT.items() if why.startswith(ONE_CLASS)}
    expected = set(EXEMPT) - of_classes | {*one_axis, "check_fit2d_predict1d"}
    assert failures(Table()) == expected


def test_no_class_is_left_out():
    assert {*SPATIAL, *PLAIN, "RFCM_CT", "Threshold"} == set(clustering.__all__)
