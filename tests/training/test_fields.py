import numpy as np
import pytest
from scipy import ndimage

from fuzzyseg.training.fields import smooth_field, zoomed


@pytest.mark.parametrize("shape", [(7, 9, 5), (3, 2, 4), (20, 2, 11)])
def test_zoomed_is_what_scipy_computes(shape):
    coarse = np.random.default_rng(0).standard_normal((3, 2, 4)).astype(np.float32)
    zoom = [n / c for n, c in zip(shape, coarse.shape, strict=True)]
    expected = ndimage.zoom(coarse, zoom, order=1, grid_mode=True, mode="nearest")
    np.testing.assert_allclose(zoomed(coarse, shape), expected, atol=1e-5)


def test_a_smooth_field_changes_over_its_grain():
    field = smooth_field((200, 4, 4), (2.0, 2.0, 2.0), 20.0, np.random.default_rng(1))
    line = field[:, 2, 2]
    near = np.corrcoef(line[:-1], line[1:])[0, 1]
    far = np.corrcoef(line[:-30], line[30:])[0, 1]
    assert near > 0.9
    assert abs(far) < 0.5
