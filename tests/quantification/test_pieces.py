import numpy as np
import pytest
from scipy.spatial.distance import cdist

from fuzzyseg.quantification.pieces import components

CUBES = np.diag([4.0, 4.0, 4.0, 1.0])


def blocks():
    """Three blocks of 27, 8 and 1 voxels; gaps of 3 and 4 voxels between them along x."""
    mask = np.zeros((20, 8, 8), bool)
    mask[1:4, 1:4, 1:4] = True
    mask[6:8, 1:3, 1:3] = True
    mask[11, 1, 1] = True
    return mask


def test_the_largest_comes_first():
    found = components(blocks(), CUBES)
    assert found.voxels.tolist() == [27, 8, 1]
    assert np.bincount(found.labels.ravel())[1:].tolist() == [27, 8, 1]
    assert found.labels[2, 2, 2] == 1


def test_voxels_that_share_an_edge_are_one_piece_and_a_corner_is_none():
    mask = np.zeros((4, 4, 4), bool)
    mask[0, 0, 0] = mask[1, 1, 0] = mask[2, 2, 1] = True
    assert components(mask, CUBES).voxels.tolist() == [2, 1]


@pytest.mark.parametrize(
    ("merge_mm", "sizes"), [(11.9, [27, 8, 1]), (12.0, [35, 1]), (15.9, [35, 1]), (16.0, [36])]
)
def test_pieces_merge_up_to_a_distance(merge_mm, sizes):
    assert components(blocks(), CUBES, merge_mm=merge_mm).voxels.tolist() == sizes


def test_merging_is_that_of_all_distances_on_an_oblique_grid():
    rng = np.random.default_rng(0)
    mask = rng.random((12, 12, 12)) < 0.02
    affine = np.eye(4)
    affine[:3, :3] = np.linalg.qr(rng.normal(size=(3, 3)))[0] * [3.0, 4.0, 5.0]
    found = components(mask, affine, merge_mm=9.0)
    index = np.argwhere(mask)
    near = cdist(index @ affine[:3, :3].T, index @ affine[:3, :3].T) <= 9.0
    near |= (np.abs(index[:, None] - index[None]).sum(2) <= 2) & (
        np.abs(index[:, None] - index[None]).max(2) <= 1
    )
    together = np.linalg.matrix_power(near.astype(float), 64) > 0
    number = found.labels[mask]
    np.testing.assert_array_equal(number[:, None] == number[None], together)


def test_small_pieces_are_left_out_after_merging():
    found = components(blocks(), CUBES, min_ml=0.3)  # a voxel has 0.064 mL
    assert found.voxels.tolist() == [27, 8]
    assert (found.left_out, found.left_out_voxels) == (1, 1)
    assert components(blocks(), CUBES, min_ml=0.3, merge_mm=20).left_out == 0


def test_nothing_is_no_lesion():
    found = components(np.zeros((5, 5, 5), bool), CUBES, merge_mm=10)
    assert found.voxels.size == found.left_out == found.labels.max() == 0
