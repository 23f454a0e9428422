import numpy as np
import pytest

from fuzzyseg.quantification.extent import at_border, longest_diameter_mm, places_mm


@pytest.mark.parametrize("radius_mm", [6.0, 15.0, 40.0])
def test_the_longest_diameter_of_a_ball(radius_mm):
    axes = np.arange(-45, 46, 3.0)
    places = np.stack(np.meshgrid(axes, axes, axes), -1).reshape(-1, 3)
    ball = places[np.linalg.norm(places, axis=1) <= radius_mm]
    assert longest_diameter_mm(ball, 0.027) == pytest.approx(2 * radius_mm, abs=3.0)


def test_a_single_voxel_is_as_long_as_its_edge():
    assert longest_diameter_mm(np.zeros((1, 3)), 0.064) == pytest.approx(4)


def test_a_large_flat_lesion():
    axes = np.arange(50.0)
    plane = np.stack(np.meshgrid(axes, axes, [7.0]), -1).reshape(-1, 3)
    assert longest_diameter_mm(plane, 0.001) == pytest.approx(49 * np.sqrt(2) + 1)


def test_places_follow_the_affine():
    affine = np.array([[0, 2.0, 0, 5], [3, 0, 0, 6], [0, 0, -4, 7], [0, 0, 0, 1]])
    np.testing.assert_allclose(places_mm(np.array([[1, 2, 3]]), affine), [[9, 9, -5]])


@pytest.mark.parametrize(
    ("voxel", "reaches"), [((1, 1, 1), False), ((0, 2, 2), True), ((2, 4, 2), True)]
)
def test_what_reaches_the_border(voxel, reaches):
    assert at_border(np.array([[2, 2, 2], voxel]), (9, 5, 9)) is reaches
