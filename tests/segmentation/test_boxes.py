import numpy as np

from fuzzyseg.segmentation.boxes import background, box_around, part, same_part
from fuzzyseg.volume import Volume

SPACING = np.diag([2.0, 2.0, 3.0, 1.0])


def test_the_box_has_a_margin_and_stays_inside():
    mask = np.zeros((30, 30, 30), bool)
    mask[10:12, 2, 29] = True
    assert box_around(mask, 4) == (slice(6, 16), slice(0, 7), slice(25, 30))
    assert box_around(np.zeros((3, 4, 5), bool)) == (slice(0, 3), slice(0, 4), slice(0, 5))


def test_a_part_stays_in_its_place():
    volume = Volume(np.random.default_rng(0).random((20, 12, 50)), SPACING, "CT", "HU")
    box = (slice(3, 9), slice(5, 6), slice(7, 40))
    cut = part(volume, box)
    np.testing.assert_array_equal(cut.affine @ [0, 0, 0, 1], volume.affine @ [3, 5, 7, 1])
    np.testing.assert_array_equal(cut.array, volume.array[box])


def test_the_same_part_of_another_grid_holds_the_centres_in_the_box():
    inner = Volume(np.zeros((20, 20, 20)), np.diag([4.0, 4.0, 4.0, 1.0]))
    flipped = np.diag([-1.0, 1.0, 2.0, 1.0])
    flipped[0, 3] = 70
    outer = Volume(np.zeros((90, 60, 40)), flipped)
    box = (slice(2, 6), slice(0, 3), slice(18, 20))
    found = same_part(box, inner, outer)
    for axis in range(3):
        centres = outer.affine[axis, axis] * np.arange(outer.shape[axis]) + outer.affine[axis, 3]
        low, high = 4 * box[axis].start - 2, 4 * box[axis].stop - 2
        expected = np.flatnonzero((centres >= low) & (centres <= high))
        assert (found[axis].start, found[axis].stop) == (expected[0], expected[-1] + 1)


def test_the_same_part_beyond_the_other_grid_is_empty():
    inner = Volume(np.zeros((9, 9, 9)), np.eye(4))
    away = np.eye(4)
    away[0, 3] = 100
    found = same_part(
        box_around(np.ones((9, 9, 9), bool)), inner, Volume(np.zeros((5, 5, 5)), away)
    )
    assert found[0].stop == found[0].start


def test_background_is_certain_and_laid_out_as_readers_do():
    found = background(3, (4, 5, 6))
    assert found.shape == (3, 4, 5, 6)
    assert (found[0] == 1).all()
    assert not found[1:].any()
    assert found[0].flags.f_contiguous
