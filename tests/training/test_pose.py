from dataclasses import replace

import numpy as np
import pytest
from toy_training import QUICK, toy_case

from fuzzyseg.training.patches import draw_patch
from fuzzyseg.training.pose import cut, draw_pose, posed

BLOCKS = replace(QUICK, dims=3, channels=("spect", "ct"))
PLACES = np.stack(np.meshgrid(*(np.arange(30.0),) * 3, indexing="ij"))


def test_nothing_asked_for_gives_the_block_itself():
    pose = draw_pose(BLOCKS, (4, 4, 4), np.random.default_rng(0))
    corner = np.array([3, -2, 20])
    for order, volume in ((1, PLACES[0].astype(np.float32)), (0, PLACES[1].astype(np.int8))):
        found = posed(volume, corner + 4.5, 10, pose.matrix, order=order, fill=7)
        np.testing.assert_allclose(found, cut(volume, corner, np.full(3, 10), 7), atol=1e-5)
        assert found.dtype == volume.dtype


@pytest.mark.parametrize("spacing", [(4.0, 4.0, 4.0), (2.0, 3.0, 5.0)])
def test_voxels_come_from_where_a_rotation_and_a_zoom_in_mm_put_them(spacing):
    config = replace(BLOCKS, rotate=20.0, zoom=0.2)
    angles, zooms = [], []
    for seed in range(60):
        matrix = draw_pose(config, spacing, np.random.default_rng(seed)).matrix
        mm = np.diag(spacing) @ matrix @ np.diag(1 / np.array(spacing))
        size = np.linalg.det(mm) ** (1 / 3)
        np.testing.assert_allclose(mm @ mm.T, size**2 * np.eye(3), atol=1e-12)
        zooms.append(1 / size)
        angles.append(np.degrees(np.arccos((np.trace(mm / size) - 1) / 2)))
    assert 1 / 1.2 <= min(zooms) < 0.88
    assert 1.14 < max(zooms) <= 1.2 + 1e-9
    assert 15 < max(angles) <= 20 * np.sqrt(3) + 1
    # A linear image is interpolated exactly: every voxel tells where it came from.
    centre = np.array([15.0, 14.5, 16.0])
    offsets = np.stack(np.meshgrid(*(np.arange(6) - 2.5,) * 3, indexing="ij"), -1)
    expected = centre + offsets @ matrix.T
    for axis in range(3):
        found = posed(PLACES[axis], centre, 6, matrix, order=1, fill=0)
        np.testing.assert_allclose(found, expected[..., axis], atol=1e-9)


def test_the_ct_is_shifted_and_the_labels_stay_with_the_spect():
    config = replace(BLOCKS, ct_shift_mm=6.0)
    shifts = [
        draw_pose(config, (4, 4, 2), np.random.default_rng(i)).shifts * (4, 4, 2)
        for i in range(200)
    ]
    assert not np.any([shift[0] for shift in shifts])
    ct = np.array([shift[1] for shift in shifts])
    assert np.abs(ct).max() <= 6
    np.testing.assert_allclose(ct.std(0), 6 / np.sqrt(3), rtol=0.15)
    alone = replace(config, channels=("ct",))
    assert not draw_pose(alone, (4, 4, 4), np.random.default_rng(0)).shifts.any()
    case = toy_case(config, noise=0)
    for seed in range(5):
        patch = draw_patch(case, config, np.random.default_rng(seed))
        lesion = patch.image[0] > case.image[0].max() - 0.1
        np.testing.assert_array_equal(patch.target == 2, lesion)


def test_blocks_reach_over_the_edges():
    pose = draw_pose(replace(BLOCKS, rotate=20.0), (4, 4, 4), np.random.default_rng(3))
    found = posed(np.ones((5, 5, 5), np.float16), np.zeros(3), 16, pose.matrix, order=1, fill=9)
    assert found.dtype == np.float32
    assert found.max() == 9
    assert found.min() == 1
