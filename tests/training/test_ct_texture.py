from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from toy_training import QUICK, toy_case

from fuzzyseg.training import patches
from fuzzyseg.training.ct_texture import CTTexture, textured
from fuzzyseg.training.patches import draw_patch

NOTHING = CTTexture(
    organs=(0, 0),
    rimmed=0.0,
    deposits=(0, 0),
    deposit_mm=(1.5, 4.0),
    marrow=(1.0, 1.0),
    rim=(1.0, 1.0),
    marrow_hu=(0.0, 0.0),
    alike=0.0,
    trabeculae_hu=(0.0, 0.0),
    blurred=0.0,
    sharpened=0.0,
    thick=0.0,
    noise_hu=(0.0, 0.0),
    bias_hu=(0.0, 0.0),
    gain=0.0,
)
SPACING = (2.0, 2.0, 2.0)
LABELS = np.zeros((40, 40, 40), np.int8)
LABELS[8:28, 8:28, 8:32] = 1
SKIN = (slice(None), slice(36, None))  # beyond it lies air
HU = np.where(LABELS > 0, 200, 40).astype(np.float32)
HU[SKIN] = -1000
DEEP = (slice(13, 23),) * 3  # marrow far from the rim


def drawn(seed=0, labels=LABELS, **on):
    how = replace(NOTHING, **on)
    return textured(HU, labels, SPACING, np.random.default_rng(seed), how)


def test_nothing_drawn_leaves_the_ct_as_it_was():
    np.testing.assert_allclose(drawn(), HU, atol=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_organs_lie_in_soft_tissue_alone(seed):
    change = drawn(seed, organs=(3, 3), organ_hu=(100.0, 100.0)) - HU
    assert np.abs(change[LABELS > 0]).max() < 1e-3
    assert np.abs(change[SKIN]).max() < 1e-3
    soft = change[LABELS == 0]
    np.testing.assert_allclose(soft, 100 * np.rint(soft / 100), atol=1e-3)
    assert soft.max() >= 99


def test_an_organ_may_have_a_rim_that_encloses_its_core():
    organ = {"organs": (1, 1), "organ_mm": (80.0, 80.0), "organ_hu": (100.0, 100.0)}
    whole, hollow = (
        drawn(3, **organ, rimmed=rimmed, core=(0.4, 0.4)) - HU > 80 for rimmed in (0.0, 1.0)
    )
    core = drawn(3, **organ, rimmed=1.0, core=(0.4, 0.4)) - HU
    core = (core > 30) & (core < 50)
    assert core.any()
    assert np.array_equal(core | hollow, whole)
    soft = ndimage.distance_transform_edt(LABELS == 0, SPACING) > 16  # organs end before bone
    soft[SKIN] = False
    beside = ndimage.binary_dilation(core) & ~core & soft
    assert beside.any()
    assert hollow[beside].mean() > 0.95


@pytest.mark.parametrize("seed", range(5))
def test_deposits_are_small_and_no_bone(seed):
    found = drawn(seed, deposits=(1, 1), deposit_hu=(900.0, 900.0))
    changed = np.abs(found - HU) > 1
    assert 0 < changed.sum() * 8 < 4 / 3 * np.pi * 6**3 * 1.5  # mm^3
    assert not changed[LABELS > 0].any()
    np.testing.assert_allclose(found[changed], 900, rtol=1e-5)


def test_marrow_darkens_and_the_rim_stays():
    found = drawn(marrow=(0.0, 0.0))
    assert np.abs(found[DEEP]).max() < 200 * 200 / 900 + 1  # what of it is solid stays
    np.testing.assert_allclose(found[8, 14:20, 14:20], 200, rtol=1e-4)
    np.testing.assert_allclose(found[LABELS == 0], HU[LABELS == 0], atol=1e-3)


def test_marrow_may_be_as_dense_as_what_lies_around_the_bone():
    found = drawn(alike=1.0)
    np.testing.assert_allclose(found[DEEP], 40, atol=6)  # its mean, half-rim included, is 40
    np.testing.assert_allclose(found[8, 14:20, 14:20], 200, rtol=1e-4)


def test_a_rim_is_scaled_by_itself():
    found = drawn(rim=(0.5, 0.5))
    np.testing.assert_allclose(found[8, 14:20, 14:20], 100, rtol=1e-4)
    assert found[DEEP].min() > 170


def test_noise_has_the_standard_deviation_and_the_grain_that_were_drawn():
    fine = drawn(noise_hu=(30.0, 30.0), grain_mm=(0.0, 0.0)) - HU
    coarse = drawn(noise_hu=(30.0, 30.0), grain_mm=(6.0, 6.0)) - HU
    for noise, related in ((fine, 0.0), (coarse, 0.8)):
        assert noise.std() == pytest.approx(30, rel=0.01)
        assert np.corrcoef(noise[1:].ravel(), noise[:-1].ravel())[0, 1] == pytest.approx(
            related, abs=0.15
        )


def test_streaks_run_from_left_to_right():
    noise = drawn(noise_hu=(30.0, 30.0), grain_mm=(0.0, 0.0), streaked=1.0) - HU
    assert np.corrcoef(noise[1:].ravel(), noise[:-1].ravel())[0, 1] > 0.8
    assert abs(np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1]) < 0.1


def test_kernels_move_edges_apart_or_overshoot():
    edge = (8, slice(14, 20), slice(14, 20))
    assert drawn(blurred=1.0)[edge].max() < 190
    assert drawn(sharpened=1.0)[edge].min() > 205
    thick = drawn(thick=1.0)
    np.testing.assert_allclose(thick[edge], 200, rtol=1e-4)
    assert thick[14:20, 14:20, 8].max() < 190


def test_where_nobody_knows_only_the_scanner_changes():
    unknown = np.full_like(LABELS, -1)
    found = drawn(labels=unknown, organs=(3, 3), deposits=(4, 4), marrow=(0.0, 0.0), rim=(0.0, 0.0))
    np.testing.assert_allclose(found, HU, atol=1e-3)


@pytest.mark.parametrize(
    "form", [{"dims": 3}, {"context": 1}, {"planes": ("coronal",)}, {"planes": ("sagittal",)}]
)
def test_patches_show_what_was_drawn_within_the_window(monkeypatch, form):
    config = replace(QUICK, channels=("ct",), patch=16, texture=1.0, ct_window_hu=(0, 800))
    config = replace(config, augment=False, noise=0.0, scale=0.0, **form)
    case = toy_case(config)
    thinnest = []

    def brighter(hu, *_):
        thinnest.append(min(hu.shape))
        return hu + 80

    monkeypatch.setattr(patches, "textured", brighter)
    plain = draw_patch(case, replace(config, texture=0.0), np.random.default_rng(3))
    found = draw_patch(case, config, np.random.default_rng(3))
    assert found.image.dtype == np.float32
    for one, other in ((found.image, plain.image), (found.seen, plain.seen)):
        np.testing.assert_allclose(one, (other + 0.1).clip(0, 1), atol=1e-5)
    np.testing.assert_array_equal(found.target, plain.target)
    assert min(thinnest) >= 9  # of a slice more is drawn, so that its grain is that of a volume
