"""Beyond the field of the CT the bundled spect-ct finds what spect finds."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from fuzzyseg.metrics import overlap
from fuzzyseg.segmentation import Settings, segment
from fuzzyseg.volume import Study, Volume

WIDTH_MM, SIDE, END = 4.4, 96, 48  # the CT begins at the plane END
REACH = 8  # voxels that the second stage sees, and one


@pytest.fixture(scope="module")
def study():
    """A body with a spine, four long bones and a hot place in one of them."""
    x, y, z = np.mgrid[:SIDE, :SIDE, :SIDE] - SIDE / 2
    body = (x / 40) ** 2 + (y / 28) ** 2 < 1
    axes = ((0, 14, 4), (-24, 0, 3), (24, 0, 3), (-12, -12, 3), (12, -12, 3))
    bone = sum((x - a) ** 2 + (y - b) ** 2 < r**2 for a, b, r in axes) > 0
    hot = bone & (abs(z + 30) < 3) & (x < -18)
    uptake = np.where(hot, 40.0, np.where(bone, 8.0, np.where(body, 1.0, 0.0)))
    rng = np.random.default_rng(0)
    spect = gaussian_filter(rng.poisson(3 * gaussian_filter(uptake, 1.2)).astype(float), 0.9)
    affine = np.diag([WIDTH_MM, WIDTH_MM, WIDTH_MM, 1.0])
    hu = np.where(bone, 350.0, np.where(body, 40.0, -1000.0)) + rng.normal(0, 15, bone.shape)
    beyond = affine.copy()
    beyond[2, 3] = END * WIDTH_MM
    return (
        Volume(spect.astype(np.float32), affine, "NM"),
        Volume(hu.astype(np.float32), affine, "CT", "HU"),
        Volume(hu[..., END:].astype(np.float32), beyond, "CT", "HU"),
    )


def labels(model, spect, ct=None):
    settings = Settings(model=model, engine="torch", jobs=1, register=False)
    return segment(Study(spect=spect, ct=ct), settings).labels


def test_the_spect_alone_decides_there(study):
    spect, whole, upper = study
    alone, both = labels("spect", spect), labels("spect-ct", spect, upper)
    below, above = np.s_[..., : END - REACH], np.s_[..., END + REACH :]
    assert (np.bincount(alone[below].ravel(), minlength=3) > 0).all()
    assert overlap(both[below], alone[below]).dsc[1:].min() > 0.95
    np.testing.assert_array_equal(both[above], labels("spect-ct", spect, whole)[above])
    assert (both[above] != alone[above]).any()
