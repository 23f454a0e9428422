import numpy as np
import pytest

from fuzzyseg.follow_up.matching import Match, lesion_places, match, shares, values_at

AFFINE = np.diag([2.0, 3.0, 4.0, 1.0])


@pytest.fixture(scope="module")
def labels():
    found = np.zeros((8, 6, 6), np.int32)
    found[1:3, 1:3, 1:3] = 1
    found[5:7, 1:3, 1:3] = 2
    return found


def test_places_are_the_centres_of_voxels(labels):
    one, two = lesion_places(labels, AFFINE)
    assert len(one) == len(two) == 8
    np.testing.assert_allclose(one.mean(axis=0), [3, 4.5, 6])
    assert lesion_places(labels * 0, AFFINE) == []


def test_shares_are_of_the_places(labels):
    moved = AFFINE.copy()
    moved[0, 3] = 2.0  # one voxel: half of each lesion
    found = shares(lesion_places(labels, AFFINE), labels, moved)
    np.testing.assert_allclose(found, [[0.5, 0], [0, 0.5]])
    outside = values_at(labels, AFFINE, np.array([[-2.0, 0, 0], [2, 3, 4]]))
    assert outside.tolist() == [-1, 1]


def at(*x):
    """Lesions of one place each, x mm along a line."""
    return [np.array([[float(v), 0.0, 0.0]]) for v in x]


def matched(before, after, overlap):
    table = np.array(overlap, float).reshape(len(before), len(after))
    volumes = np.arange(len(before) + len(after), 0, -1.0)
    return {(m.baseline, m.follow_up) for m in match(before, after, table, volumes)}


def test_what_overlaps_is_one():
    assert matched(at(0, 50), at(3, 52), [[0.6, 0], [0, 0.3]]) == {((1,), (1,)), ((2,), (2,))}


def test_two_that_lie_in_one_have_merged_and_the_other_way_round_split():
    assert matched(at(0, 9), at(4), [[0.9], [0.8]]) == {((1, 2), (1,))}
    assert matched(at(4), at(0, 9), [[0.9, 0.8]]) == {((1,), (1, 2))}


def test_touching_is_not_enough():
    assert matched(at(0, 20), at(1), [[0.9], [0.1]]) == {((1,), (1,)), ((2,), ())}


def test_without_overlap_the_nearest_is_the_one_but_not_a_far_one():
    assert matched(at(0, 30), at(7, 5, 50), np.zeros((2, 3))) == {
        ((1,), (2,)),
        ((2,), ()),
        ((), (1,)),
        ((), (3,)),
    }


def test_the_larger_comes_first_and_no_lesions_are_no_matches():
    found = match(at(0, 50), at(90), np.zeros((2, 1)), np.array([1.0, 3.0, 2.0]))
    assert found == [Match((2,), ()), Match((), (1,)), Match((1,), ())]
    assert match([], [], np.zeros((0, 0)), np.zeros(0)) == []
