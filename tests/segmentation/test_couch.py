"""A couch as dense as bone is background, whichever method segments the CT."""

import numpy as np
import pytest

from fuzzyseg.segmentation import Settings, segment
from fuzzyseg.volume import Volume


def ct():
    """A body with a spine on a couch whose shells are brighter than the spine."""
    x, y = np.mgrid[:100, :90] * 4.0 - 200
    hu = np.full((100, 90, 16), -1000.0, np.float32)
    hu[np.hypot(x / 150, (y - 20) / 100) < 1] = 40
    spine = np.hypot(x, y + 40) < 20
    hu[spine] = 500
    couch = ((np.abs(y + 100) < 2) | (np.abs(y + 130) < 2)) & (np.abs(x) < 190)
    hu[couch] = 900
    return Volume(hu, np.diag([4.0, 4.0, 4.0, 1.0]), "CT", "HU"), spine, couch


@pytest.mark.parametrize("method", ["threshold", "fcm", "rfcm"])
def test_no_method_calls_a_couch_bone(method):
    volume, spine, couch = ct()
    found = segment(volume, Settings(method=method, jobs=1))
    bone = found.labels == 1
    assert bone[spine].mean() > 0.95
    assert not bone[couch].any()
    assert (found.memberships[0][couch] == 1).all()
    np.testing.assert_allclose(found.memberships.sum(axis=0), 1, atol=1e-5)
