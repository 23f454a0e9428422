from dataclasses import replace

import numpy as np
import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.simulation.scanner.geometry import collapse
from fuzzyseg.simulation.scanner.reconstruction import check_subsets, reconstruct, window_estimate
from fuzzyseg.simulation.scanner.scan import acquire

VOXEL = 0.44
ACTIVITY = 2e4


@pytest.fixture(scope="module")
def uniform(coarse_protocol, cylinder, quick):
    """Scan of a uniform water cylinder, its attenuation on the reconstruction's grid, truth."""
    body = cylinder(64, 56, VOXEL, 10.0, length_cm=18.0)
    scan = acquire(
        ACTIVITY * body,
        0.15 * body,
        voxel_cm=VOXEL,
        protocol=coarse_protocol,
        seed=4,
        kernel_settings=quick,
    )
    mu, truth = (collapse(v, 2, (0, 1, 2), "mean") for v in (0.15 * body, ACTIVITY * body))
    return scan, mu, truth


def core(truth):
    """Voxels at least 2.6 cm from the cylinder's surface."""
    from scipy.ndimage import binary_erosion

    return binary_erosion(truth > 0.99 * ACTIVITY, iterations=3)


@pytest.mark.parametrize("noise", [True, False])
def test_a_uniform_cylinder_is_recovered(uniform, quick, noise):
    scan, mu, truth = uniform
    if not noise:
        scan = replace(scan, counts=scan.expected)
    image = reconstruct(scan, mu, kernel_settings=quick)
    assert image.dtype == np.float32
    assert image[core(truth)].mean() == pytest.approx(ACTIVITY, rel=0.02)
    assert image.sum() == pytest.approx(truth.sum(), rel=0.01)


def test_without_scatter_correction_it_is_too_hot(uniform, quick):
    scan, mu, truth = uniform
    settings = replace(scan.protocol.reconstruction, scatter="none")
    image = reconstruct(scan, mu, settings=settings, kernel_settings=quick)
    assert image.sum() > 1.2 * truth.sum()


def test_the_vendor_s_way_is_roughly_right(uniform, quick):
    scan, mu, truth = uniform
    vendor = scan.protocol.vendor
    image = reconstruct(scan, mu, settings=vendor, kernel_settings=quick)
    assert image[core(truth)].mean() == pytest.approx(ACTIVITY, rel=0.12)
    assert vendor.post_filter_fwhm_cm > 0
    rough = reconstruct(
        scan, mu, settings=replace(vendor, post_filter_fwhm_cm=0.0), kernel_settings=quick
    )
    assert image[core(truth)].std() < rough[core(truth)].std()


def test_window_estimate_is_near_the_true_scatter(uniform):
    scan, _, _ = uniform
    true = scan.scatter_fraction * scan.expected.sum()
    assert window_estimate(scan).sum() == pytest.approx(true, rel=0.35)


def test_beds_that_overlap_leave_no_seam(coarse_protocol, cylinder, quick):
    body = cylinder(64, 56, VOXEL, 8.0)
    protocol = replace(coarse_protocol, axial_fov_cm=14.1)
    scan = acquire(
        ACTIVITY * body,
        0.15 * body,
        voxel_cm=VOXEL,
        protocol=protocol,
        noise=False,
        kernel_settings=quick,
    )
    assert len(scan.beds) == 2
    image = reconstruct(scan, collapse(0.15 * body, 2, (0, 1, 2), "mean"), kernel_settings=quick)
    profile = image[12:20, 12:20].mean(axis=(0, 1))
    assert np.abs(np.diff(profile[4:-4])).max() < 0.01 * ACTIVITY


def test_attenuation_and_response_can_be_left_out(uniform, quick):
    scan, mu, _ = uniform
    plain = replace(scan.protocol.reconstruction, attenuation=False, response=False, scatter="none")
    image = reconstruct(scan, mu, settings=plain, kernel_settings=quick)
    centre = image[14:18, 14:18, 10:18].mean()
    assert centre < 0.5 * ACTIVITY  # the dip that attenuation makes


def test_torch_reconstructs_the_same(uniform, quick, torch_device):
    scan, mu, _ = uniform
    settings = replace(scan.protocol.reconstruction, iterations=1, subsets=30)
    ours, torchs = (
        reconstruct(scan, mu, settings=settings, kernel_settings=quick, device=device)
        for device in ("cpu", torch_device)
    )
    assert np.abs(ours - torchs).max() < 2e-3 * ours.max()


def test_nothing_is_reconstructed_behind_the_detectors(uniform, quick):
    scan, mu, _ = uniform
    image = reconstruct(scan, mu, kernel_settings=quick)
    x = (np.arange(32) - 15.5) * 0.88
    behind = np.hypot(x[:, None], x[None, :]) > scan.orbit.radii_cm.max()
    assert np.all(image[behind] == 0)


@pytest.mark.parametrize(("views", "subsets"), [(60, 7), (6, 10), (60, 0)])
def test_subsets_have_to_divide_the_views(views, subsets):
    with pytest.raises(InputError, match=f"divides {views} views, found {subsets}"):
        check_subsets(views, subsets)


def test_bad_input_is_refused(uniform):
    scan, mu, _ = uniform
    with pytest.raises(InputError, match="reconstruction's shape"):
        reconstruct(scan, mu[:-1])
    with pytest.raises(InputError, match=">= 0 per cm"):
        reconstruct(scan, -mu)
    with pytest.raises(InputError, match="some counts"):
        reconstruct(replace(scan, counts=np.zeros_like(scan.counts)), mu)
    with pytest.raises(InputError, match="subsets that divides"):
        reconstruct(scan, mu, settings=replace(scan.protocol.reconstruction, subsets=7))
