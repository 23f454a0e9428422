import numpy as np
import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.resample import overlap_fraction, resample
from fuzzyseg.volume import Volume

SLOPES = np.array([0.5, -1.25, 2.0])


def grid(shape, spacing, origin=(0, 0, 0), rotation=None):
    """Affine of a grid; `rotation` in degrees about z, then about x."""
    affine = np.eye(4)
    if rotation is not None:
        (cz, sz), (cx, sx) = [
            (np.cos(a), np.sin(a)) for a in np.radians(np.array(rotation, dtype=float))
        ]
        about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
        about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
        affine[:3, :3] = about_x @ about_z
    affine[:3, :3] *= spacing
    affine[:3, 3] = origin
    return affine


def ramp(shape, affine, **kwargs):
    """Volume whose value is a linear function of the place in mm."""
    index = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1)
    place = index @ affine[:3, :3].T + affine[:3, 3]
    return Volume(place @ SLOPES + 7.0, affine, **kwargs)


def test_own_grid_changes_nothing():
    rng = np.random.default_rng(0)
    affine = grid((9, 8, 7), (1.03, 1.03, 3), (-276.3671, -263.6718, 1055), rotation=(3, 10))
    volume = Volume(rng.normal(size=(9, 8, 7)), affine)
    np.testing.assert_allclose(resample(volume, volume).array, volume.array, atol=1e-5)


@pytest.mark.parametrize("rotation", [None, (20, -35)], ids=["aligned", "oblique"])
@pytest.mark.parametrize("spacing", [(1.5, 1.5, 2.5), (4.0, 4.5, 5.0)], ids=["fine", "coarse"])
def test_a_linear_field_is_reproduced(rotation, spacing):
    moving = ramp((80, 80, 60), grid(None, (2, 2, 3), (-80, -80, -90)), modality="CT", unit="HU")
    onto = ramp((9, 8, 7), grid(None, spacing, (-12, -9, -8), rotation), unit="counts")
    result = resample(moving, onto)
    np.testing.assert_allclose(result.array, onto.array, atol=2e-3)
    np.testing.assert_array_equal(result.affine, onto.affine)
    assert (result.modality, result.unit) == ("CT", "HU")


def test_axes_in_another_order_and_direction():
    rng = np.random.default_rng(1)
    moving = Volume(rng.normal(size=(5, 6, 7)), np.diag([2.0, 2.0, 2.0, 1.0]))
    # Target (i, j, k) is moving (4 - k, i, j).
    affine = np.array([[0, 0, -2, 8], [2, 0, 0, 0], [0, 2, 0, 0], [0, 0, 0, 1.0]])
    onto = Volume(np.zeros((6, 7, 5)), affine)
    expected = moving.array[::-1].transpose(1, 2, 0)
    np.testing.assert_allclose(resample(moving, onto).array, expected, atol=1e-6)


def test_blur_matches_the_width_of_the_larger_voxel():
    """A point becomes a Gaussian of FWHM sqrt(target^2 - source^2), here along x alone."""
    array = np.zeros((81, 5, 5))
    array[40] = 1.0
    moving = Volume(array, np.eye(4))
    onto = Volume(np.zeros((21, 5, 5)), grid(None, (4, 1, 1)))
    sigma = np.sqrt(4.0**2 - 1.0**2) / 2.3548200450309493
    distance = np.arange(21) * 4.0 - 40.0
    expected = np.exp(-0.5 * (distance / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(resample(moving, onto).array[:, 2, 2], expected, atol=1e-3)


def test_blur_follows_the_target_axis_that_is_coarse():
    """The target's first axis, 4 mm, runs along the moving image's y; the others are 1 mm."""
    array = np.zeros((9, 41, 9))
    array[4, 20, 4] = 1.0
    onto = Volume(
        np.zeros((11, 9, 9)), np.array([[0, 1, 0, 0], [4, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    )
    result = resample(Volume(array, np.eye(4)), onto).array
    assert np.count_nonzero(result[:, 4, 4] > 0.01) == 3
    assert np.count_nonzero(result > 0) == np.count_nonzero(result[:, 4, 4] > 0)


def test_noise_is_averaged_not_sampled():
    rng = np.random.default_rng(2)
    moving = Volume(100 + rng.normal(size=(80, 80, 80)), np.eye(4))
    onto = Volume(np.zeros((20, 20, 20)), grid(None, (4, 4, 4), (1.5, 1.5, 1.5)))
    result = resample(moving, onto).array
    assert result.mean() == pytest.approx(100, abs=0.02)
    assert result.std() < 0.2


def test_labels_stay_labels():
    rng = np.random.default_rng(3)
    labels = rng.choice([0.0, 3.0, 9.0], size=(20, 20, 20))
    onto = Volume(np.zeros((6, 6, 6)), grid(None, (3.1, 3.1, 3.1), (1, 1, 1), rotation=(9, 4)))
    result = resample(Volume(labels, np.eye(4)), onto, order=0)
    assert set(np.unique(result.array)) <= {0.0, 3.0, 9.0}
    assert np.count_nonzero(result.array) > 50


@pytest.mark.parametrize(
    ("unit", "fill", "expected"), [("HU", None, -1024), ("counts", None, 0), ("HU", 5.0, 5)]
)
def test_outside_the_field_is_filled(unit, fill, expected):
    moving = Volume(np.full((10, 10, 10), 50.0), np.eye(4), unit=unit)
    onto = Volume(np.zeros((16, 10, 10)), grid(None, (1, 1, 1), (-3, 0, 0)))
    result = resample(moving, onto, fill=fill).array
    np.testing.assert_array_equal(result[:3], expected)
    np.testing.assert_array_equal(result[3:13], 50)
    np.testing.assert_array_equal(result[13:], expected)


def test_the_field_reaches_to_the_faces_of_its_voxels():
    moving = Volume(np.full((10, 10, 10), 50.0), np.eye(4))
    onto = Volume(np.zeros((30, 10, 10)), grid(None, (0.4, 1, 1), (-0.8, 0, 0)))
    inside = resample(moving, onto, fill=-1).array[:, 5, 5] > 49.99
    x = -0.8 + 0.4 * np.arange(30)
    np.testing.assert_array_equal(inside, (x > -0.5) & (x < 9.5))


def box(shape, spacing=1.0, origin=(0, 0, 0)):
    return Volume(np.zeros(shape), grid(None, (spacing,) * 3, origin), source="one")


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (box((48, 48, 48)), 1.0),
        (box((48, 48, 48), origin=(24, 0, 0)), 0.5),
        (box((48, 48, 48), origin=(24, 24, 24)), 0.125),
        (box((12, 12, 12), origin=(18, 18, 18)), 1.0),
        (box((100, 100, 100), 2.0, (-50, -50, -50)), 1.0),
        (box((48, 48, 48), origin=(50, 0, 0)), 0.0),
    ],
)
def test_overlap(other, expected):
    volume = box((48, 48, 48))
    assert overlap_fraction(volume, other) == pytest.approx(expected, abs=0.02)
    assert overlap_fraction(other, volume) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("shift", [46.0, 500.0])
def test_images_that_do_not_overlap_are_refused(shift):
    with pytest.raises(InputError, match=rf"centres {shift:.0f} mm apart") as error:
        resample(box((48, 48, 48)), box((48, 48, 48), origin=(shift, 0, 0)))
    assert "\n" not in str(error.value)


def test_little_overlap_is_told():
    result = resample(box((48, 48, 48)), box((48, 48, 48), origin=(36, 0, 0)))
    assert "25%" in result.warnings[0]


def test_good_overlap_says_nothing():
    assert resample(box((48, 48, 48)), box((48, 48, 48), origin=(5, 0, 0))).warnings == ()
