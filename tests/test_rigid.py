import numpy as np
import pytest
from scipy import ndimage

from fuzzyseg.rigid import Correlation, matrix_of, rotation, rotation_vector


@pytest.fixture(scope="module")
def image():
    rng = np.random.default_rng(0)
    return ndimage.gaussian_filter(rng.normal(size=(32, 30, 31)), 4).astype(np.float32)


def test_the_gradient_is_that_of_the_value(image):
    places = np.argwhere(np.ones((18, 16, 17), bool)).astype(float) + 7
    score = Correlation(image, image, places, np.array([15.5, 14.5, 15.0]))
    position = np.array([0.3, -0.2, 0.4, 2.0, -1.0, 3.0])
    gradient = score._negative(position)[1]
    for k in range(6):
        step = np.zeros(6)
        step[k] = 0.05
        found = (score.value(position - step) - score.value(position + step)) / 0.1
        # Slopes are interpolated, values too: equal up to the image's curvature.
        assert gradient[k] == pytest.approx(found, abs=0.05 * np.abs(gradient).max())


def test_an_image_is_most_like_itself_where_it_is(image):
    places = np.argwhere(np.ones((18, 16, 17), bool)).astype(float) + 7
    score = Correlation(image, image, places, np.array([15.5, 14.5, 15.0]))
    assert score.value(np.zeros(6)) == pytest.approx(1)
    found, best = score.highest(np.array([1.0, -1.0, 0.5, 3.0, 0.0, -2.0]))
    assert best == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(found[:3], 0, atol=0.05)
    np.testing.assert_allclose(found[3:], 0, atol=1.0)  # of 0.01 rad


def test_the_matrix_turns_about_the_middle_and_shifts():
    middle = np.array([3.0, 4.0, 5.0])
    matrix = matrix_of(np.array([1.0, 2.0, 3.0, 0.0, 0.0, 100 * np.pi / 2]), middle)
    np.testing.assert_allclose(matrix @ [*middle, 1], [4, 6, 8, 1])
    np.testing.assert_allclose(matrix @ [4, 4, 5, 1], [4, 7, 8, 1], atol=1e-12)
    vector = np.array([0.1, -0.2, 0.3])
    np.testing.assert_allclose(rotation_vector(rotation(vector)), vector)
