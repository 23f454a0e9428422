from dataclasses import replace

import numpy as np
import pytest
from toy_training import QUICK, toy_case, toy_image, toy_labels

from fuzzyseg.inference.preprocess import normalise_spect
from fuzzyseg.training.part import LENGTH_MM, part_of
from fuzzyseg.training.patches import draw_patch

CONFIG = replace(QUICK, spect="body", dims=3, patch=12, parts=1.0)


def long_case(config=CONFIG):
    """A rod 1 m long."""
    labels = toy_labels(shape=(16, 16, 250))
    return toy_case(config, labels)


@pytest.mark.parametrize("how", ["body", "zscore", "asinh"])
def test_a_part_is_normalised_as_if_it_were_all(how):
    config = replace(CONFIG, spect=how)
    case = long_case(config)
    found, start = part_of(case, 120, config, np.random.default_rng(3))
    length = found.labels.shape[2]
    assert LENGTH_MM[0] <= length * 4 <= LENGTH_MM[1]
    assert start <= 120 < start + length
    part = slice(start, start + length)
    np.testing.assert_array_equal(found.labels, case.labels[..., part])
    np.testing.assert_array_equal(found.activity, case.activity[..., part])
    raw = toy_image(toy_labels(shape=(16, 16, 250)))[..., part]
    expected = normalise_spect(raw, how)
    np.testing.assert_allclose(found.image[0], expected, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("plane", [0, 17])
def test_a_short_case_is_its_only_part(plane):
    case = toy_case(CONFIG)
    assert part_of(case, plane, CONFIG, np.random.default_rng(0)) == (case, 0)


@pytest.mark.parametrize("plane", [0, 249])
def test_the_ends_are_parts_too(plane):
    found, start = part_of(long_case(), plane, CONFIG, np.random.default_rng(1))
    assert start <= plane < start + found.labels.shape[2]


def test_patches_of_parts_keep_image_and_labels_together():
    case = long_case()
    for seed in range(20):
        patch = draw_patch(case, CONFIG, np.random.default_rng(seed))
        bone, air = patch.image[0][patch.target > 0], patch.image[0][patch.target == 0]
        if bone.size and air.size:
            assert bone.min() > np.quantile(air, 0.99)
