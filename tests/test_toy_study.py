import numpy as np
from toy_study import make_study


def test_same_seed_same_study():
    a, b, c = make_study(1), make_study(1), make_study(2)
    np.testing.assert_array_equal(a.spect.array, b.spect.array)
    np.testing.assert_array_equal(a.ct.array, b.ct.array)
    assert (a.labels != c.labels).any()


def test_uptake_agrees_with_the_labels_and_the_two_grids_with_each_other():
    study = make_study()
    background, bone, lesion = (study.spect.array[study.labels == k].mean() for k in range(3))
    assert background < 0.2 * bone < bone < 0.4 * lesion
    for volume in (study.spect, study.ct):
        middle = volume.affine @ [*(n / 2 - 0.5 for n in volume.shape), 1]
        np.testing.assert_allclose(middle, [0, 0, 0, 1], atol=3)
    assert study.ct.array.min() >= -1024
