"""Overlap scores against scikit-learn, by hand, and on what cannot be computed."""

import numpy as np
import pytest
from sklearn import metrics as oracle

from fuzzyseg.errors import InputError
from fuzzyseg.metrics import confusion_matrix, overlap


def assert_equals_sklearn(prediction, truth, n):
    found = overlap(prediction, truth, n_classes=n)
    t, p, labels = truth.ravel(), prediction.ravel(), list(range(n))
    precision, recall, f1, _ = oracle.precision_recall_fscore_support(
        t, p, labels=labels, zero_division=np.nan
    )
    iou = oracle.jaccard_score(t, p, labels=labels, average=None)
    np.testing.assert_allclose(found.precision, precision, rtol=1e-12)
    np.testing.assert_allclose(found.recall, recall, rtol=1e-12)
    np.testing.assert_allclose(found.dsc, f1, rtol=1e-12)
    np.testing.assert_allclose(found.iou, iou, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64])
def test_random_labels_equal_sklearn(rng, dtype):
    # Larger than one chunk of the count, and not a multiple of it.
    prediction, truth = rng.integers(0, 5, (2, 41, 43, 47)).astype(dtype)
    assert_equals_sklearn(prediction, truth, 5)


def test_real_bones_equal_sklearn(spine):
    labels, _ = spine
    assert_equals_sklearn(np.roll(labels, (1, 2), axis=(0, 1)), labels, 3)


def test_matrix_counts_truth_by_row_and_prediction_by_column():
    truth = np.array([0, 0, 0, 1, 1, 2])
    prediction = np.array([0, 1, 1, 1, 2, 0])
    np.testing.assert_array_equal(
        confusion_matrix(prediction, truth), [[1, 2, 0], [0, 1, 1], [1, 0, 0]]
    )


def test_scores_by_hand():
    truth = np.array([[True, True, True, False, False, False]])
    prediction = np.array([[True, True, False, True, False, False]])
    found = overlap(prediction, truth)
    assert found.dsc[1] == pytest.approx(4 / 6)
    assert found.recall[1] == pytest.approx(2 / 3)
    assert found.precision[1] == pytest.approx(2 / 3)
    assert found.iou[1] == pytest.approx(2 / 4)
    assert list(found.truth_voxels) == [3, 3]
    assert list(found.prediction_voxels) == [3, 3]


def test_memory_order_changes_nothing(rng):
    prediction, truth = rng.integers(0, 3, (2, 11, 13, 17), dtype=np.uint8)
    expected = confusion_matrix(prediction, truth)
    turned = np.asfortranarray(truth)
    np.testing.assert_array_equal(confusion_matrix(prediction, turned), expected)
    np.testing.assert_array_equal(confusion_matrix(np.asfortranarray(prediction), turned), expected)
    np.testing.assert_array_equal(confusion_matrix(prediction[::-1], truth[::-1]), expected)


def test_what_cannot_be_computed_is_nan():
    truth = np.array([0, 0, 1, 1])
    prediction = np.array([0, 0, 2, 2])
    found = overlap(prediction, truth, n_classes=4)
    np.testing.assert_array_equal(found.dsc, [1, 0, 0, np.nan])
    np.testing.assert_array_equal(found.iou, [1, 0, 0, np.nan])
    np.testing.assert_array_equal(found.recall, [1, 0, np.nan, np.nan])
    np.testing.assert_array_equal(found.precision, [1, np.nan, 0, np.nan])


@pytest.mark.parametrize(
    ("prediction", "truth", "n", "message"),
    [
        ([0, 1], [0, 1, 1], None, r"\(3,\), found \(2,\); resample"),
        ([0, -1], [0, 1], None, "prediction, found -1 to 0"),
        ([0, 1], [0, 15000], None, "truth, found 0 to 15000; pass class labels"),
        ([0.0, 1.0], [0, 1], None, "integers or booleans, found float64"),
        ([0, 3], [0, 1], 3, "below 3, the number of classes, found 3"),
        (np.zeros((0, 3), int), np.zeros((0, 3), int), None, "at least one voxel"),
    ],
)
def test_bad_input_is_one_clear_line(prediction, truth, n, message):
    with pytest.raises(InputError, match=message) as error:
        confusion_matrix(np.array(prediction), np.array(truth), n_classes=n)
    assert "\n" not in str(error.value)
