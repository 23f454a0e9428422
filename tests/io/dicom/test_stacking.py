from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.io.dicom.stacking import Slice, stack


def slices_at(heights, **changes):
    base = Slice(Path("s"), 4, 6, (2.0, 1.5), (1, 0, 0, 0, 1, 0), (0, 0, 0), 0.0)
    return [
        replace(base, path=Path(f"s{i}"), position=(-10.0, -20.0, z), **changes)
        for i, z in enumerate(heights)
    ]


def test_slices_are_sorted_along_the_normal():
    order, affine = stack(slices_at([9.0, 3.0, 6.0]))
    assert order == [1, 2, 0]
    expected = [[-1.5, 0, 0, 10], [0, -2, 0, 20], [0, 0, 3, 3], [0, 0, 0, 1]]
    np.testing.assert_allclose(affine, expected)


def test_positions_rounded_to_a_tenth_are_even():
    order, affine = stack(slices_at(np.round(np.arange(40) * 0.625, 1)))
    assert order == list(range(40))
    assert affine[2, 2] == pytest.approx(0.625, abs=0.003)


def test_a_missing_slice_is_named_by_its_place():
    with pytest.raises(InputError, match=r"missing between 9\.00 and 15\.00 mm"):
        stack(slices_at([0, 3, 6, 9, 15, 18]))


def test_many_holes_are_counted():
    with pytest.raises(InputError, match="and 1 more"):
        stack(slices_at([0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 16]))


def test_uneven_spacing_is_refused():
    with pytest.raises(InputError, match=r"evenly spaced.*3\.900 mm"):
        stack(slices_at([0, 3, 6, 9.9, 12.9]))


def test_a_repeated_slice_names_both_files():
    with pytest.raises(InputError, match=r"1 repeated position.*s1 and s2"):
        stack(slices_at([0, 3, 3, 6]))


def test_two_time_frames_are_repeats():
    with pytest.raises(InputError, match="3 repeated position"):
        stack(slices_at([0, 3, 6, 0, 3, 6]))


def test_a_declared_tilt_is_refused():
    with pytest.raises(InputError, match=r"gantry tilt.*12\.5 degrees"):
        stack(slices_at([0, 3, 6], tilt=12.5))


def test_a_stack_that_leans_is_refused():
    leaning = [
        replace(s, position=(-10.0, -20.0 + 0.5 * i, 3.0 * i))
        for i, s in enumerate(slices_at(range(5)))
    ]
    with pytest.raises(InputError, match=r"positions: 9\.46 degrees"):
        stack(leaning)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": 5}, "one size"),
        ({"spacing": (2.0, 1.6)}, "one PixelSpacing"),
        ({"orientation": (0, 1, 0, 0, 0, -1)}, "parallel"),
    ],
)
def test_mixed_slices_are_refused(change, message):
    slices = slices_at([0, 3, 6])
    slices[1] = replace(slices[1], **change)
    with pytest.raises(InputError, match=message):
        stack(slices)


def test_one_slice_is_no_stack():
    with pytest.raises(InputError, match="pass the folder"):
        stack(slices_at([0]))
