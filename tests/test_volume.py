import numpy as np
import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.volume import Provenance, Segmentation, Volume


def test_spacing_and_voxel_volume_of_an_oblique_grid():
    turn = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([2.0, 3.0, 5.0])
    volume = Volume(np.zeros((2, 3, 4)), affine)
    assert volume.spacing_mm == pytest.approx((2.0, 3.0, 5.0))
    assert volume.voxel_volume_ml == pytest.approx(0.03)
    assert volume.shape == (2, 3, 4)


def test_array_is_float32_read_only_and_not_copied():
    array = np.zeros((2, 2, 2), np.float32)
    volume = Volume(array, np.eye(4))
    assert volume.array.dtype == np.float32
    assert np.shares_memory(volume.array, array)
    with pytest.raises(ValueError, match="read-only"):
        volume.array[0, 0, 0] = 1
    array[0, 0, 0] = 1  # the caller's own array stays writable


@pytest.mark.parametrize(
    "array", [np.zeros((2, 2)), np.zeros((2, 2, 2, 3)), np.zeros((2, 2, 2), "c16")]
)
def test_refuses_what_is_no_scalar_volume(array):
    with pytest.raises(InputError, match="3-D array of numbers"):
        Volume(array, np.eye(4))


@pytest.mark.parametrize("affine", [np.eye(3), np.diag([1, 0, 1, 1]), np.full((4, 4), np.nan)])
def test_refuses_a_broken_affine(affine):
    with pytest.raises(InputError, match="affine"):
        Volume(np.zeros((2, 2, 2)), affine)


def test_segmentation_refuses_arrays_of_another_grid():
    volume = Volume(np.zeros((2, 3, 4)), np.eye(4))
    with pytest.raises(InputError, match="memberships"):
        Segmentation(
            np.zeros((2, 2, 3, 4), np.float32),
            np.zeros((2, 3, 4), np.uint8),
            ("a", "b", "c"),
            volume,
            Provenance("none"),
        )
