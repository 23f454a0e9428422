from dataclasses import replace

import numpy as np
import pytest
from toy_training import QUICK, toy_case, toy_labels

from fuzzyseg.inference.slices import AXES, slices
from fuzzyseg.training import patches
from fuzzyseg.training.patches import draw_patch

CASE = toy_case()
SHAPE = CASE.labels.shape
PLANES = tuple(AXES)


def numbered(case=CASE, channels=1):
    """The case with an image that numbers its voxels, and labels that follow from the image."""
    image = np.arange(channels * case.labels.size, dtype=np.float32).reshape(channels, *SHAPE)
    return replace(case, image=image, labels=(image[0] % 3).astype(np.int8))


def place(patch):
    """Index of a numbered patch's first voxel inside the volume."""
    inside = np.argwhere(patch > 0)[0]
    return inside, np.array(np.unravel_index(int(patch[tuple(inside)]), SHAPE))


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("width", [8, 12, 40])
def test_a_slice_is_cut_out_of_the_padded_volume(plane, width):
    case = numbered()
    config = replace(QUICK, patch=width, planes=(plane,), bright=0.0)
    padded = np.pad(case.image[0], 60, constant_values=case.image.min())
    padded_labels = np.pad(case.labels, 60)
    reached_over = 0
    for seed in range(30):
        patch = draw_patch(case, config, np.random.default_rng(seed))
        assert patch.seen.shape == patch.image.shape == (1, width, width)
        assert patch.target.dtype == np.int64
        inside, voxel = place(patch.image[0])
        corner = voxel + 60 - np.insert(inside, AXES[plane], 0)
        box = [slice(c, c + width) for c in corner]
        box[AXES[plane]] = int(corner[AXES[plane]])
        np.testing.assert_array_equal(patch.image[0], padded[tuple(box)])
        np.testing.assert_array_equal(patch.target, padded_labels[tuple(box)])
        np.testing.assert_array_equal(patch.seen, patch.image)
        reached_over += bool((patch.image == 0).any())
    assert reached_over


def test_a_block_is_cut_out_of_the_padded_volume():
    case = numbered()
    config = replace(QUICK, dims=3, patch=10)
    padded = np.pad(case.image[0], 40)
    for seed in range(10):
        patch = draw_patch(case, config, np.random.default_rng(seed))
        assert patch.seen.shape == (1, 10, 10, 10)
        inside, voxel = place(patch.image[0])
        x, y, z = voxel + 40 - inside
        np.testing.assert_array_equal(patch.image[0], padded[x : x + 10, y : y + 10, z : z + 10])


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("context", [1, 2])
def test_neighbouring_slices_come_as_in_inference(plane, context, monkeypatch):
    monkeypatch.setattr(patches, "_JITTER", 0)  # so that patches hold whole slices
    case = numbered(channels=2)
    config = replace(
        QUICK, channels=("spect", "ct"), context=context, patch=60, planes=(plane,), bright=0.0
    )
    normal = AXES[plane]
    every = slices(case.image, plane, 0, SHAPE[normal], context)
    at_the_end = 0
    for seed in range(40):
        patch = draw_patch(case, config, np.random.default_rng(seed))
        inside, voxel = place(patch.image[0])
        number = voxel[normal]
        a, b = inside - np.delete(voxel, normal)
        rest = [n for i, n in enumerate(SHAPE) if i != normal]
        cut = patch.seen[:, a : a + rest[0], b : b + rest[1]]
        np.testing.assert_array_equal(cut, every[number])
        expected = np.take(case.labels, number, normal)
        target = patch.target[a : a + rest[0], b : b + rest[1]]
        np.testing.assert_array_equal(target, expected)
        np.testing.assert_array_equal(patch.image, patch.seen[[context, 2 * context + 1 + context]])
        at_the_end += number in {0, SHAPE[normal] - 1}
    assert at_the_end  # where a neighbour is missing


@pytest.mark.parametrize("dims", [2, 3])
def test_labels_stay_with_their_voxels_however_a_patch_is_turned(dims):
    case = numbered()
    config = replace(QUICK, augment=True, dims=dims, planes=PLANES, noise=0.0)
    # The gammas 1 leave the numbers readable.
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("fuzzyseg.training.augment._GAMMA_SPECT", (1.0, 1.0))
        for seed in range(40):
            patch = draw_patch(case, config, np.random.default_rng(seed))
            number = np.rint(patch.image[0])
            expected = np.where(number > 0, number % 3, 0)
            np.testing.assert_array_equal(patch.target, expected)
            np.testing.assert_array_equal(patch.seen, patch.image)


def test_all_views_are_drawn():
    case = numbered()
    config = replace(QUICK, planes=PLANES)
    steps = set()
    for seed in range(60):
        image = draw_patch(case, config, np.random.default_rng(seed)).image[0]
        steps.add((np.median(np.diff(image, axis=0)), np.median(np.diff(image, axis=1))))
    strides = (SHAPE[1] * SHAPE[2], SHAPE[2], 1)
    assert steps >= {(strides[0], strides[1]), (strides[0], strides[2]), (strides[1], strides[2])}


@pytest.mark.parametrize(("bright", "lesions"), [(1, 0), (0, 1), (0.25, 0.5), (0, 0)])
def test_shares_of_patches_around_bright_voxels_and_lesions(bright, lesions, monkeypatch):
    monkeypatch.setattr(patches, "_JITTER", 0)
    case = toy_case()
    # Three places that do not overlap, so that the middle of a patch tells why it was drawn.
    object.__setattr__(case, "bright", np.array([0]))
    object.__setattr__(case, "lesions", np.array([1]))
    object.__setattr__(case, "body", np.array([2]))
    case.image.ravel()[:3] = 1000, 1001, 1002
    config = replace(QUICK, bright=bright, lesions=lesions)
    drawn = [draw_patch(case, config, np.random.default_rng(i)).image[0, 6, 6] for i in range(400)]
    shares = [np.mean(np.array(drawn) == 1000 + i) for i in range(3)]
    np.testing.assert_allclose(shares, [bright, lesions, 1 - bright - lesions], atol=0.07)


def test_a_case_without_lesions_gives_patches_of_what_looks_like_them(monkeypatch):
    monkeypatch.setattr(patches, "_JITTER", 0.0)
    labels = np.minimum(CASE.labels, np.int8(1))
    image = np.where(labels == 1, 0.5, 1.0)[None]  # a bladder is brighter
    worn = np.unravel_index(np.flatnonzero(labels == 1)[::25], labels.shape)  # 4%
    image[0][worn] = 0.9
    case = replace(CASE, labels=labels, image=image.astype(np.float32))
    config = replace(QUICK, bright=0.0, lesions=1.0)
    for seed in range(20):
        patch = draw_patch(case, config, np.random.default_rng(seed))
        assert patch.image[0, 6, 6] == np.float32(0.9)
        assert patch.target[6, 6] == 1


@pytest.mark.parametrize("label", [0, -1])
def test_a_case_without_bone_gives_patches_of_its_body(label):
    case = replace(CASE, labels=np.full_like(CASE.labels, label))
    config = replace(QUICK, bright=0.0, lesions=1.0)
    assert case.mimics.size == case.lesions.size == 0
    assert draw_patch(case, config, np.random.default_rng(0)).image.shape == (1, 12, 12)


def test_outside_the_volume_is_background_if_the_case_has_labels_and_unknown_if_not():
    config = replace(QUICK, patch=60)
    assert draw_patch(CASE, config, np.random.default_rng(0)).target[0, 0] == 0
    without = toy_case(labels=np.full_like(toy_labels(), -1))
    assert (draw_patch(without, config, np.random.default_rng(0)).target == -1).all()


def test_partial_labels_come_as_they_are():
    labels = toy_labels()
    labels[::2] = -1
    patch = draw_patch(toy_case(labels=labels), QUICK, np.random.default_rng(0))
    assert set(np.unique(patch.target)) >= {-1, 1}


def test_a_constant_image_gives_patches_of_anywhere():
    case = replace(CASE, image=np.zeros_like(CASE.image))
    assert (draw_patch(case, QUICK, np.random.default_rng(0)).image == 0).all()


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("dims", [2, 3])
def test_left_and_right_alone_are_exchanged(plane, dims, monkeypatch):
    monkeypatch.setattr("fuzzyseg.training.augment._GAMMA_SPECT", (1.0, 1.0))
    config = replace(
        QUICK, augment=True, dims=dims, planes=(plane,), mirror="left-right", bright=0.0
    )
    strides = [SHAPE[1] * SHAPE[2], SHAPE[2], 1]
    axes = [a for a in range(3) if dims == 3 or a != AXES[plane]]
    seen = set()
    for seed in range(40):
        image = draw_patch(numbered(), config, np.random.default_rng(seed)).image[0]
        steps = [
            np.median(np.diff(image, axis=i)[np.diff(image, axis=i) != 0]) for i in range(dims)
        ]
        seen.add(tuple(np.rint(s / strides[a]) for s, a in zip(steps, axes, strict=True)))
    sides = {tuple(-1.0 if a == 0 else 1.0 for a in axes), (1.0,) * len(axes)}
    assert seen == sides


@pytest.mark.parametrize("rotate", [0.0, 5.0])
def test_lesions_are_painted_into_blocks(rotate):
    config = replace(QUICK, dims=3, spect="body", patch=16, paint=1.0, rotate=rotate)
    case = toy_case(config)
    plain = replace(config, paint=0.0)
    more = 0
    for seed in range(8):
        before = draw_patch(case, plain, np.random.default_rng(seed))
        after = draw_patch(case, config, np.random.default_rng(seed))
        new = (after.target == 2) & (before.target != 2)
        assert (before.target[new] == 1).all()
        more += int(new.sum())
    assert more > 20
    without = replace(case, activity=None)
    np.testing.assert_array_equal(
        draw_patch(without, config, np.random.default_rng(0)).target,
        draw_patch(without, plain, np.random.default_rng(0)).target,
    )


def test_a_ct_may_end_within_a_block_and_nothing_else_does():
    config = replace(QUICK, dims=3, patch=10, channels=("spect", "ct"), ct_window_hu=(-1000, 1200))
    case = toy_case(config)
    ends = set()
    for seed in range(40):
        whole = draw_patch(case, config, np.random.default_rng(seed))
        cut = draw_patch(case, replace(config, ct_ends=1.0), np.random.default_rng(seed))
        np.testing.assert_array_equal(cut.image[0], whole.image[0])
        np.testing.assert_array_equal(cut.target, whole.target)
        blank = cut.image[1] == 0
        np.testing.assert_array_equal(cut.image[1][~blank], whole.image[1][~blank])
        (axis,) = (a for a in range(3) if np.diff(blank, axis=a).any())  # one plane
        along = np.moveaxis(blank, axis, 0)[:, 0, 0]
        assert np.count_nonzero(np.diff(along.astype(int))) == 1
        ends.add((axis, bool(along[0])))
    assert len(ends) == 6
    never = draw_patch(case, replace(config, ct_ends=1e-9), np.random.default_rng(0))
    np.testing.assert_array_equal(
        never.image, draw_patch(case, config, np.random.default_rng(0)).image
    )
