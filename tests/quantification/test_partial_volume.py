import numpy as np
import pytest
from scipy import ndimage

from fuzzyseg.quantification.partial_volume import corrected, region_means

SPACING = (4.0, 5.0, 4.5)
FWHM_MM = 12.0
TRUE = (1.0, 8.0, 40.0)


@pytest.fixture
def scene():
    """A small hot ball in a bar in a background: memberships, the truth and its blurred image."""
    x, y, z = np.ogrid[:30, :26, :28]
    ball = (x - 15) ** 2 + (y - 13) ** 2 + (z - 14) ** 2 <= 6
    bar = (abs(y - 13) < 4) & (abs(z - 14) < 4) & (x > -1) & ~ball
    regions = [~(ball | bar), bar, ball]
    u = [ndimage.gaussian_filter(r.astype(float), 0.4, mode="nearest") for r in regions]
    truth = sum(t * m for t, m in zip(TRUE, u, strict=True))
    # scipy's own FWHM to sigma: 2.3548; blurred axis by axis.
    image = truth
    for axis, step in enumerate(SPACING):
        sigma = FWHM_MM / 2.354820045 / step
        image = ndimage.gaussian_filter1d(image, sigma, axis, mode="nearest")
    return u, truth, image


def test_the_means_of_constant_regions_are_recovered(scene):
    u, _, image = scene
    measured = np.vdot(u[2], image) / u[2].sum()
    assert measured < 28  # more than a quarter of it is lost
    np.testing.assert_allclose(region_means(image, u, FWHM_MM, SPACING), TRUE, rtol=1e-6)


def test_every_voxel_of_a_piecewise_constant_image_is_recovered(scene):
    u, truth, image = scene
    np.testing.assert_allclose(corrected(image, u, FWHM_MM, SPACING), truth, rtol=1e-6)


def test_a_wrong_resolution_still_helps(scene):
    u, truth, image = scene
    lost = abs(np.vdot(u[2], image - truth))
    assert abs(np.vdot(u[2], corrected(image, u, 9.0, SPACING) - truth)) < lost / 2


def test_nothing_measured_stays_nothing(scene):
    u, _, image = scene
    np.testing.assert_array_equal(corrected(0 * image, u, FWHM_MM, SPACING), 0)
