"""A hot ball in a bar of bone, where a bladder is and where none is."""

from dataclasses import replace

import numpy as np
import pytest

from fuzzyseg.quantification import quantify
from fuzzyseg.quantification.bladder import find_bladder

RADIUS = 8  # voxels of 4 mm: 137 mL


def with_ball(segmentation, centre, radius=RADIUS):
    image = segmentation.volume.array.copy()
    x, y, z = np.ogrid[tuple(slice(n) for n in image.shape)]
    at = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 + (z - centre[2]) ** 2 <= radius**2
    image[at] = 800
    return replace(segmentation, volume=replace(segmentation.volume, array=image)), at


def test_a_full_bladder_is_found_with_its_volume_and_told(make):
    segmentation, at = with_ball(make(balls=(((5, 12, 12), 2.0),)), (20, 12, 12))
    found = find_bladder(segmentation.volume, np.zeros(at.shape, np.int32), 100.0)
    assert 0.95 * at.sum() * 0.064 < found.volume_ml <= at.sum() * 0.064  # corners are thin
    assert found.to_bone == pytest.approx(8)
    (told,) = [note for note in quantify(segmentation).notes if "full bladder" in note]
    assert "8 times as hot as bone" in told


@pytest.mark.parametrize(("centre", "radius"), [((8, 12, 12), RADIUS), ((20, 12, 12), 4)])
def test_what_lies_beside_the_midline_or_is_small_is_not_told(make, centre, radius):
    segmentation, _ = with_ball(make(balls=()), centre, radius)
    assert not any("bladder" in note for note in quantify(segmentation).notes)


def test_a_hot_lesion_is_no_bladder(make):
    segmentation, at = with_ball(make(), (20, 12, 12))
    assert find_bladder(segmentation.volume, at.astype(np.int32), 100.0) is None
    assert find_bladder(segmentation.volume, np.zeros(at.shape, np.int32), None) is None
