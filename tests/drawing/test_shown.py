import numpy as np
import pytest

from fuzzyseg.drawing.shown import to_patient_axes, uptake_window
from fuzzyseg.volume import Volume


def test_arrays_come_to_lie_as_the_patient_does():
    """The second axis runs to the left, the third to the front, the first down."""
    affine = np.zeros((4, 4))
    affine[0, 1], affine[1, 2], affine[2, 0], affine[3, 3] = -2.0, 3.0, -4.0, 1.0
    array = np.zeros((5, 6, 7), np.float32)
    array[0, 0, 6] = 1  # uppermost, rightmost, foremost
    turned, spacing, to_mm = to_patient_axes(Volume(array, affine, "NM"))
    assert spacing == (2.0, 3.0, 4.0)
    assert np.argwhere(turned(array)).tolist() == [[5, 6, 4]]
    np.testing.assert_allclose(to_mm @ [5, 6, 4, 1], affine @ [0, 0, 6, 1])  # one place in mm


def test_black_is_halfway_by_ratio_to_the_maximum():
    image = np.zeros((100, 100, 10), np.float32)
    image.flat[:5000] = 4.0  # one voxel in twenty: the brightest thousandth is among them
    image.flat[0] = 400.0  # a bladder
    assert uptake_window(image) == (0.0, pytest.approx(40.0))
    assert uptake_window(np.full((4, 4, 4), 7.0, np.float32)) == (7.0, 7.0)
