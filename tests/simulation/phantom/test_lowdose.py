import numpy as np
import pytest

from fuzzyseg.simulation.phantom.grid import Grid
from fuzzyseg.simulation.phantom.lowdose import low_dose_ct


def cylinder(radius_mm, spacing=4.0):
    grid = Grid((96, 96, 12), (spacing,) * 3, (-190.0, -190.0, 0.0))
    x, y = np.meshgrid(grid.axis(0), grid.axis(1), indexing="ij")
    hu = np.where(np.hypot(x, y) < radius_mm, 0.0, -1000.0)
    return np.repeat(hu[..., None], 12, axis=2).astype(np.float32), grid, np.hypot(x, y)


def test_noise_is_a_low_dose_scan_s_and_grows_with_the_body():
    found = {}
    for radius in (110.0, 170.0):
        hu, grid, r = cylinder(radius)
        ct = low_dose_ct(np.random.default_rng(0), hu, grid)
        inner = ct[r < radius - 30]
        assert inner.mean() == pytest.approx(0, abs=3)
        found[radius] = inner.std()
    assert 6 < found[110.0] < 30
    assert found[170.0] > 1.2 * found[110.0]


def test_edges_are_blurred_in_z_and_numbers_stay_in_range():
    hu, grid, r = cylinder(120.0)
    hu[..., 6:] = -1000
    ct = low_dose_ct(np.random.default_rng(1), hu, grid, noise_hu=0.0)
    profile = ct[r < 60].mean(axis=0)
    assert -250 < profile[5] < -5
    assert -1000 < profile[6] < -750
    loud = low_dose_ct(np.random.default_rng(2), hu, grid, noise_hu=3000.0)
    assert loud.min() >= -1024
    assert loud.max() <= 3071
