from dataclasses import replace

import numpy as np
import pytest
from toy_training import QUICK, toy_case

from fuzzyseg.training.augment import augmented, gamma

CASE = toy_case()
PLAIN = replace(QUICK, augment=False, noise=0.0, blur=0.0, scale=0.0)


def drawn(change, n=200, case=CASE):
    """What `augmented` makes of one patch, many times."""
    config = replace(PLAIN, **change)
    patch = case.image[:, None, 3:15, 4:14, 9]  # one slice
    labels = case.labels[None, 3:15, 4:14, 9]
    return (
        patch,
        labels,
        [
            augmented(patch, labels, case, config, np.random.default_rng(i), (1, 2))
            for i in range(n)
        ],
    )


def test_gamma_is_the_formula():
    image = np.linspace(-2, 6, 50).astype(np.float32)
    expected = -2 + 8 * ((image.astype(float) + 2) / 8) ** 1.7
    np.testing.assert_allclose(gamma(image, 1.7, (-2, 6)), expected, rtol=1e-5, atol=1e-5)


def test_gamma_keeps_ends_and_what_is_constant_and_lifts_what_lies_below():
    np.testing.assert_allclose(gamma(np.float32([-1, 0, 1]), 1.8, (0, 1)), [0, 0, 1])
    np.testing.assert_array_equal(gamma(np.float32([3, 3]), 1.8, (3, 3)), [3, 3])


def test_nothing_asked_for_nothing_done():
    patch, labels, ((seen, image, same), *_) = drawn({}, 1)
    np.testing.assert_array_equal(seen, patch)
    np.testing.assert_array_equal(image, patch)
    np.testing.assert_array_equal(same, labels)


def test_spect_has_gamma_from_09_to_11():
    patch, _, found = drawn({"augment": True})
    low, high = CASE.image.min(), CASE.image.max()
    relative = ((patch - low) / (high - low)).astype(float)
    place = np.unravel_index(np.abs(relative - 0.4).argmin(), patch.shape)  # far from both ends
    exponents = []
    for _, image, _ in found:
        value = (np.sort(image.ravel())[np.argsort(np.argsort(patch.ravel()))] - low) / (high - low)
        exponents.append(np.log(value.reshape(patch.shape)[place]) / np.log(relative[place]))
    assert 0.9 <= min(exponents) < 0.91
    assert 1.09 < max(exponents) <= 1.1001
    assert np.std(exponents) == pytest.approx(0.2 / np.sqrt(12), rel=0.15)


def test_ct_has_the_papers_gammas_or_none():
    config = {"augment": True, "channels": ("ct",)}
    case = toy_case(replace(PLAIN, **config))
    patch, _, found = drawn(config, case=case)
    expected = {g: np.sort((patch.astype(float) ** g).ravel()) for g in (1.0, 1.4, 1.6, 1.8)}
    seen = []
    for _, image, _ in found:
        values = np.sort(image.ravel())
        seen.append(min(expected, key=lambda g: np.abs(expected[g] - values).max()))
        np.testing.assert_allclose(values, expected[seen[-1]], atol=1e-5)
    assert set(seen) == set(expected)


def test_flips_take_image_and_labels_together():
    _, labels, found = drawn({"augment": True})
    ways = {}
    for _, image, turned in found:
        # The lesion is off centre, so all four ways differ.
        np.testing.assert_array_equal(turned == 2, image[0] > 0.7 * CASE.image.max())
        ways[turned.tobytes()] = turned
    assert len(ways) == 4
    expected = {np.flip(labels, axes).tobytes() for axes in ((), (1,), (2,), (1, 2))}
    assert set(ways) == expected


def test_the_order_of_slices_stays():
    stack = np.arange(5, dtype=np.float32)[None, :, None, None] * np.ones((1, 1, 4, 4), np.float32)
    for seed in range(20):
        _, image, _ = augmented(
            stack,
            np.zeros((5, 4, 4), np.int8),
            replace_range(CASE, 0, 4),
            replace(PLAIN, augment=True),
            np.random.default_rng(seed),
            (1, 2),
        )
        assert (np.diff(image[0, :, 0, 0]) > 0).all()


def replace_range(case, low, high):
    image = np.zeros_like(case.image)
    image[0, 0, 0, 0], image[0, 0, 0, 1] = low, high
    return replace(case, image=image)


def test_a_block_is_flipped_along_all_three_axes():
    block = np.arange(27, dtype=np.float32).reshape(1, 3, 3, 3)
    labels = np.arange(27, dtype=np.int8).reshape(3, 3, 3)
    config = replace(PLAIN, augment=True, dims=3, planes=("transverse",))
    ways = {
        augmented(block, labels, CASE, config, np.random.default_rng(i), (0, 1, 2))[2].tobytes()
        for i in range(100)
    }
    assert len(ways) == 8


def test_scale_multiplies_what_the_network_sees_alone():
    patch, _, found = drawn({"scale": 0.25})
    factors = []
    for seen, image, _ in found:
        np.testing.assert_array_equal(image, patch)
        factor = seen.ravel()[0] / patch.ravel()[0]
        np.testing.assert_allclose(seen, factor * patch, rtol=1e-5)
        factors.append(factor)
    assert 1 / 1.25 <= min(factors) < 0.83
    assert 1.2 < max(factors) <= 1.25001
    assert np.log(factors).mean() == pytest.approx(0, abs=0.03)


def test_noise_is_up_to_its_level_and_for_the_network_alone():
    patch, _, found = drawn({"noise": 0.5})
    levels = []
    for seen, image, _ in found:
        np.testing.assert_array_equal(image, patch)
        levels.append((seen - patch).std())
    assert min(levels) < 0.03
    assert 0.4 < max(levels) < 0.6


def test_blur_smooths_half_of_what_the_network_sees():
    patch, _, found = drawn({"blur": 2.0})
    kept = [np.array_equal(seen, patch) for seen, _, _ in found]
    assert 70 < sum(kept) < 130
    assert min(seen.std() for seen, _, _ in found) < 0.8 * patch.std()
    assert all(np.array_equal(image, patch) for _, image, _ in found)


def test_blur_does_not_mix_channels_or_slices():
    patch = np.stack([np.full((2, 9, 9), 1, np.float32), np.full((2, 9, 9), 5, np.float32)])
    patch[:, 1] += 10
    config = replace(PLAIN, blur=3.0)
    labels = np.zeros((2, 9, 9), np.int8)
    for seed in range(10):
        seen, *_ = augmented(patch, labels, CASE, config, np.random.default_rng(seed), (1, 2))
        np.testing.assert_allclose(seen, patch, rtol=1e-5)


def test_blocks_are_blurred_along_all_three_axes():
    block = np.zeros((1, 9, 9, 9), np.float32)
    block[0, 4, 4, 4] = 1
    config = replace(PLAIN, blur=3.0, dims=3)
    labels = np.zeros((9, 9, 9), np.int8)
    seen = [
        augmented(block, labels, CASE, config, np.random.default_rng(i), ())[0][0]
        for i in range(10)
    ]
    blurred = max(seen, key=lambda b: b[4, 4, 5])
    for axis in range(3):
        np.testing.assert_allclose(blurred, np.moveaxis(blurred, 0, axis), atol=1e-6)
    assert blurred[3, 4, 4] > 0
