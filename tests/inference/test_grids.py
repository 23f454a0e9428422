import numpy as np
import pytest

from fuzzyseg.inference.grids import from_model_grid, model_grid
from fuzzyseg.volume import Volume


def smooth(affine, shape):
    """A blob at one place of the patient, on any grid."""
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    places = index @ affine[:3, :3].T + affine[:3, 3]
    return Volume(np.exp(-((places / 40) ** 2).sum(-1)), affine, "NM")


def affine(columns, shape):
    """Centre a grid on the origin."""
    result = np.eye(4)
    result[:3, :3] = columns
    result[:3, 3] = -result[:3, :3] @ (np.array(shape) - 1) / 2
    return result


ORIENTED = np.array([[0, -4.0, 0], [0, 0, 5.0], [-3.0, 0, 0]])  # superior first, then left


def test_axes_become_the_patients_without_interpolation():
    volume = smooth(affine(ORIENTED, (30, 20, 22)), (30, 20, 22))
    grid = model_grid(volume, None)
    assert grid.spacing_mm == pytest.approx((4, 5, 3))
    assert np.all(np.diag(grid.affine[:3, :3]) > 0)
    assert sorted(grid.array.ravel()) == sorted(volume.array.ravel())


def test_what_goes_to_the_models_grid_and_back_is_what_it_was():
    shape = (40, 32, 26)
    volume = smooth(affine(ORIENTED, shape), shape)
    for spacing in (None, 3.0, 4.5):
        grid = model_grid(volume, spacing)
        there = np.stack([grid.array, 1 - grid.array])
        back = from_model_grid(there, grid, volume)
        assert back.shape == (2, *shape)
        assert back.dtype == np.float32
        atol = 1e-6 if spacing is None else 0.02
        np.testing.assert_allclose(back[0], volume.array, atol=atol)
        np.testing.assert_allclose(back.sum(0), 1, atol=1e-6)


def test_resampled_memberships_are_interpolated_at_the_right_place():
    volume = smooth(affine(np.diag([2.0, 3.0, 7.0]), (41, 30, 13)), (41, 30, 13))
    grid = model_grid(volume, 4.0)
    assert grid.spacing_mm == pytest.approx((4, 4, 4))
    places = np.arange(grid.shape[0]) * 4.0 + grid.affine[0, 3]
    ramp = np.clip((places + 50) / 100, 0, 1)[:, None, None] * np.ones(grid.shape)
    memberships = np.stack([1 - ramp, ramp]).astype(np.float32)
    back = from_model_grid(memberships, grid, volume)
    x = np.arange(41) * 2.0 + volume.affine[0, 3]
    inside = (x > places[0]) & (x < places[-1])  # beyond, the last value goes on
    expected = np.clip((x + 50) / 100, 0, 1)[inside]
    np.testing.assert_allclose(back[1][inside][:, 3, 3], expected, atol=1e-5)
