from collections import deque

import numpy as np
import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.metrics.lesions import detect, froc


def pieces(mask):
    """Connected sets of voxels, grown one by one over faces and edges."""
    left, found = {tuple(v) for v in np.argwhere(mask)}, []
    while left:
        queue, piece = deque([left.pop()]), set()
        while queue:
            voxel = queue.popleft()
            piece.add(voxel)
            for step in np.ndindex(3, 3, 3):
                offset = np.array(step) - 1
                if 0 < np.abs(offset).sum() <= 2:
                    near = tuple(int(x) for x in np.array(voxel) + offset)
                    if near in left:
                        left.remove(near)
                        queue.append(near)
        found.append(piece)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_equals_counting_piece_by_piece(seed):
    rng = np.random.default_rng(seed)
    truth, prediction = (rng.random((2, 9, 8, 7)) > 0.93).astype(np.uint8)
    found = detect(prediction, truth, spacing_mm=(2, 3, 4))
    lesions, predicted = pieces(truth), pieces(prediction)
    inside, ml = {tuple(v) for v in np.argwhere(prediction)}, 24 / 1000
    true = {tuple(v) for v in np.argwhere(truth)}
    expected = sorted((len(x), len(x & inside) / len(x)) for x in lesions)
    sizes = np.pi * found.diameter_mm**3 / 6 / 24
    assert sorted(zip(sizes.round().astype(int), found.covered, strict=True)) == expected
    false = [x for x in predicted if not x & true]
    assert found.false_pieces == len(false)
    assert found.false_positive_ml == pytest.approx(ml * sum(map(len, false)))
    missed = [x for x in lesions if not x & inside]
    assert found.false_negative_ml == pytest.approx(ml * sum(map(len, missed)))
    assert found.truth_ml == pytest.approx(ml * truth.sum())
    assert found.prediction_ml == pytest.approx(ml * prediction.sum())


def made():
    """Lesions of 8, 10 and 27 voxels: 2 of 8 covered, 0 of 10, all of 27; two false pieces."""
    truth, prediction = np.zeros((2, 30, 12, 12), np.uint8)
    truth[1:3, 1:3, 1:3] = truth[5:15, 8, 8] = truth[20:23, 4:7, 4:7] = 1
    prediction[1, 1, 1:3] = prediction[20:23, 4:7, 4:7] = 1
    prediction[27, 1, 1] = prediction[27, 8:10, 1] = 1
    return prediction, truth


def test_shares_and_diameters():
    found = detect(*made(), spacing_mm=(10, 10, 10))
    assert [found.found(share) for share in (0, 0.1, 0.25, 0.26)] == [2, 2, 2, 1]
    np.testing.assert_allclose(found.diameter_mm, [24.81, 26.73, 37.22], atol=0.01)
    assert found.found(from_mm=30) == 1
    assert found.found(to_mm=26.8) == 1
    assert (found.lesions, found.false_pieces) == (3, 2)
    assert (found.false_positive_ml, found.false_negative_ml) == (3, 10)
    told = found.to_dict()
    assert told["found"] == {"0": 2, "0.1": 2, "0.25": 2}
    assert told["volume_error_ml"] == 32 - 45


def test_without_lesions_or_prediction():
    nothing = np.zeros((4, 4, 4), np.uint8)
    one = nothing.copy()
    one[0, 0, 0] = 1
    assert detect(one, nothing, spacing_mm=(1, 1, 1)).false_pieces == 1
    missed = detect(nothing, one, spacing_mm=(1, 1, 1))
    assert (missed.lesions, missed.found(), missed.false_pieces) == (1, 0, 0)
    with pytest.raises(InputError, match="three axes"):
        detect(one[0], one[0], spacing_mm=(1, 1))


def test_froc_by_hand():
    prediction, truth = made()
    u = np.where(prediction > 0, 0.5, 0.0)
    u[20:23, 4:7, 4:7] = 0.9
    u[27, 1, 1] = 0.7
    sensitivity, false = froc(
        [u, np.zeros_like(u)], [truth, truth * 0], [0.4, 0.6, 0.8, 0.95], spacing_mm=[(1, 1, 1)] * 2
    )
    np.testing.assert_allclose(sensitivity, [2 / 3, 1 / 3, 1 / 3, 0])
    np.testing.assert_allclose(false, [1, 0.5, 0, 0])
    nobody, _ = froc([u], [truth * 0], [0.5], spacing_mm=[(1, 1, 1)])
    assert np.isnan(nobody).all()
