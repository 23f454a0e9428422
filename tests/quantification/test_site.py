import numpy as np
import pytest

from fuzzyseg.quantification import quantify
from fuzzyseg.quantification.site import SITES, site, site_of_place
from fuzzyseg.quantification.skeleton import Skeleton, find_landmarks
from fuzzyseg.volume import Provenance, Segmentation, Volume

MM = 5.0
ORIGIN = np.array([-240.0, -150.0, 500.0])


def doll(low=0.0, high=1000.0):
    """Bone of 5 mm in boxes: legs, pelvis, spine, a solid rib cage, shoulders, a head, arms."""
    boxes = [  # x, y and z from, to, mm above the feet's end of the field
        ((-12, 12), (-60, -30), (150, 800)),  # spine
        ((-130, 130), (-60, 20), (200, 400)),  # pelvis
        ((-110, -70), (-30, 0), (0, 250)),
        ((70, 110), (-30, 0), (0, 250)),
        ((-140, 140), (-70, 60), (480, 800)),  # ribs, up to the shoulders
        ((-75, 75), (-70, 60), (880, 990)),  # head
        ((-12, 12), (-60, -30), (800, 880)),
        ((-210, -180), (-20, 10), (300, 780)),
        ((180, 210), (-20, 10), (300, 780)),
    ]
    z, y, x = np.meshgrid(
        np.arange(low, high, MM), np.arange(-150, 150, MM), np.arange(-240, 240, MM), indexing="ij"
    )
    bone = np.zeros(x.shape, bool)
    for (a, b), (c, d), (e, f) in boxes:
        bone |= (x >= a) & (x <= b) & (y >= c) & (y <= d) & (z >= e) & (z <= f)
    return np.stack([x[bone], y[bone], z[bone]], axis=1)


def landmarks(**field):
    return find_landmarks(doll(**field), MM**3 / 1000)


def test_landmarks_of_a_doll():
    found = landmarks()
    assert found.midline_mm == pytest.approx(0, abs=MM)
    assert found.crest_mm == pytest.approx(400, abs=MM)
    assert found.shoulder_mm == pytest.approx(800, abs=MM)
    assert found.spine_mm == pytest.approx(-45, abs=MM)


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ({"low": 500.0}, "waist and neck"),
        ({"high": 700.0}, "waist and neck"),
        ({"low": 860.0, "high": 870.0}, "too little bone"),
    ],
)
def test_a_field_that_shows_no_landmarks_says_so(field, said):
    assert said in landmarks(**field)


def test_a_child_is_not_measured_by_an_adults_rule():
    short = doll() * [1.0, 1.0, 0.5]
    assert "adult" in find_landmarks(short, MM**3 / 2000)


@pytest.mark.parametrize(
    ("place", "name"),
    [  # in a man with 400 mm from crests to shoulders
        ((0, 20, 560), "skull"),
        ((0, 0, 445), "cervical spine"),
        ((0, -40, 270), "thoracic spine"),
        ((0, 0, 60), "lumbar spine"),
        ((5, -30, -100), "sacrum"),
        ((100, 0, 250), "ribs"),
        ((-5, 100, 250), "sternum"),
        ((-130, 0, 390), "shoulder girdle"),
        ((100, 20, -60), "pelvis"),
        ((-190, 0, 100), "upper limb"),
        ((100, 0, -300), "lower limb"),
    ],
)
def test_every_site_has_its_place(place, name):
    man = Skeleton(midline_mm=7.0, crest_mm=1000.0, shoulder_mm=1400.0, spine_mm=-20.0)
    shifted = np.add(place, [7.0, -20.0, 1000.0])
    assert site_of_place(man.relative(shifted)) == name
    found, confidence, reason = site(shifted, man)
    assert (found, reason) == (name, "")
    assert 0.5 <= confidence <= 1


def test_a_place_between_sites_has_none():
    man = Skeleton(0.0, 1000.0, 1400.0, 0.0)
    tried = [
        site(np.array([x, y, z]), man)
        for x in range(0, 200, 7)
        for y in (-40.0, 45.0)
        for z in range(900, 1500, 9)
    ]
    unnamed = [found for found in tried if found[0] is None]
    assert unnamed
    for name, confidence, reason in tried:
        assert (name in SITES) == (confidence >= 0.5)
        assert reason.startswith("between ") == (name is None)


def test_lesions_of_a_patient_have_sites_in_either_frame():
    index = np.rint((doll() - [-240, -150, 0]) / MM).astype(int)
    labels = np.zeros(index.max(axis=0) + 3, np.uint8)
    labels[tuple(index.T)] = 1
    labels[47:50, 20:23, 120:123] = 2  # in the spine, at 600 mm
    affine = np.diag([MM, MM, MM, 1.0])
    affine[:3, 3] = [-240, -150, 0]
    u = np.stack([labels == k for k in range(3)]).astype(np.float32)
    for frame in ("RAS", "LPS"):
        volume = Volume(labels.astype(float), affine, "NM", "Bq/mL", file_frame=frame)
        made = Segmentation(u, labels, ("background", "bone", "lesion"), volume, Provenance("x"))
        (lesion,) = quantify(made).lesions
        assert lesion.site == "thoracic spine"
        assert lesion.site_confidence > 0.5
