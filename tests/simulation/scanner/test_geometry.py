from itertools import pairwise

import numpy as np
import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.simulation.scanner.beds import plan_beds, seconds_per_slice
from fuzzyseg.simulation.scanner.geometry import (
    check_field_of_view,
    collapse,
    cubic_voxel_cm,
    make_orbit,
    reachable,
    row_ranges,
    view_angles,
)


def ellipse(n, voxel_cm, a_cm, b_cm):
    x = (np.arange(n) - (n - 1) / 2) * voxel_cm
    return (x[:, None] / a_cm) ** 2 + (x[None, :] / b_cm) ** 2 < 1


def test_body_contour_orbit_keeps_its_clearance_from_an_ellipse():
    orbit = make_orbit(ellipse(128, 0.44, 20, 12), 0.44, 60, "body-contour", 2.0)
    support = np.hypot(20 * np.cos(orbit.angles_rad), 12 * np.sin(orbit.angles_rad))
    assert np.abs(orbit.radii_cm - support - 2.0).max() < 0.5


def test_circular_orbit_clears_the_farthest_point():
    orbit = make_orbit(ellipse(128, 0.44, 20, 12), 0.44, 60, "circular", 2.0)
    assert np.ptp(orbit.radii_cm) == 0
    assert orbit.radii_cm[0] == pytest.approx(22.0, abs=0.5)


@pytest.mark.parametrize("kind", ["circular", "body-contour"])
def test_everything_in_the_body_is_reachable(kind):
    mask = ellipse(64, 0.88, 20, 12)
    orbit = make_orbit(mask, 0.88, 60, kind, 2.0)
    assert not np.any(mask & ~reachable(mask.shape, 0.88, orbit))


@pytest.mark.parametrize("angle", np.linspace(0, 2 * np.pi, 17))
def test_row_ranges_hold_all_samples_that_touch_the_mask(angle):
    rng = np.random.default_rng(3)
    mask = ellipse(40, 1.0, 14, 9)
    mask[rng.integers(0, 40, 3), rng.integers(0, 40, 3)] = True
    low, high = row_ranges(mask, angle, 40)
    x, y = np.nonzero(mask)
    for d in range(40):
        for s in range(40):
            t, u = 19.5 - d, s - 19.5
            at = (
                19.5 + t * np.cos(angle) - u * np.sin(angle),
                19.5 + t * np.sin(angle) + u * np.cos(angle),
            )
            if np.any((np.abs(at[0] - x) < 1) & (np.abs(at[1] - y) < 1)):
                assert low[d] <= s < high[d]


def test_field_of_view():
    check_field_of_view(ellipse(128, 0.44, 26, 14), 0.44, 54.0)
    with pytest.raises(InputError, match=r"54\.0 cm across"):
        check_field_of_view(ellipse(160, 0.44, 30, 14), 0.44, 54.0)


@pytest.mark.parametrize("voxel", [(0.44, 0.48, 0.44), 0.0, -1.0, (0.44, 0.44), float("nan")])
def test_voxels_have_to_be_cubic(voxel):
    with pytest.raises(InputError, match="voxel"):
        cubic_voxel_cm(voxel)


def test_collapse_keeps_sums_and_means():
    array = np.random.default_rng(0).random((8, 6, 4), dtype=np.float32)
    small = collapse(array, 2, (0, 1, 2), "sum")
    assert small.shape == (4, 3, 2)
    assert small.sum() == pytest.approx(array.sum(), rel=1e-6)
    assert small[1, 2, 0] == pytest.approx(array[2:4, 4:6, 0:2].sum(), rel=1e-6)
    assert collapse(array, 2, (0, 1), "mean").mean() == pytest.approx(array.mean(), rel=1e-6)
    with pytest.raises(InputError, match="multiple of 4"):
        collapse(array, 4, (0, 1), "sum")


def test_views_are_equally_spaced_over_a_turn():
    angles = view_angles(8)
    assert np.allclose(np.diff(angles), np.pi / 4)
    assert angles[0] == 0


def test_one_bed_is_enough_for_a_short_field():
    beds = plan_beds(80, 0.44, 40.0, 2.0)
    assert [(b.start, b.stop) for b in beds] == [(0, 80)]


@pytest.mark.parametrize("slices", [91, 150, 200, 400])
def test_beds_cover_a_long_field_with_overlap(slices):
    beds = plan_beds(slices, 0.44, 40.0, 2.0)
    seconds = seconds_per_slice(beds, slices, 10.0)
    assert beds[0].start == 0
    assert beds[-1].stop == slices
    assert seconds.min() >= 10
    for one, other in pairwise(beds):
        assert (one.stop - other.start) * 0.44 >= 2.0 - 0.44
    assert sum(b.stop - b.start for b in beds) * 10 == pytest.approx(seconds.sum())


def test_beds_shorter_than_their_overlap_are_refused():
    with pytest.raises(InputError, match="overlap"):
        plan_beds(100, 0.44, 1.0, 2.0)
