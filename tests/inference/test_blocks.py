import itertools

import numpy as np
import pytest

from fuzzyseg.inference.blocks import boxes, weights


@pytest.mark.parametrize("shape", [(5, 5, 5), (8, 9, 30), (8, 8, 8), (1, 13, 14)])
def test_boxes_cover_every_voxel_and_overlap_enough(shape):
    cover = boxes(shape, block=8, overlap=3)
    count = np.zeros(shape, int)
    total = np.zeros(shape)
    for box in cover:
        assert all(s.stop - s.start <= 8 for s in box)
        count[box] += 1
        share = weights(box, shape, overlap=3)
        assert share.shape == count[box].shape
        assert share.min() > 0
        total[box] += share
    assert count.min() >= 1
    assert total.min() > 0
    for axis in range(3):
        edges = sorted({(box[axis].start, box[axis].stop) for box in cover})
        for (_, stop), (start, _) in itertools.pairwise(edges):
            assert stop - start >= 3


def test_a_small_volume_is_one_box_of_weight_1():
    (box,) = boxes((5, 8, 2), block=8, overlap=3)
    assert box == (slice(0, 5), slice(0, 8), slice(0, 2))
    assert (weights(box, (5, 8, 2), overlap=3) == 1).all()


def test_weights_fall_towards_neighbours_only():
    first, last = boxes((13, 4, 4), block=8, overlap=3)
    ramp = [0.25, 0.5, 0.75]
    np.testing.assert_allclose(weights(first, (13, 4, 4), 3)[:, 0, 0], [1] * 5 + ramp[::-1])
    np.testing.assert_allclose(weights(last, (13, 4, 4), 3)[:, 0, 0], ramp + [1] * 5)
