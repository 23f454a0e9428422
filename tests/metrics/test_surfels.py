"""The derived table of surface areas against the published one and against geometry."""

import numpy as np
import pytest
from surface_distance import lookup_tables

from fuzzyseg.metrics._surfels import surfel_areas

SPACINGS = [(1.0, 1.0, 1.0), (0.7, 0.7, 2.5), (4.42, 3.906, 0.31), (0.01, 1.0, 100.0)]


@pytest.mark.parametrize("spacing", SPACINGS)
def test_areas_equal_the_published_table(spacing):
    expected = lookup_tables.create_table_neighbour_code_to_surface_area(spacing)
    np.testing.assert_allclose(surfel_areas(spacing), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.7, 2.5), (100.0, 0.01)])
def test_lengths_equal_the_published_table(spacing):
    expected = lookup_tables.create_table_neighbour_code_to_contour_length(spacing)
    np.testing.assert_allclose(surfel_areas(spacing), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_inside_and_outside_share_their_surface(spacing):
    areas = surfel_areas(spacing)
    np.testing.assert_allclose(areas, areas[::-1], rtol=1e-12, atol=0)


def test_codes_name_the_corners_as_documented():
    areas = surfel_areas((2.0, 3.0, 5.0))
    assert areas[0] == areas[255] == 0.0
    # The four corners with a = 1 are bits 3 ... 0: a flat face across the first axis.
    assert areas[0b00001111] == pytest.approx(3.0 * 5.0)
    assert areas[0b00110011] == pytest.approx(2.0 * 5.0)
    assert areas[0b01010101] == pytest.approx(2.0 * 3.0)
    # One corner: the triangle between the midpoints of three edges.
    sides = np.diag([1.0, 1.5, 2.5])
    triangle = 0.5 * np.linalg.norm(np.cross(sides[1] - sides[0], sides[2] - sides[0]))
    assert areas[1] == pytest.approx(triangle)
