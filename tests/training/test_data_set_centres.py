from dataclasses import replace

import numpy as np
import pytest
from toy_training import QUICK, toy_case

from fuzzyseg.training.data_set_centres import data_set_centres

# Lesions of a fifth of the voxels: K-means of three classes finds them.
BLOCKS = np.repeat(np.int8([0, 1, 2, 0, 1, 0]), 4)[:, None, None] * np.ones((1, 12, 12), np.int8)


def class_means(case):
    return np.array(
        [[d[case.labels == k].mean() for d in case.image] for k in range(case.n_classes)]
    )


@pytest.mark.parametrize("how", ["zscore", "body", "asinh"])
def test_centres_are_the_class_means_in_normalised_units(how):
    case = toy_case(replace(QUICK, spect=how), labels=BLOCKS)
    found = data_set_centres([case], 3)
    assert found.shape == (3, 1)
    np.testing.assert_allclose(found, class_means(case), atol=0.02)


def test_two_classes():
    config = replace(QUICK, classes=2)
    case = toy_case(config, labels=np.minimum(BLOCKS, 1))
    np.testing.assert_allclose(data_set_centres([case], 2), class_means(case), atol=0.02)


def test_spect_and_ct_together():
    case = toy_case(replace(QUICK, channels=("spect", "ct")), labels=BLOCKS)
    found = data_set_centres([case], 3)
    assert found.shape == (3, 2)
    np.testing.assert_allclose(found, class_means(case), atol=0.03)


def test_ct_alone_by_slices():
    config = replace(QUICK, channels=("ct",), classes=2, ct="slice")
    case = toy_case(config, labels=np.minimum(BLOCKS, 1))
    np.testing.assert_allclose(data_set_centres([case], 2), class_means(case), atol=0.1)


def test_metal_in_a_ct_does_not_take_a_class_for_itself():
    config = replace(QUICK, channels=("ct",), classes=2)
    case = toy_case(config, labels=np.minimum(BLOCKS, 1))
    expected = data_set_centres([case], 2)
    case.raw["ct"][:4, :2, :8] = 20000
    case.image[0, :4, :2, :8] = 1  # the end of the window
    np.testing.assert_allclose(data_set_centres([case], 2), expected, atol=0.04)


def test_few_lesions_have_a_centre_of_60_percent_of_the_maximum():
    labels = np.minimum(BLOCKS, 1)
    case = toy_case(labels=labels, noise=0.0)
    spect = case.raw["spect"]
    n_bone = int(labels.sum())
    spect[labels == 1] = [*np.linspace(5, 24, n_bone - 4), 30, 34, 37, 40]
    case = replace(case, image=(spect[None] - spect.mean()) / spect.std())
    found = data_set_centres([case], 3)[:, 0]
    linear = found * spect.std() + spect.mean()
    assert linear[2] == pytest.approx(1 + 0.6 * 39, abs=0.1)  # from minimum to maximum
    assert 1 <= linear[0] < 3  # a K-means of background and bone
    assert 12 < linear[1] < 17


def test_cases_count_alike():
    small, large = toy_case(labels=BLOCKS), toy_case(labels=np.tile(BLOCKS, (1, 2, 3)), seed=1)
    object.__setattr__(large, "image", large.image + 5)
    both = data_set_centres([small, large], 3)
    expected = (data_set_centres([small], 3) + data_set_centres([large], 3)) / 2
    np.testing.assert_allclose(both, expected)
    assert not np.allclose(both, data_set_centres([small], 3))


def test_a_constant_case_has_one_centre_for_all_classes():
    case = toy_case(noise=0.0, labels=np.zeros((9, 9, 9), np.int8))
    np.testing.assert_array_equal(data_set_centres([case], 3), np.zeros((3, 1)))


def test_labels_are_not_looked_at():
    case = toy_case(labels=BLOCKS)
    without = replace(case, labels=np.full_like(case.labels, -1))
    np.testing.assert_array_equal(data_set_centres([without], 3), data_set_centres([case], 3))
