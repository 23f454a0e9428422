import numpy as np
import pytest
from matplotlib.path import Path
from scipy.ndimage import label

from fuzzyseg.io.results.contours import outlines


def area(corners):
    x, y = corners.T
    return abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


@pytest.mark.parametrize("seed", range(60))
def test_outlines_enclose_exactly_the_voxels(seed):
    rng = np.random.default_rng(seed)
    mask = rng.random(rng.integers(1, 12, 2)) < rng.random()
    found = outlines(mask)
    assert len(found) == label(mask)[1]
    assert sum(map(area, found)) == pytest.approx(mask.sum())
    rows, columns = np.indices(mask.shape)
    centres = np.column_stack([columns.ravel(), rows.ravel()])
    inside = sum(Path(np.vstack([c, c[:1]])).contains_points(centres).astype(int) for c in found)
    np.testing.assert_array_equal(np.reshape(inside, mask.shape) if found else 0 * mask, mask)


def test_one_voxel_is_a_square_around_its_centre():
    mask = np.zeros((3, 5), bool)
    mask[1, 3] = True
    (corners,) = outlines(mask)
    assert sorted(map(tuple, corners)) == [(2.5, 0.5), (2.5, 1.5), (3.5, 0.5), (3.5, 1.5)]


def test_nothing_has_no_outline():
    assert outlines(np.zeros((4, 4), bool)) == []
