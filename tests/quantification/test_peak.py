import numpy as np
import pytest

from fuzzyseg.quantification.peak import peak, sphere_weights

OBLIQUE = np.eye(4)
OBLIQUE[:3, :3] = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0] * [2.0, 3.3, 4.8]


@pytest.mark.parametrize("affine", [np.diag([4.4, 4.4, 4.4, 1]), np.diag([2.0, 3, 5, 1]), OBLIQUE])
def test_the_sphere_holds_a_millilitre(affine):
    weights = sphere_weights(affine)
    voxel_ml = abs(np.linalg.det(affine[:3, :3])) / 1000
    assert weights.sum() * voxel_ml == pytest.approx(1, rel=0.02)
    assert weights.max() <= 1
    np.testing.assert_allclose(weights, weights[::-1, ::-1, ::-1])


def test_the_mean_of_a_ramp_is_its_value_at_the_centre():
    """By symmetry; and the highest centre in the lesion counts, not in the image."""
    x, y, z = np.indices((15, 15, 15))
    image = (3 * x + 2 * y - z + 50).astype(np.float32)
    index = np.argwhere((abs(x - 7) < 3) & (abs(y - 7) < 2) & (abs(z - 7) < 2))
    found = peak(image, index, sphere_weights(np.diag([4.4, 4.4, 4.4, 1])))
    assert found == pytest.approx(3 * 9 + 2 * 8 - 6 + 50, rel=1e-6)


def test_one_hot_voxel_is_spread_over_the_sphere():
    image = np.zeros((9, 9, 9), np.float32)
    image[4, 4, 4] = 100.0
    weights = sphere_weights(np.diag([4.0, 4.0, 4.0, 1]))
    assert peak(image, np.array([[4, 4, 4]]), weights) == pytest.approx(6.4, rel=0.02)


def test_at_the_border_the_mean_is_over_what_is_there():
    image = np.full((9, 9, 9), 7.0, np.float32)
    weights = sphere_weights(np.diag([4.0, 4.0, 4.0, 1]))
    assert peak(image, np.array([[0, 0, 0], [8, 8, 8]]), weights) == pytest.approx(7)


def test_voxels_larger_than_the_sphere_give_the_maximum():
    image = np.arange(27, dtype=np.float32).reshape(3, 3, 3)
    weights = sphere_weights(np.diag([20.0, 20.0, 20.0, 1]))
    assert weights.shape == (1, 1, 1)
    assert peak(image, np.argwhere(image > 20), weights) == pytest.approx(26)
