import numpy as np
import pytest
from scipy import ndimage

from fuzzyseg.segmentation.cortex import without_cortex

SPACING = (1.5, 1.5, 2.0)
SHAPE = (120, 80, 60)
AT = np.stack(
    np.meshgrid(*[s * np.arange(n) for n, s in zip(SHAPE, SPACING, strict=True)], indexing="ij")
)


def ball(centre_mm, radius_mm):
    return np.sqrt(sum((a - c) ** 2 for a, c in zip(AT, centre_mm, strict=True))) - radius_mm


def image(*extra, skeleton=(700.0, 120.0)):
    """A spine of cortex and marrow, balls of (centre, radius, rim, middle), and all as bone."""
    hu, bone = np.full(SHAPE, 30.0, np.float32), np.zeros(SHAPE, bool)
    spine = np.hypot(AT[0] - 30, AT[1] - 40) - 22
    shapes = [(spine, *skeleton), *((ball(at, r), rim, middle) for at, r, rim, middle in extra)]
    for outside, rim, middle in shapes:
        hu[outside <= 0] = rim
        hu[outside <= -4] = middle
        bone |= outside <= 0
    hu += np.random.default_rng(0).normal(0, 15, SHAPE).astype(np.float32)
    return bone, hu


FAR = (120, 60, 60)


@pytest.mark.parametrize(
    ("rim", "middle", "lacks"),
    [
        (280, 130, True),  # a kidney in the first minute
        (170, 160, True),  # and later
        (420, 450, True),  # a heart
        (650, 120, False),  # the head of a humerus
        (290, 60, True),  # faint beside this skeleton
        (340, 60, False),
        (300, 110, True),
        (700, 690, False),  # sclerosis throughout
        (450, 380, False),
    ],
)
def test_what_has_cortex(rim, middle, lacks):
    bone, hu = image((FAR, 20, rim, middle))
    found = without_cortex(bone, hu, SPACING)
    assert len(found) == lacks
    for piece in found:
        inside = np.zeros(SHAPE, bool)
        inside[piece.box] = piece.inside
        np.testing.assert_array_equal(inside, ball(FAR, 20) <= 0)
        assert piece.ml == pytest.approx(4 / 3 * np.pi * 2**3, rel=0.02)
        assert piece.hu == pytest.approx(np.median(hu[inside]))


def test_dense_marrow_in_a_thin_cortex_stays_though_it_is_called_bone_too_widely():
    bone, hu = image()
    outside = ball(FAR, 23)
    hu[outside <= 0], hu[outside <= -1.5] = 900, 380  # the head of a femur
    bone |= ndimage.binary_dilation(outside <= 0)
    assert without_cortex(bone, ndimage.gaussian_filter(hu, 0.5), SPACING) == []


def test_voxels_too_wide_for_a_cortex_tell_nothing():
    bone, hu = image((FAR, 20, 280, 130))
    assert without_cortex(bone, hu, (1.5, 1.5, 4.0)) == []


def test_fine_voxels_tell_the_same():
    bone, hu = image((FAR, 20, 280, 130))
    (coarse,) = without_cortex(bone, hu, SPACING)
    fine = [np.repeat(np.repeat(a, 2, 0), 2, 1) for a in (bone, hu)]
    (same,) = without_cortex(*fine, (0.75, 0.75, 2.0))
    assert (same.ml, same.hu) == pytest.approx((coarse.ml, coarse.hu))


def test_bones_as_faint_as_the_skeleton_stay():
    bone, hu = image((FAR, 20, 300, 120), skeleton=(320.0, 90.0))
    assert without_cortex(bone, hu, SPACING) == []


def test_the_largest_piece_stays_whatever_it_is():
    bone, hu = image(skeleton=(200.0, 220.0))
    assert without_cortex(bone, hu, SPACING) == []


def test_thin_and_small_pieces_stay():
    bone, hu = image((FAR, 13, 200, 150))  # a middle of 1.4 mL
    assert without_cortex(bone, hu, SPACING) == []


def test_what_touches_the_skeleton_stays():
    bone, hu = image((FAR, 20, 280, 130))
    bone[20:80, 38:40, 28:31] = True
    assert without_cortex(bone, hu, SPACING) == []


def test_larger_ones_come_first():
    bone, hu = image((FAR, 16, 280, 130), ((150, 25, 25), 20, 420, 450))
    assert [round(p.ml) for p in without_cortex(bone, hu, SPACING)] == [34, 17]


def test_nothing_is_left_out_of_nothing():
    assert without_cortex(np.zeros(SHAPE, bool), np.zeros(SHAPE, np.float32), SPACING) == []
