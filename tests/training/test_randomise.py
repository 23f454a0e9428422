from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from toy_training import LEVELS, QUICK, WIDTH_MM, toy_case, toy_image, toy_labels, write

from fuzzyseg.training import randomise
from fuzzyseg.training.case import load_case
from fuzzyseg.training.randomise import Randomisation, painted, randomised
from fuzzyseg.training.sources import Source

CASE = toy_case()
CT = replace(QUICK, channels=("ct",))
NOTHING = {
    "bone": (1.0, 1.0),
    "lesion": (1.0, 1.0),
    "soft": (1.0, 1.0),
    "gain": 0.0,
    "new_lesions": (0, 0),
    "blur_mm": (0.0, 0.0),
    "sharpen": 0.0,
    "noise": (0.0, 0.0),
}


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture
def only(monkeypatch):
    """Switch everything off but what is named."""

    def switch(**on):
        monkeypatch.setattr(randomise, "DEFAULT", Randomisation(**(NOTHING | on)))

    return switch


@pytest.mark.parametrize("how", ["zscore", "body", "asinh"])
def test_an_activity_that_stays_leaves_the_image_as_it_was(only, tmp_path, how):
    """Also where the air around the patient was cut off, which the normalisation has seen."""
    only()
    labels = np.pad(toy_labels(), 25)
    paths = {
        "spect": write(tmp_path / "s.nii", np.abs(np.pad(toy_image(toy_labels()), 25))),
        "labels": write(tmp_path / "l.nii", labels),
        "activity": write(tmp_path / "a.nii", LEVELS[labels]),
    }
    config = replace(QUICK, randomise=1.0, spect=how)
    case = load_case(Source("a", **paths), config)
    assert case.image[0].size < labels.size / 2
    found = randomised(case, config, rng())
    np.testing.assert_allclose(found.image, case.image, atol=2e-4)
    np.testing.assert_allclose(found.raw["spect"], case.raw["spect"], rtol=1e-4, atol=1e-4)


def test_the_image_is_reweighted_by_the_blurred_activities(only):
    only(soft=(1.5, 1.5), bone=(2.0, 2.0), lesion=(0.5, 0.5))
    found = randomised(CASE, QUICK, rng()).raw["spect"]
    sigma = 10.0 / np.sqrt(8 * np.log(2)) / WIDTH_MM
    factor = np.array([1.5, 2.0, 0.5])[CASE.labels]
    before = CASE.activity.astype(float)
    after, blurred = (
        ndimage.gaussian_filter(a, sigma, truncate=3.0) for a in (before * factor, before)
    )
    floor = 1e-3 * before.mean()
    expected = CASE.raw["spect"] * (after + floor) / (blurred + floor)
    np.testing.assert_allclose(found, np.maximum(expected, 0), rtol=1e-3, atol=1e-3)


def test_lesions_are_painted_in_bone_alone_and_labelled(only):
    only(new_lesions=(6, 6))
    found = randomised(CASE, QUICK, rng(3))
    new = (found.labels == 2) & (CASE.labels != 2)
    assert new.sum() > 20
    assert (CASE.labels[new] == 1).all()
    np.testing.assert_array_equal(found.labels[~new], CASE.labels[~new])
    ratio = found.raw["spect"] / CASE.raw["spect"]
    assert np.median(ratio[new]) > 1.5
    far = ndimage.distance_transform_edt(~new) * WIDTH_MM > 25
    np.testing.assert_allclose(ratio[far & (CASE.labels == 1)], 1, rtol=0.01)


def test_a_painted_lesion_is_hotter_than_bone_by_what_was_drawn(only):
    only(new_lesions=(1, 1), to_bone=(5.0, 5.0), diameter_mm=(40.0, 40.0))
    case = toy_case(labels=np.minimum(toy_labels(shape=(40, 40, 40)), 1), noise=0.0)
    found = randomised(case, QUICK, rng(1))
    middle = ndimage.distance_transform_edt(found.labels == 2)
    assert found.raw["spect"].ravel()[middle.argmax()] == pytest.approx(50, rel=0.15)


def test_with_two_classes_a_lesion_is_bone(only):
    only(new_lesions=(6, 6))
    config = replace(QUICK, classes=2)
    case = toy_case(config)
    found = randomised(case, config, rng(3))
    np.testing.assert_array_equal(found.labels, case.labels)
    assert found.raw["spect"].max() > 1.2 * case.raw["spect"].max()


def test_blur_sharpening_and_noise(only):
    only(blur_mm=(12.0, 12.0))
    edges = np.abs(np.gradient(CASE.raw["spect"], axis=0)).max()
    blurred = randomised(CASE, QUICK, rng()).raw["spect"]
    assert np.abs(np.gradient(blurred, axis=0)).max() < 0.6 * edges
    only(sharpen=1.0)
    assert np.abs(np.gradient(randomised(CASE, QUICK, rng()).raw["spect"], axis=0)).max() > edges
    only(noise=(0.2, 0.2))
    noisy = randomised(CASE, QUICK, rng()).raw["spect"] - CASE.raw["spect"]
    bone = CASE.raw["spect"][CASE.labels > 0].mean()
    for label, level in enumerate(LEVELS):  # variance in proportion to the image
        expected = 0.2 * np.sqrt(bone * level)
        assert noisy[CASE.labels == label].std() == pytest.approx(expected, rel=0.4)


def test_the_same_draw_gives_the_same_volume_and_another_differs():
    first, again, other = (randomised(CASE, QUICK, rng(seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert not np.allclose(first.image, other.image)


def test_the_case_itself_stays_and_the_variant_knows_its_own_voxels(only):
    only(new_lesions=(6, 6))
    before = CASE.image.copy(), CASE.raw["spect"].copy(), CASE.labels.copy()
    found = randomised(CASE, QUICK, rng(3))
    for a, b in zip(before, (CASE.image, CASE.raw["spect"], CASE.labels), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(found.lesions, np.flatnonzero(found.labels == 2))
    assert found.high == (found.image.max(),)


def test_a_case_without_labels_or_activity_comes_back_as_it_is():
    without = replace(CASE, activity=None)
    assert randomised(without, QUICK, rng()) is without
    unknown = toy_case(labels=np.full_like(CASE.labels, -1))
    assert randomised(unknown, QUICK, rng()) is unknown


def test_unknown_voxels_stay_unknown(only):
    only(new_lesions=(8, 8))
    labels = toy_labels()
    labels[:, :, :6] = -1
    found = randomised(toy_case(labels=labels), QUICK, rng(2))
    np.testing.assert_array_equal(found.labels == -1, labels == -1)


CT_NOTHING = {
    "most_organs": 0,
    "marrow": (1.0, 1.0),
    "solid": (1.0, 1.0),
    "blurred_ct": 0.0,
    "ct_noise_hu": 0.0,
}


@pytest.fixture
def ct(monkeypatch):
    """A CT whose first slices are air, and what is made of it with all else switched off."""
    case = toy_case(CT, labels=toy_labels(shape=(40, 40, 40)), noise=0.0)
    case.raw["ct"][:5] = -900

    def draw(seed=0, **on):
        how = Randomisation(**(CT_NOTHING | on))
        return randomised(case, CT, rng(seed), how).raw["ct"]

    return case, draw


def test_a_ct_stays_as_it_was_if_nothing_is_drawn(ct):
    case, draw = ct
    np.testing.assert_array_equal(draw(), case.raw["ct"])


def test_contrast_agent_goes_into_part_of_the_soft_tissue_alone(ct):
    case, draw = ct
    soft = (case.labels == 0) & (case.raw["ct"] > -200)
    shares = []
    for seed in range(12):
        more = draw(seed, most_organs=3, agent_hu=(100.0, 100.0)) - case.raw["ct"]
        assert (more[~soft] == 0).all()
        assert set(np.unique(more[soft])) <= {0, 100, 200, 300}
        shares.append((more[soft] > 0).mean())
    assert min(shares) == 0  # no agent is one of the draws
    assert 0.02 < max(shares) < 1


@pytest.mark.parametrize("apart_mm", [None, 0.0, 10.0])
def test_contrast_agent_keeps_away_from_bone(ct, apart_mm):
    case, draw = ct
    away = ndimage.distance_transform_edt(case.labels <= 0) * WIDTH_MM
    on = {} if apart_mm is None else {"apart_mm": apart_mm}
    limit_mm = 5.0 if apart_mm is None else apart_mm
    found = [draw(seed, most_organs=3, **on) != case.raw["ct"] for seed in range(30)]
    nearest = away[np.any(found, axis=0)].min()
    assert limit_mm < nearest <= limit_mm + WIDTH_MM


def test_contrast_agent_keeps_away_from_bone_as_far_along_every_axis(monkeypatch):
    """By the distance in mm along each axis, of voxels whose widths divide 5 mm."""
    monkeypatch.setattr(randomise, "DEFAULT", Randomisation(**(CT_NOTHING | {"most_organs": 3})))
    monkeypatch.setattr(randomise, "zoomed", lambda _, shape: np.full(shape, 9, np.float32))
    widths = np.array([1.25, 2.5, 5.0])
    labels = np.zeros((21, 15, 9), np.int8)
    labels[10:12, 7, 4], labels[13, 9, 5] = 1, 2
    case = replace(toy_case(CT, labels=labels, noise=0.0), spacing_mm=tuple(widths))
    case.raw["ct"][3, 3] = -900
    voxels, bone = np.argwhere(np.ones_like(labels)), np.argwhere(labels > 0)
    along = np.abs(voxels[:, None] - bone) * widths
    near = (along <= 5).all(2).any(1).reshape(labels.shape)
    draws = [randomised(case, CT, rng(seed)).raw["ct"] > case.raw["ct"] for seed in range(8)]
    with_agent = [draw for draw in draws if draw.any()]
    assert with_agent
    for found in with_agent:
        np.testing.assert_array_equal(found, ~near & (case.raw["ct"] > -200))


def test_bone_is_scaled_marrow_by_itself(ct):
    case, draw = ct
    marrow = case.labels == 1
    case.raw["ct"][marrow] = 90
    case.raw["ct"][case.labels == 2] = 1800
    found = draw(marrow=(0.5, 0.5), solid=(1.2, 1.2))
    np.testing.assert_allclose(found[marrow], 90 * (0.9 * 0.5 + 0.1 * 1.2), rtol=1e-5)
    np.testing.assert_allclose(found[case.labels == 2], 1800 * 1.2, rtol=1e-5)
    np.testing.assert_array_equal(found[case.labels == 0], case.raw["ct"][case.labels == 0])


def test_blur_and_noise_of_a_ct(ct):
    case, draw = ct
    levels = [(draw(seed, ct_noise_hu=50.0) - case.raw["ct"]).std() for seed in range(20)]
    assert min(levels) < 10
    assert 40 < max(levels) < 51
    edges = [
        np.abs(np.diff(draw(seed, blurred_ct=1.0, ct_blur_mm=20.0), axis=0)).max()
        for seed in range(8)
    ]
    assert min(edges) < 0.7 * np.abs(np.diff(case.raw["ct"], axis=0)).max()
    assert max(edges) > 1.2 * min(edges)


def test_a_ct_beside_a_spect_stays():
    config = replace(QUICK, channels=("spect", "ct"))
    case = toy_case(config)
    found = randomised(case, config, rng())
    np.testing.assert_array_equal(found.image[1], case.image[1])
    assert not np.allclose(found.image[0], case.image[0])


def test_painted_lesions_look_as_a_scanner_of_some_resolution_shows_them():
    """Where a scan is G a, the painted one is G a' for the same G: within the block's middle."""
    rng = np.random.default_rng(5)
    labels = np.zeros((40, 40, 40), np.int8)
    labels[8:32, 8:32, 8:32] = 1
    activity = np.where(labels == 1, 8, 1).astype(np.float32)
    fwhm = 12.0
    scan = ndimage.gaussian_filter(activity, fwhm / 2.355 / 4)
    with_it, painted_labels = painted(scan, labels, activity, (4.0, 4.0, 4.0), rng)
    new = (painted_labels == 2) & (labels == 1)
    assert new.any()
    assert np.array_equal(painted_labels[~new], labels[~new])
    assert np.array_equal(labels, np.minimum(painted_labels, 1))
    assert (with_it >= scan * (1 - 1e-5)).all()
    ratio = with_it / scan
    assert ratio[new].mean() > 1.3
    far = ndimage.distance_transform_edt(~new, 4.0) > 40
    np.testing.assert_allclose(ratio[far], 1, atol=2e-3)


def test_nothing_is_painted_where_there_is_no_bone():
    nothing = np.zeros((12, 12, 12), np.int8)
    image = np.ones(nothing.shape, np.float32)
    same, labels = painted(image, nothing, image, (4.0, 4.0, 4.0), np.random.default_rng(0))
    np.testing.assert_allclose(same, image)
    assert not labels.any()
