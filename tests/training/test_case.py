from dataclasses import replace

import numpy as np
import pytest
from toy_training import HU, QUICK, toy_case, toy_image, toy_labels, write

from fuzzyseg.errors import InputError
from fuzzyseg.io import read_nifti
from fuzzyseg.models.card import Card
from fuzzyseg.networks.architecture import Architecture
from fuzzyseg.registration import register
from fuzzyseg.resample import resample
from fuzzyseg.segmentation.model_input import seen_by
from fuzzyseg.training.case import load_case, load_cases, preprocessing, unlabelled_case
from fuzzyseg.training.sources import Source, find_sources
from fuzzyseg.volume import Study

LABELS = toy_labels()


@pytest.fixture
def files(tmp_path):
    """Source of a case in the given channels, with labels and other files on demand."""

    def make(labels=LABELS, image=None, **others):
        image = toy_image(LABELS) if image is None else image
        paths = {"spect": write(tmp_path / "spect.nii.gz", image)}
        if labels is not None:
            paths["labels"] = write(tmp_path / "labels.nii.gz", labels)
        for name, array in others.items():
            paths[name] = write(tmp_path / f"{name}.nii.gz", array)
        return Source("patient", **paths)

    return make


def test_spect_is_z_scored_over_the_whole_volume_and_cut_to_the_body(files):
    image = np.pad(toy_image(LABELS), 30)
    case = load_case(files(np.pad(LABELS, 30), image), QUICK)
    expected = (image - image.mean(dtype=float)) / image.std(dtype=float)
    bone = np.argwhere(image > image.mean(dtype=float))
    first, last = bone.min(0) - 8, bone.max(0) + 9  # a margin of 8 voxels
    box = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
    np.testing.assert_allclose(case.image, expected[None][:, *box], atol=1e-5)
    np.testing.assert_array_equal(case.raw["spect"], image[box])
    np.testing.assert_array_equal(case.labels, np.pad(LABELS, 30)[box])


def test_bone_that_takes_up_nothing_is_not_cut_off(files):
    labels = np.pad(LABELS, 30)
    image = np.pad(toy_image(LABELS), 30)
    labels[5, 5, 5] = 1
    case = load_case(files(labels, image), QUICK)
    assert (case.labels == 1).sum() == (labels == 1).sum()


def test_ct_of_each_slice_from_0_to_1(files):
    hu = toy_image(LABELS, levels=HU)
    case = load_case(files(ct=hu), replace(QUICK, channels=("ct",), ct="slice"))
    low, high = hu.min((0, 1)), hu.max((0, 1))
    np.testing.assert_allclose(case.image[0], (hu - low) / (high - low), atol=1e-6)


def test_a_ct_beside_the_spect_comes_onto_its_grid(tmp_path):
    spect, ct = toy_image(LABELS), np.repeat(toy_image(LABELS, levels=HU), 2, 0)
    affine = np.diag([2.0, 4, 4, 1])
    affine[0, 3] = -1  # the first two voxels lie in the first of the SPECT
    paths = {
        "spect": write(tmp_path / "s.nii.gz", spect),
        "ct": write(tmp_path / "c.nii.gz", ct, affine),
    }
    case = load_case(Source("a", **paths), replace(QUICK, channels=("spect", "ct")))
    beside = resample(read_nifti(paths["ct"], "CT"), read_nifti(paths["spect"], "NM"))
    np.testing.assert_allclose(case.image[1], (beside.array / 1000).clip(0, 1), atol=1e-6)
    assert case.raw["ct"].shape == spect.shape


def test_axes_are_brought_to_the_patients(tmp_path):
    image, labels = toy_image(LABELS), LABELS
    straight = {
        "spect": write(tmp_path / "a.nii", image),
        "labels": write(tmp_path / "b.nii", labels),
    }
    # Its axes run from front to back, upwards, and from right to left.
    affine = np.array([[0, 0, -4, 84], [-4, 0, 0, 76], [0, 4, 0, 0], [0, 0, 0, 1]], float)
    other = {
        name: write(
            tmp_path / f"turned-{path.name}",
            np.moveaxis(array, (0, 1, 2), (2, 0, 1))[::-1, :, ::-1],
            affine,
        )
        for (name, path), array in zip(straight.items(), (image, labels), strict=True)
    }
    expected, found = (load_case(Source("a", **p), QUICK) for p in (straight, other))
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_allclose(found.image, expected.image, atol=1e-5)


def test_another_voxel_width(files):
    case = load_case(files(), replace(QUICK, spacing_mm=8.0))
    assert case.spacing_mm == pytest.approx((8, 8, 8))
    assert case.labels.shape == case.image.shape[1:] == (11, 10, 9)
    assert set(np.unique(case.labels)) == {0, 1, 2}
    means = [case.raw["spect"][case.labels == k].mean() for k in range(3)]
    assert means[0] < 5 < means[1] < 15 < means[2]


@pytest.mark.parametrize("spacing_mm", [None, 6.0])
def test_a_case_is_what_the_model_will_see(spacing_mm, tmp_path):
    config = replace(QUICK, channels=("spect", "ct"), spacing_mm=spacing_mm, spect="body")
    affine = np.diag([-4.0, 4, -4, 1])  # axes from right to left and downwards
    paths = {
        "spect": write(tmp_path / "s.nii", toy_image(LABELS), affine),
        "ct": write(tmp_path / "c.nii", np.repeat(toy_image(LABELS, levels=HU), 2, 1), affine),
    }
    volume, ct = (read_nifti(p, m) for p, m in zip(paths.values(), ("NM", "CT"), strict=True))
    card = Card("a", Architecture(channels=config.channels), preprocessing(config))
    for registers in (True, False):
        study = Study(spect=volume, ct=ct)
        beside = (register(study) if registers else study).ct
        seen = seen_by(card, Study(spect=volume, ct=resample(beside, volume))).image
        case = load_case(Source("a", **paths), replace(config, register=registers))
        np.testing.assert_allclose(case.image, seen, atol=1e-4)


def test_a_scan_without_labels_is_cut_to_its_body_like_a_case_from_files(files):
    spect, hu = (np.pad(toy_image(LABELS, levels=v), 30) for v in (np.float32([1, 10, 40]), HU))
    hu[2, 3, 4] = 3000  # a needle far off the body, which the first channel alone decides on
    config = replace(QUICK, channels=("spect", "ct"))
    expected = load_case(files(None, spect, ct=hu), config)
    whole = np.stack([(spect - spect.mean(dtype=float)) / spect.std(dtype=float), hu / 1000])
    whole = whole.clip([[[[-np.inf]]], [[[0]]]], [[[[np.inf]]], [[[1]]]]).astype(np.float32)
    case = unlabelled_case(whole)
    body = np.argwhere(whole[0] > whole[0].mean(dtype=float))
    first, last = body.min(0) - 8, body.max(0) + 9  # a margin of 8 voxels
    box = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
    assert case.image[0].size < spect.size / 8
    np.testing.assert_array_equal(case.image, whole[:, *box])
    np.testing.assert_allclose(case.image, expected.image, atol=1e-5)
    assert case.labels.shape == case.image.shape[1:]
    assert case.labels.dtype == np.int8
    assert (case.labels == -1).all()
    assert not case.labelled
    assert case.lesions.size == 0
    for name in ("bright", "body"):
        np.testing.assert_array_equal(getattr(case, name), getattr(expected, name))
        assert getattr(case, name).size
    np.testing.assert_allclose((case.low, case.high), (expected.low, expected.high), atol=1e-5)


def test_a_constant_scan_without_labels_stays_whole():
    case = unlabelled_case(np.zeros((2, 7, 6, 5), np.float32))
    assert case.image.shape == (2, 7, 6, 5)
    assert case.bright.size == case.body.size == 0


def test_labels_may_be_absent_or_partial(files):
    without = load_case(files(None), QUICK)
    assert not without.labelled
    assert (without.labels == -1).all()
    partial = LABELS.astype(np.int16)
    partial[:, :, 4:] = -1
    case = load_case(files(partial), QUICK)
    assert case.labelled
    np.testing.assert_array_equal(case.labels, partial)


def test_what_the_labels_do_not_cover_is_unknown(tmp_path):
    paths = {
        "spect": write(tmp_path / "a.nii", toy_image(LABELS)),
        "labels": write(tmp_path / "b.nii", LABELS[:, :, :10]),
    }
    case = load_case(Source("a", **paths), QUICK)
    assert (case.labels[:, :, 10:] == -1).all()
    np.testing.assert_array_equal(case.labels[:, :, :10], LABELS[:, :, :10])


def test_with_two_classes_lesions_are_bone_and_the_voxels_that_are_drawn_more_often(files):
    case = load_case(files(), replace(QUICK, classes=2))
    np.testing.assert_array_equal(case.labels, LABELS > 0)
    np.testing.assert_array_equal(case.lesions, np.flatnonzero(LABELS > 0))
    np.testing.assert_array_equal(load_case(files(), QUICK).lesions, np.flatnonzero(LABELS == 2))


@pytest.mark.parametrize("wrong", [3, -2, 258, 300, 0.5])
def test_labels_out_of_range_are_refused(files, wrong):
    labels = LABELS.astype(np.float32)
    labels[1, 2, 3] = wrong
    with pytest.raises(InputError, match=f"labels of -1, 0, 1 and 2 in .*, found {wrong:g};"):
        load_case(files(labels), QUICK)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_images_that_are_not_finite_are_refused(files, bad):
    image = toy_image(LABELS)
    image[1, 2, 3] = bad
    with pytest.raises(InputError, match=r"spect\.nii\.gz"):
        load_case(files(image=image), QUICK)


def test_images_of_different_places_are_refused(tmp_path):
    away = np.diag([4.0, 4, 4, 1])
    away[:3, 3] = 500
    spect = write(tmp_path / "a.nii", toy_image(LABELS))
    labels = write(tmp_path / "b.nii", LABELS, away)
    with pytest.raises(InputError, match="same part"):
        load_case(Source("a", spect=spect, labels=labels), QUICK)


def test_a_missing_image_is_refused(files):
    with pytest.raises(InputError, match="an image ct of patient"):
        load_case(files(), replace(QUICK, channels=("spect", "ct")))


def test_a_loss_of_labels_wants_them_of_every_case(files):
    without = files(None)
    with pytest.raises(InputError, match="expected labels of every case for --loss ce"):
        load_cases([without], QUICK)
    assert not load_cases([without], replace(QUICK, loss="semi-rfcm"))[0].labelled


def test_activity_is_read_only_for_randomisation(manifest):
    source = find_sources([manifest], ["spect"])[0]
    assert load_case(source, QUICK).activity is None
    case = load_case(source, replace(QUICK, randomise=0.5))
    assert case.activity.shape == case.labels.shape
    assert case.activity[case.labels == 2] == pytest.approx(40)


def test_a_constant_image_has_no_voxels_of_interest(files):
    case = load_case(files(image=np.full(LABELS.shape, 3, np.float32)), QUICK)
    assert case.image.shape[1:] == LABELS.shape
    assert (case.image == 0).all()
    assert case.bright.size == case.body.size == 0


def test_bright_voxels_are_about_the_brightest_hundredth():
    case = toy_case()
    rest = np.setdiff1d(np.arange(case.labels.size), case.bright)
    values = case.image[0].ravel()
    assert values[case.bright].min() > values[rest].max()
    assert 0.002 < case.bright.size / case.labels.size < 0.02
    assert (case.low, case.high) == ((values.min(),), (values.max(),))


def test_progress_is_told(manifest):
    seen = []
    load_cases(find_sources([manifest], ["spect"]), QUICK, lambda *c: seen.append(c))
    assert seen == [(1, 2), (2, 2)]
