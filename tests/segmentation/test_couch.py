"""A couch as dense as bone is background, whichever method segments the CT."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from tiny_models import tiny_model, write_tiny

from fuzzyseg.models.card import Preprocessing
from fuzzyseg.segmentation import Settings, segment
from fuzzyseg.segmentation.model_input import seen_by
from fuzzyseg.volume import Study, Volume


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


def both():
    """The same with a SPECT, in which the couch takes up nothing, and without the couch."""
    volume, spine, couch = ct()
    uptake = (volume.array > 0).astype(np.float32)
    uptake[spine] = 10
    uptake[couch] = 0
    uptake = gaussian_filter(uptake, 1.0)
    spect = Volume(uptake, volume.affine, "NM")
    bare = replace(volume, array=np.where(couch[..., None], np.float32(-1000), volume.array))
    return Study(spect=spect, ct=volume), Study(spect=spect, ct=bare), spine, couch


@pytest.mark.parametrize("method", ["kmeans", "gmm", "fcm", "rfcm", "rfcm-ct", "model"])
def test_no_method_sees_the_couch_beside_a_spect(method, tmp_path):
    study, bare, spine, couch = both()
    settings = Settings(method=method, jobs=1)
    if method == "model":
        write_tiny(tmp_path, "spect-ct")
        settings = replace(settings, model=str(tmp_path / "spect-ct"), engine="torch")
    found, without = segment(study, settings), segment(bare, settings)
    np.testing.assert_array_equal(found.memberships, without.memberships)
    if method != "model":  # which has random weights
        assert (found.labels[couch] == 0).all()
        assert (found.labels[spine] > 0).mean() > 0.7


@pytest.mark.parametrize("slice_mm", [1.5, 4.4])
@pytest.mark.parametrize("gap", [1, 2])
def test_a_couch_close_to_the_back_stays_apart_on_finer_voxels(gap, slice_mm):
    hu = np.full((80, 60, 20), -1000.0, np.float32)
    x, y = np.mgrid[:80, :60]
    body = ((x - 40) / 32) ** 2 + ((y - 32) / 20) ** 2 <= 1
    couch = (abs(x - 40) < 15) & (y >= 10 - gap) & (y < 12 - gap)
    hu[body], hu[couch] = 30, 2000
    coarse = Volume(hu, np.diag([3.9, 3.9, slice_mm, 1.0]), "CT", "HU")
    card = tiny_model("ct", preprocessing=Preprocessing(spacing_mm=2.0)).card
    seen = seen_by(card, Study(ct=coarse))
    scale = np.array(seen.grid.shape) / hu.shape
    middle = tuple(np.rint((np.array([40, 10.5 - gap, 10]) + 0.5) * scale - 0.5).astype(int))
    assert seen.image[(0, *middle)] > 0.9  # it is the couch
    assert not seen.within[middle]
