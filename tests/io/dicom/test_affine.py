import numpy as np
import pytest

from fuzzyseg.io.dicom.affine import is_orthonormal, ras_affine, slice_normal

OBLIQUE = (0.8, 0.6, 0.0, -0.48, 0.64, 0.6)


def place(orientation, position, spacing, step, *, column, row, frame):
    """Equation C.7.6.2.1-1 for one pixel, written out, in LPS mm."""
    x, y = orientation[:3], orientation[3:]
    between_rows, between_columns = spacing
    return [
        x[a] * between_columns * column + y[a] * between_rows * row + position[a] + step[a] * frame
        for a in range(3)
    ]


@pytest.mark.parametrize(("column", "row", "frame"), [(0, 0, 0), (5, 0, 0), (0, 7, 0), (3, 2, 9)])
def test_affine_places_voxels_as_the_standard_does(column, row, frame):
    step = 2.5 * slice_normal(OBLIQUE)
    position, spacing = (-31.0, 12.5, 400.0), (1.25, 0.75)
    affine = ras_affine(OBLIQUE, position, spacing, step)
    left, posterior, superior = place(
        OBLIQUE, position, spacing, step, column=column, row=row, frame=frame
    )
    np.testing.assert_allclose(
        affine @ [column, row, frame, 1], [-left, -posterior, superior, 1], atol=1e-12
    )


def test_normal_of_an_axial_image_points_to_the_head():
    np.testing.assert_allclose(slice_normal((1, 0, 0, 0, 1, 0)), [0, 0, 1])


def test_normal_is_perpendicular_and_of_unit_length():
    normal = slice_normal(OBLIQUE)
    assert normal @ normal == pytest.approx(1)
    assert normal @ OBLIQUE[:3] == pytest.approx(0)
    assert normal @ OBLIQUE[3:] == pytest.approx(0)


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [(OBLIQUE, True), ((1, 0, 0, 1, 0, 0), False), ((2, 0, 0, 0, 1, 0), False)],
)
def test_orthonormal(orientation, expected):
    assert is_orthonormal(orientation) is expected
