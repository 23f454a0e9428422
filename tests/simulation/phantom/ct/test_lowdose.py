from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from fuzzyseg.simulation.phantom.ct.ct_settings import CT, CTDraw, draw_ct
from fuzzyseg.simulation.phantom.ct.lowdose import take_ct
from fuzzyseg.simulation.phantom.grid import Grid
from fuzzyseg.simulation.phantom.tissues import TISSUES

IDEAL = CTDraw(
    noise_hu=0.05, kernel_mm=0.5, slice_mm=0.5, cupping=0.0, hardening=0.0, floor=1e-9, bias_hu=0.0,
    shift_mm=(0, 0, 0), turn_deg=(0, 0, 0), breath_mm=0.0, couch="none", couch_width_mm=420.0,
    couch_gap_mm=0.0, head_rest=False,
)  # fmt: skip


def cylinder(radius_mm=125.0, spacing=4.4, slices=6):
    n = 2 * int(np.ceil((radius_mm + 30) / spacing / 2)) * 2
    grid = Grid((n, n, slices), (spacing,) * 3, (-(n - 1) / 2 * spacing,) * 2 + (0.0,))
    x, y = np.meshgrid(grid.axis(0), grid.axis(1), indexing="ij")
    r = np.hypot(x, y)
    hu = np.repeat(np.where(r < radius_mm, 0.0, -1000.0)[..., None], slices, axis=2)
    return hu.astype(np.float32), grid, r


def image(hu, grid, draw, seed=0, bone=None, labels=None, **more):
    bone = np.zeros_like(hu) if bone is None else bone
    labels = (bone >= 0.5).astype(np.uint8) if labels is None else labels
    return take_ct(np.random.default_rng(seed), hu, bone, labels, grid, draw, **more)


def test_noise_is_what_was_drawn_in_water_and_grows_with_the_body_as_photons_thin_out():
    found = {}
    for radius in (80.0, 125.0, 160.0):
        hu, grid, r = cylinder(radius, spacing=2.2, slices=8)
        ct = image(hu, grid, replace(IDEAL, noise_hu=20.0)).hu
        assert ct[r < radius - 30].mean() == pytest.approx(0, abs=2)
        found[radius] = ct[r < 20].std()
    assert found[125.0] == pytest.approx(20, rel=0.25)
    # sqrt(exp(mu_w * path)), the square root of the photons that arrive.
    for radius in (80.0, 160.0):
        expected = np.exp(0.5 * 0.1837 * 0.2 * (radius - 125.0))
        assert found[radius] / found[125.0] == pytest.approx(expected, rel=0.2)


def test_noise_has_little_power_at_low_frequencies_as_filtered_back_projection_has():
    hu, grid, _ = cylinder(125.0, spacing=2.2, slices=8)
    ct = image(hu, grid, replace(IDEAL, noise_hu=20.0, kernel_mm=3.0)).hu
    patch = ct[50:90, 50:90] - ct[50:90, 50:90].mean(axis=(0, 1))
    power = (np.abs(np.fft.fft2(patch, axes=(0, 1))) ** 2).mean(axis=2)
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(40, 2.2), np.fft.fftfreq(40, 2.2)))
    low = power[(f > 0.01) & (f < 0.04)].mean()
    middle = power[(f > 0.09) & (f < 0.14)].mean()
    assert low < 0.5 * middle


@pytest.mark.parametrize("shift", [(6.0, 0.0, 0.0), (-3.0, 5.0, 4.0)])
def test_a_shift_is_found_again_by_the_centre_of_mass(shift):
    hu, grid, _ = cylinder(90.0, spacing=3.0, slices=40)
    hu[..., :8] = hu[..., -8:] = -1000
    x, y, z = np.indices(hu.shape) * 3.0
    ball = np.sqrt((x - 96) ** 2 + (y - 132) ** 2 + (z - 60) ** 2) - 15
    bone = np.clip(0.5 - ball / 3.0, 0, 1).astype(np.float32)
    hu += 800 * bone
    still, moved = (
        image(hu, grid, replace(IDEAL, shift_mm=s), bone=bone) for s in ((0, 0, 0), shift)
    )
    for what in (lambda c: c.hu + 1000, lambda c: (c.labels == 1).astype(float)):
        mass = [what(c) for c in (still, moved)]
        assert mass[1].sum() == pytest.approx(mass[0].sum(), rel=0.03)
        centres = [np.array(ndimage.center_of_mass(m)) for m in mass]
        assert (centres[1] - centres[0]) * 3.0 == pytest.approx(shift, abs=0.3)


def test_a_turn_is_found_again_by_the_axis_of_a_rod():
    hu, grid, _ = cylinder(100.0, spacing=3.0, slices=12)
    x = grid.axis(0)
    hu[np.abs(x) < 70, :, :] = np.maximum(hu[np.abs(x) < 70], -1000)
    rod = (np.abs(x)[:, None] < 70) & (np.abs(grid.axis(1))[None, :] < 6)
    hu[rod] = 1000
    ct = image(hu, grid, replace(IDEAL, turn_deg=(0, 0, 5.0))).hu
    inside = np.argwhere(ct[..., 6] > 500) * 3.0
    axis = np.linalg.svd(inside - inside.mean(axis=0))[2][0]
    assert np.degrees(np.arctan(axis[1] / axis[0])) == pytest.approx(5.0, abs=0.7)


def test_breathing_moves_the_front_at_the_diaphragm_and_not_the_spine():
    hu, grid, _ = cylinder(90.0, spacing=3.0, slices=80)
    bone = np.zeros_like(hu)
    middle = hu.shape[0] // 2
    back, front = (middle, 12), (middle, hu.shape[1] - 12)
    for i, j in (back, front):
        bone[i - 3 : i + 3, j - 3 : j + 3, 38:42] = 1
    ct = image(hu, grid, replace(IDEAL, breath_mm=-9.0), bone=bone, diaphragm_mm=40 * 3.0)
    heights = []
    for i, j in (back, front):
        near = ct.labels[i - 6 : i + 6, max(j - 8, 0) : j + 8] == 1
        heights.append(ndimage.center_of_mass(near)[2] * 3.0)
    assert heights[0] == pytest.approx(39.5 * 3.0, abs=1.0)
    assert heights[1] == pytest.approx(39.5 * 3.0 - 9.0, abs=1.5)


def test_metal_clips_and_throws_dark_streaks_between_two_pieces():
    hu, grid, r = cylinder(100.0)
    x, y = np.meshgrid(grid.axis(0), grid.axis(1), indexing="ij")
    metal = np.hypot(np.abs(x) - 40, y) < 9
    hu[metal] = TISSUES["cobalt chromium"].hu
    quiet = replace(IDEAL, floor=1e-6)
    ct = image(hu, grid, replace(quiet, hardening=0.35)).hu[..., 3]
    assert ct.max() == 3071
    between = (np.abs(x) < 20) & (np.abs(y) < 4)
    across = (np.abs(y) < 20) & (np.abs(x) < 4) & (np.abs(y) > 10)
    assert ct[between].mean() < ct[across].mean() - 100
    plain = image(cylinder(100.0)[0], grid, replace(quiet, hardening=0.35)).hu[..., 3]
    assert np.abs(plain[r < 80]).max() < 15


def test_water_correction_s_residue_cups_the_middle():
    hu, grid, r = cylinder(150.0)
    ct = image(hu, grid, replace(IDEAL, cupping=0.003)).hu
    assert 5 < ct[r < 30].mean() - ct[(r > 110) & (r < 135)].mean() < 80


@pytest.mark.parametrize("couch", ["curved", "flat"])
def test_the_couch_lies_under_the_patient_and_is_background(couch):
    hu, grid, _ = cylinder(100.0, spacing=3.0, slices=12)
    hu = np.pad(hu, ((60, 60), (60, 20), (0, 0)), constant_values=-1000)
    grid = Grid(hu.shape, grid.spacing_mm, tuple(np.array(grid.origin_mm) - [180.0, 180.0, 0.0]))
    bone = np.where(hu > -500, 1.0, 0.0).astype(np.float32)
    ct = image(hu, grid, replace(IDEAL, couch=couch), bone=bone)
    assert ct.couch.any()
    assert not (ct.labels[ct.couch]).any()
    body = hu > -500
    assert not (ct.couch & body).any()
    lowest = grid.axis(1)[np.flatnonzero(body.any(axis=(0, 2)))[0]]
    where = np.argwhere(ct.couch & (ct.hu > -700))
    assert len(where)
    across = np.abs(grid.axis(0)[where[:, 0]]) < 60  # its edges may rise beside the patient
    assert (grid.axis(1)[where[across, 1]] < lowest).all()
    assert ct.hu[ct.couch].max() > -500


def test_edges_are_blurred_in_z_and_numbers_stay_in_range():
    hu, grid, r = cylinder(120.0, slices=12)
    hu[..., 6:] = -1000
    ct = image(hu, grid, replace(IDEAL, slice_mm=5.0)).hu
    profile = ct[r < 60].mean(axis=0)
    assert -350 < profile[5] < -5
    assert -1000 < profile[6] < -650
    loud = image(hu, grid, replace(IDEAL, noise_hu=3000.0)).hu
    assert loud.min() >= -1024
    assert loud.max() <= 3071
    assert np.array_equal(loud, np.rint(loud))


def test_draws_repeat_and_a_fixed_shift_has_its_length_and_nothing_else():
    one, again = (draw_ct(np.random.default_rng(7), CT) for _ in range(2))
    assert one == again
    fixed = draw_ct(np.random.default_rng(7), replace(CT, fixed_shift_mm=8.0))
    assert np.linalg.norm(fixed.shift_mm) == pytest.approx(8.0)
    assert fixed.turn_deg == (0, 0, 0)
    assert fixed.breath_mm == 0
    assert fixed.noise_hu == one.noise_hu
