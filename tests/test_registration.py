import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation

from fuzzyseg import registration
from fuzzyseg.errors import InputError
from fuzzyseg.identity import Identity, mark
from fuzzyseg.registration import LEAST_MM, MOST_MM, register
from fuzzyseg.segmentation import Settings, segment
from fuzzyseg.volume import Study, Volume

WIDTH_MM = 6.0
SHAPE = (60, 44, 70)


@pytest.fixture(scope="module")
def pair():
    """A trunk with a spine, ribs and hips in 3-D; SPECT is its bone at 14 mm, and a hot bladder."""
    x, y, z = (g.astype(float) for g in np.ogrid[tuple(slice(n) for n in SHAPE)])
    x, y = x - 30, y - 22
    body = (x / 24) ** 2 + (y / 16) ** 2 + 0 * z < 1
    spine = (x**2 + (y + 9) ** 2 < 12) & (np.mod(z, 7) < 5)
    rim = np.abs(np.hypot(x / 1.4, y) - 13) < 0.9
    ribs = rim & (np.mod(z + y / 4, 8) < 2.5) & (z > 30) & (z < 62)
    hips = (np.hypot(np.abs(x) - 12, y) < 4) & (np.abs(z - 14) < 5)
    bone = spine | ribs | hips
    bladder = x**2 + (y - 6) ** 2 + (z - 10) ** 2 < 14
    uptake = body * 1.0 + bone * 8.0 + bladder * 200.0
    rng = np.random.default_rng(0)
    blurred = ndimage.gaussian_filter(uptake, 14 / 2.355 / WIDTH_MM)
    spect = blurred + rng.normal(0, 0.1, SHAPE) * np.sqrt(blurred)
    hu = np.where(bone, 700.0, np.where(body, 40.0, -1000.0)) + rng.normal(0, 20, SHAPE)
    affine = np.diag([WIDTH_MM, WIDTH_MM, WIDTH_MM, 1.0])
    return Study(Volume(spect, affine, "NM"), Volume(hu, affine, "CT", "HU"))


def moved(study, shift_mm, turn_deg=(0, 0, 0)):
    """The study with its CT somewhere else."""
    middle = (study.spect.affine @ [*(np.array(SHAPE) - 1) / 2, 1])[:3]
    move = np.eye(4)
    move[:3, :3] = Rotation.from_rotvec(np.radians(turn_deg)).as_matrix()
    move[:3, 3] = middle + shift_mm - move[:3, :3] @ middle
    return Study(study.spect, replace(study.ct, affine=move @ study.ct.affine))


def error_mm(study, truth):
    """Largest distance, over the corners of the field, between where the CT is and should be."""
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in SHAPE])).reshape(3, -1)
    difference = (study.ct.affine - truth.ct.affine) @ np.vstack([corners, np.ones(8)])
    return np.linalg.norm(difference[:3], axis=0).max()


@pytest.mark.parametrize(
    ("shift", "turn"),
    [((8, 0, 0), (0, 0, 0)), ((-5, 7, 6), (1, -1.5, 2)), ((0, 0, -14), (0, 0, 0))],
)
def test_a_ct_that_was_moved_comes_back(pair, shift, turn):
    away = moved(pair, shift, turn)
    found = register(away)
    assert error_mm(away, pair) > 7.9
    assert error_mm(found, pair) < 1.2
    told = found.registration
    assert told.moved
    assert told.agreement[1] > told.agreement[0]
    np.testing.assert_allclose(told.shift_mm, -np.array(shift), atol=1.0)
    np.testing.assert_allclose(told.turn_deg, -np.array(turn), atol=0.3)
    assert np.array_equal(found.ct.array, pair.ct.array)  # nothing is interpolated


def test_what_fits_stays(pair):
    once = register(pair)
    assert error_mm(once, pair) < 1.0
    again = register(Study(once.spect, once.ct))
    assert error_mm(again, once) < LEAST_MM
    assert register(once) is once


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda p: moved(p, (0, MOST_MM + 25, 0)), "agree too little|mm and"),
        (lambda p: Study(p.spect, replace(p.ct, array=p.ct.array * 0 + 40)), "too little bone"),
        (lambda p: Study(replace(p.spect, array=p.spect.array * 0), p.ct), "too little bone"),
        (lambda p: Study(p.spect, replace(p.ct, array=p.ct.array[::-1, ::-1, ::-1])), "agree|and"),
    ],
    ids=["far", "no bone", "no uptake", "another"],
)
def test_what_cannot_be_brought_together_stays(pair, change, reason):
    apart = change(pair)
    found = register(apart)
    assert not found.registration.moved
    assert np.array_equal(found.ct.affine, apart.ct.affine)
    assert found.registration.reason
    assert re.search(reason, found.registration.reason)


def test_one_image_has_nothing_to_be_moved_to(pair):
    alone = Study(ct=pair.ct)
    assert register(alone) is alone


def test_segment_moves_the_ct_unless_told_not_to(pair):
    away = moved(pair, (0, 12, 0))
    settings = Settings(method="rfcm")
    right = segment(pair, replace(settings, register=False)).labels
    with_it = segment(away, settings).labels
    without = segment(away, replace(settings, register=False)).labels
    assert (with_it != right).mean() < 0.3 * (without != right).mean()


def test_the_ct_of_another_patient_is_refused_before_it_is_moved(pair, monkeypatch):
    monkeypatch.setattr(registration, "_found", lambda *_: pytest.fail("registered"))
    one, other = (
        replace(image, identity=Identity(mark(name)))
        for image, name in ((pair.spect, "ANNA"), (pair.ct, "BERTA"))
    )
    with pytest.raises(InputError, match="two Patient IDs"):
        register(Study(one, other))
    with pytest.raises(InputError, match="two Patient IDs"):
        segment(Study(one, other), Settings(method="kmeans"))


def test_the_ct_of_another_patient_is_moved_where_that_is_allowed(pair):
    one, other = (replace(v, identity=Identity(mark(v.modality))) for v in pair.volumes)
    assert register(Study(one, other), allow_mismatch=True).registration is not None
