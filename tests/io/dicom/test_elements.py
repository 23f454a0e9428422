import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.dataelem import DataElement

from fuzzyseg.errors import InputError
from fuzzyseg.io import read_volume
from fuzzyseg.io.dicom.elements import count, floats, integers, items, number, rescale


def holding(keyword, value):
    """A dataset whose element holds a value that its VR may not allow."""
    dataset = Dataset()
    dataset.add_new(keyword, "UT", "")
    dataset[keyword]._value = value
    return dataset


@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "x", [1, 2], Dataset(), b"\1", object()])
def test_what_is_no_finite_number_is_refused(value):
    dataset = holding("RescaleSlope", value)
    with pytest.raises(InputError, match=r"RescaleSlope.*a\.dcm"):
        number(dataset, "RescaleSlope", "a.dcm")


@pytest.mark.parametrize("value", [-1, 0.5, 1e9 * 1e9, "-7"])
def test_what_is_no_count_is_refused(value):
    with pytest.raises(InputError, match="whole number in Rows"):
        count(holding("Rows", value), "Rows", "a.dcm", 1)


def test_plain_values():
    assert count(holding("Rows", "12"), "Rows", "a", 1) == 12
    assert count(Dataset(), "Rows", "a", 7) == 7
    assert floats(holding("PixelSpacing", "  "), "PixelSpacing", 2, "a") is None
    assert integers(holding("SliceVector", [1, 2]), "SliceVector", "a") == (1, 2)
    assert integers(holding("SliceVector", 3), "SliceVector", "a") == (3,)
    assert rescale(Dataset(), "a") == (1.0, 0.0)
    with pytest.raises(InputError, match="other than 0"):
        rescale(holding("RescaleSlope", 0), "a")


def test_a_sequence_that_is_none_is_refused():
    keyword = "RealWorldValueMappingSequence"
    with pytest.raises(InputError, match=f"a sequence in {keyword}"):
        items(holding(keyword, "text"), keyword, "a")
    assert items(Dataset(), keyword, "a") == ()


NAMES = ["PixelSpacing", "SpacingBetweenSlices", "SliceVector", "RescaleSlope", "NumberOfFrames"]


@pytest.mark.parametrize("keyword", NAMES)
@pytest.mark.parametrize("vr", ["PN", "AT", "SQ", "UT"])
def test_a_changed_type_is_one_line_or_no_change(tmp_path, make_nm, ct_pixels, keyword, vr):
    path = make_nm(tmp_path / "a.dcm", ct_pixels.astype(np.uint16))
    whole, dataset = read_volume(path), dcmread(path)
    value = {"SQ": [Dataset()], "AT": 0x00080060}.get(vr, "nan")
    tag = dataset[keyword].tag if keyword in dataset else 0x00281053
    dataset[tag] = DataElement(tag, vr, value)
    dataset.save_as(path)
    try:
        found = read_volume(path)
    except InputError:
        return
    np.testing.assert_array_equal(found.array, whole.array)
    np.testing.assert_allclose(found.affine, whole.affine)
