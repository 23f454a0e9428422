import numpy as np
import pytest
from scipy import ndimage

from fuzzyseg.follow_up.best_shift import best_shifts, correlations


@pytest.fixture(scope="module")
def image():
    rng = np.random.default_rng(1)
    return ndimage.gaussian_filter(rng.normal(size=(30, 24, 40)), 2).astype(np.float32)


@pytest.mark.parametrize(
    ("low", "high"),
    [((3, 2, 12), (30, 24, 40)), ((0, 0, 20), (28, 20, 40)), ((5, 6, 7), (25, 20, 33))],
)
def test_a_part_is_found_where_it_was_cut(image, low, high):
    part = image[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    first, second = best_shifts(image, part, 2)
    np.testing.assert_array_equal(first, -np.array(low))
    assert np.abs(second - first).max() > 4
    np.testing.assert_array_equal(best_shifts(part, image, 1)[0], low)


def test_the_score_is_the_correlation_over_what_both_hold(image):
    other = np.roll(image, 3, axis=2)[:, :, :30]
    score = correlations(image, other)
    t = np.array([2, -1, 4])  # other[x + t] beside image[x]
    f = image[:28, 1:, :26]
    g = other[2:30, :23, 4:30]
    expected = (f * g).sum() / np.sqrt((f**2).sum() * (g**2).sum())
    assert score[tuple(t + np.array(image.shape) - 1)] == pytest.approx(expected, rel=1e-5)


def test_fields_that_share_little_are_not_compared(image):
    score = correlations(image, image)
    assert score[0, 0, 0] == -1
    assert score.max() == pytest.approx(1)
