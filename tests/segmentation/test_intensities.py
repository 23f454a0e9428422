import numpy as np
import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.segmentation.intensities import check_segmentable, scaled, uptake_mask, with_bone
from fuzzyseg.volume import Volume


def test_spect_is_scaled_from_minimum_to_maximum():
    array = np.linspace(-5, 45, 27).reshape(3, 3, 3)
    np.testing.assert_allclose(scaled(Volume(array, np.eye(4), "NM")), (array + 5) / 50, atol=1e-6)


def test_ct_is_scaled_within_its_window():
    array = np.array([-1000.0, 0, 250, 1000, 3000, 40, 0, 0]).reshape(2, 2, 2)
    expected = np.array([0, 0, 0.25, 1, 1, 0.04, 0, 0]).reshape(2, 2, 2)
    np.testing.assert_allclose(scaled(Volume(array, np.eye(4), "CT", "HU")), expected, atol=1e-6)


def test_uptake_mask_leaves_out_air_and_keeps_soft_tissue():
    rng = np.random.default_rng(0)
    truth = np.zeros((24, 24, 24), bool)
    truth[6:18, 6:18] = True
    uptake = np.where(truth, 1.0, 0.02)
    uptake[8:12, 8:12] = 10
    uptake[9:11, 9:11, 9:11] = 40
    uptake = rng.poisson(uptake * 20) / 800
    mask = uptake_mask(uptake.astype(np.float32))
    assert (mask == truth).mean() > 0.99


def test_bone_of_the_ct_joins_the_mask():
    mask = np.array([True, False, False])
    np.testing.assert_array_equal(with_bone(mask, np.float32([0, 0.1, 0.2])), [True, False, True])


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (np.zeros((2, 5, 5)), "at least 3"),
        (np.ones((3, 3, 3)), "everywhere"),
        (np.full((3, 3, 3), np.nan), "27 voxels"),
        (np.where(np.arange(27).reshape(3, 3, 3) == 4, np.inf, 0), "1 voxels"),
    ],
)
def test_refuses_what_cannot_be_segmented(array, found):
    with pytest.raises(InputError, match=found) as error:
        check_segmentable(Volume(array, np.eye(4), source="scan.nii"))
    assert "scan.nii" in str(error.value)
