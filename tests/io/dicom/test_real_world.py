import numpy as np
import pytest
from pydicom.dataset import Dataset

from fuzzyseg.errors import InputError
from fuzzyseg.io.dicom.nm import read_nm


@pytest.fixture
def frames():
    return np.arange(3 * 2 * 2, dtype=np.uint16).reshape(3, 2, 2)


def mapping(code, slope=None, intercept=0.0, *, table=None, first=0, last=65535):
    item, unit = Dataset(), Dataset()
    unit.CodeValue, unit.CodingSchemeDesignator, unit.CodeMeaning = code, "UCUM", code
    item.MeasurementUnitsCodeSequence = [unit]
    item.RealWorldValueFirstValueMapped, item.RealWorldValueLastValueMapped = first, last
    if table is None:
        item.RealWorldValueSlope, item.RealWorldValueIntercept = float(slope), float(intercept)
    else:
        item.RealWorldValueLUTData = [float(v) for v in table]
    return item


def top_level(*items):
    def edit(dataset):
        dataset.RealWorldValueMappingSequence = list(items)

    return edit


def test_mapping_applies_to_stored_values_not_after_rescale(tmp_path, make_nm, frames):
    def edit(dataset):
        dataset.RescaleSlope, dataset.RescaleIntercept = 7, 11
        dataset.RealWorldValueMappingSequence = [mapping("Bq/ml", 2.5, 1.0)]

    volume = read_nm(make_nm(tmp_path / "a", frames, edit=edit))
    np.testing.assert_allclose(volume.array, frames.transpose(2, 1, 0) * 2.5 + 1)
    assert (volume.unit, volume.warnings) == ("Bq/mL", ())


@pytest.mark.parametrize(
    ("code", "scaled"),
    [("kBq/mL", ("Bq/mL", 1e3)), ("{counts}", ("counts", 1)), ("g/ml{SUVbw}", ("SUV", 1))],
)
def test_units(tmp_path, make_nm, frames, code, scaled):
    unit, factor = scaled
    volume = read_nm(make_nm(tmp_path / "a", frames, edit=top_level(mapping(code, 0.25))))
    assert volume.unit == unit
    np.testing.assert_allclose(volume.array, frames.transpose(2, 1, 0) * 0.25 * factor)


def test_an_unknown_unit_is_arbitrary_and_named(tmp_path, make_nm, frames):
    volume = read_nm(make_nm(tmp_path / "a", frames, edit=top_level(mapping("umol/ml", 2))))
    assert volume.unit == "arbitrary"
    assert "umol/ml" in volume.warnings[0]


def test_activity_is_preferred_over_counts(tmp_path, make_nm, frames):
    edit = top_level(mapping("{counts}", 1), mapping("Bq/ml", 3))
    volume = read_nm(make_nm(tmp_path / "a", frames, edit=edit))
    assert volume.unit == "Bq/mL"
    assert volume.array.max() == 33


@pytest.mark.parametrize("implicit", [False, True], ids=["explicit", "implicit"])
def test_a_table_maps_each_value(tmp_path, make_nm, frames, implicit):
    table = np.sqrt(np.arange(12.0))
    edit = top_level(mapping("Bq/ml", table=table, first=0, last=11))
    volume = read_nm(make_nm(tmp_path / "a", frames, edit=edit, implicit=implicit))
    np.testing.assert_allclose(volume.array, table[frames].transpose(2, 1, 0), rtol=1e-6)


def test_values_outside_the_table_are_refused(tmp_path, make_nm, frames):
    edit = top_level(mapping("Bq/ml", table=range(5), first=0, last=4))
    with pytest.raises(InputError, match="within the table"):
        read_nm(make_nm(tmp_path / "a", frames, edit=edit))


def test_a_mapping_without_slope_or_table_is_refused(tmp_path, make_nm, frames):
    empty = mapping("Bq/ml", 1)
    del empty.RealWorldValueSlope
    with pytest.raises(InputError, match="neither"):
        read_nm(make_nm(tmp_path / "a", frames, edit=top_level(empty)))


@pytest.mark.parametrize("implicit", [False, True], ids=["explicit", "implicit"])
def test_values_outside_the_range_of_a_line_are_told(tmp_path, make_nm, frames, implicit):
    edit = top_level(mapping("Bq/ml", 2, last=5))
    volume = read_nm(make_nm(tmp_path / "a", frames, edit=edit, implicit=implicit))
    assert volume.array.max() == 22
    assert "outside the range" in volume.warnings[0]


def test_each_frame_may_have_its_own_slope(tmp_path, make_nm, frames):
    def edit(dataset):
        dataset.PerFrameFunctionalGroupsSequence = [Dataset() for _ in frames]
        for i, group in enumerate(dataset.PerFrameFunctionalGroupsSequence):
            group.RealWorldValueMappingSequence = [mapping("Bq/ml", i + 1)]
        dataset.RealWorldValueMappingSequence = [mapping("{counts}", 100)]

    volume = read_nm(make_nm(tmp_path / "a", frames, edit=edit))
    expected = frames * np.array([1, 2, 3])[:, None, None]
    np.testing.assert_allclose(volume.array, expected.transpose(2, 1, 0))


def test_the_shared_group_comes_before_the_top_level(tmp_path, make_nm, frames):
    def edit(dataset):
        shared = Dataset()
        shared.RealWorldValueMappingSequence = [mapping("Bq/ml", 4)]
        dataset.SharedFunctionalGroupsSequence = [shared]
        dataset.RealWorldValueMappingSequence = [mapping("{counts}", 100)]

    volume = read_nm(make_nm(tmp_path / "a", frames, edit=edit))
    assert (volume.unit, volume.array.max()) == ("Bq/mL", 44)


def test_frames_in_different_units_are_refused(tmp_path, make_nm, frames):
    def edit(dataset):
        dataset.PerFrameFunctionalGroupsSequence = [Dataset() for _ in frames]
        for group, code in zip(
            dataset.PerFrameFunctionalGroupsSequence, ["Bq/ml", "kBq/ml", "Bq/ml"], strict=True
        ):
            group.RealWorldValueMappingSequence = [mapping(code, 1)]

    with pytest.raises(InputError, match="one unit"):
        read_nm(make_nm(tmp_path / "a", frames, edit=edit))


def test_a_mapping_for_some_frames_is_refused(tmp_path, make_nm, frames):
    def edit(dataset):
        dataset.PerFrameFunctionalGroupsSequence = [Dataset() for _ in frames]
        group = dataset.PerFrameFunctionalGroupsSequence[1]
        group.RealWorldValueMappingSequence = [mapping("Bq/ml", 2)]

    with pytest.raises(InputError, match="1 of 3"):
        read_nm(make_nm(tmp_path / "a", frames, edit=edit))
