"""What cannot be clustered says what was expected, what was found, and what to do."""

import numpy as np
import pytest

from fuzzyseg.clustering import FCM, RFCM, GaussianMixture, KMeans, Threshold
from fuzzyseg.errors import InputError

CLUSTERINGS = [FCM, RFCM, KMeans, GaussianMixture]
GOOD = np.linspace(0, 1, 60).reshape(5, 12)


@pytest.mark.parametrize("model", CLUSTERINGS)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_clusters": 1}, "2 to 127 classes, found n_clusters=1"),
        ({"n_clusters": 128}, "2 to 127 classes, found n_clusters=128"),
        ({"n_clusters": 3.0}, "2 to 127 classes, found n_clusters=3.0"),
        ({"max_iter": 0}, "max_iter=0"),
        ({"n_init": 0}, "n_init=0"),
        ({"tol": -1.0}, "tol=-1"),
        ({"tol": float("nan")}, "tol=nan"),
        ({"bins": 0}, "bins to be None or at least 127, found 0"),
        ({"init": "kmeans"}, r"'uptake', 'k-means\+\+', 'random'\) or an array, found 'kmeans'"),
        ({"init": [0.0, 1.0]}, r"3 finite start centres of 1 channel\(s\), found shape \(2,\)"),
        ({"init": [0.0, 1.0, np.nan]}, "3 finite start centres"),
        ({"channel_axis": 2}, r"axis of the image, found 2 for shape \(5, 12\)"),
    ],
)
def test_parameters(model, options, message):
    with pytest.raises(InputError, match=message):
        model(**options).fit(GOOD)


@pytest.mark.parametrize("model", [*CLUSTERINGS, Threshold])
@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.array([1.0, np.nan, 3, 4]), "finite intensities, found 1 values"),
        (np.array([1.0, np.inf, -np.inf, 4]), "finite intensities, found 2 values"),
        (np.zeros((0, 3)), r"real numbers, found shape \(0, 3\)"),
        (np.float64(3), r"real numbers, found shape \(\)"),
        (np.array([1j, 2, 3]), "real numbers, found shape .* of complex128"),
        (np.array(["a", "b", "c"]), "real numbers"),
    ],
)
def test_images(model, image, message):
    with pytest.raises(InputError, match=message):
        model().fit(image)


@pytest.mark.parametrize("model", CLUSTERINGS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
def test_constant_images(model, dtype):
    with pytest.raises(InputError, match=r"3 different intensities .* found 1; .*constant"):
        model().fit(np.full((4, 4), 7, dtype))
    with pytest.raises(InputError, match="3 different intensities for 3 classes, found 2"):
        model().fit(np.arange(16).reshape(4, 4).astype(dtype) % 2)


@pytest.mark.parametrize("init", ["k-means++", "random"])
def test_too_few_different_vectors(init):
    image = np.stack([np.arange(20) % 2, np.arange(20) % 2]).astype(float)
    with pytest.raises(InputError, match="3 different intensities for 3 classes, found 2"):
        FCM(init=init, channel_axis=0).fit(image)


@pytest.mark.parametrize("model", CLUSTERINGS)
@pytest.mark.parametrize("scale", [1e-20, 1e18])
def test_intensities_beyond_float32(model, scale):
    with pytest.raises(InputError, match=r"range over 1e-12 to 1e\+15, .*rescale"):
        model().fit((GOOD * scale).astype(np.float32))


@pytest.mark.parametrize("model", [*CLUSTERINGS, Threshold])
def test_masks(model):
    with pytest.raises(InputError, match=r"mask of the image's shape \(5, 12\), found \(12, 5\)"):
        model().fit(GOOD, np.ones((12, 5), bool))
    with pytest.raises(InputError, match="at least one voxel, found none"):
        model().fit(GOOD, np.zeros((5, 12), bool))


@pytest.mark.parametrize("model", [*CLUSTERINGS, Threshold])
def test_predict_before_fit(model):
    with pytest.raises(InputError, match=r"fitted .*, found one without centres; call fit first"):
        model().predict(GOOD)


def test_predict_with_another_number_of_channels():
    fit = FCM().fit(GOOD)
    fit.channel_axis = 0
    with pytest.raises(InputError, match=r"1 channel\(s\) as in fit, found 5"):
        fit.predict(GOOD)


@pytest.mark.parametrize("q", [0, 0.99, float("nan"), float("inf")])
def test_exponents(q):
    with pytest.raises(InputError, match="fuzzy exponent q >= 1"):
        FCM(q=q).fit(GOOD)
