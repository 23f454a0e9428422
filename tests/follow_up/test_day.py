import json

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from two_days import BASELINE, drawn_day

from fuzzyseg.errors import InputError
from fuzzyseg.follow_up.comparison import compare
from fuzzyseg.follow_up.day import is_results, read_day
from fuzzyseg.io import write_image, write_labels
from fuzzyseg.io.output import to_json
from fuzzyseg.segmentation import summary


@pytest.fixture
def results(days, tmp_path):
    """A folder as `segment` leaves it."""
    day, segmentation = drawn_day(BASELINE)
    write_image(tmp_path / "measured_spect.nii.gz", day.spect)
    write_image(tmp_path / "measured_ct.nii.gz", day.ct)
    write_labels(tmp_path / "labels.nii.gz", segmentation.labels, day.spect)
    (tmp_path / "summary.json").write_text(to_json(day.summary))
    (tmp_path / "run.json").write_text(to_json(summary(segmentation)))
    return tmp_path


def test_what_is_written_is_read(results, days):
    day = read_day(results)
    assert is_results(results)
    np.testing.assert_array_equal(day.spect.array, days[0].spect.array)
    np.testing.assert_array_equal(day.ct.array, days[0].ct.array)
    np.testing.assert_array_equal(day.lesions, days[0].lesions)
    assert day.spect.unit == "Bq/mL"
    assert day.measures[1]["volume_ml"] == days[0].measures[1]["volume_ml"]
    assert (day.method, day.identity.patient) == ("drawn", "")


@pytest.mark.parametrize("name", ["measured_spect.nii.gz", "labels.nii.gz", "run.json"])
def test_what_is_missing_is_named(results, name):
    (results / name).unlink()
    with pytest.raises(InputError, match=rf"found no {name}.* segment it with this version"):
        read_day(results)


def test_a_model_is_known_by_its_weights(results):
    assert read_day(results).digest == ""
    edited(
        results, "summary.json", lambda t: t["made_by"].update(model="spect", model_sha256="abc")
    )
    assert (read_day(results).method, read_day(results).digest) == ("spect", "abc")


def test_half_of_results_is_no_study_to_segment(results):
    for name in ("run.json", "summary.json"):
        (results / name).unlink()
        assert is_results(results)


def test_a_ct_need_not_be_there(results):
    (results / "measured_ct.nii.gz").unlink()
    assert read_day(results).ct is None


def edited(results, name, edit):
    told = json.loads((results / name).read_text())
    edit(told)
    (results / name).write_text(json.dumps(told))


@pytest.mark.parametrize(
    ("name", "edit", "why"),
    [
        ("summary.json", lambda t: t.update(schema_version=99), "version 99"),
        ("summary.json", lambda t: t["patient"].update(lesion_count=50), "50 lesions measured"),
        ("summary.json", lambda t: t.pop("measuring"), "measuring"),
        ("run.json", lambda t: t.pop("classes"), "classes"),
        ("summary.json", lambda t: t["lesions"].pop(), "not of 1 to 6"),
        ("summary.json", lambda t: t["lesions"][0].pop("image_peak"), "image_peak"),
        ("summary.json", lambda t: t["lesions"][0].update(volume_ml=0), "of lesion 1"),
        ("summary.json", lambda t: t["lesions"][0].update(image_peak=None), "real number"),
        ("summary.json", lambda t: t.pop("suv"), "suv"),
        ("summary.json", lambda t: t["patient"].pop("bone_reference"), "bone_reference"),
    ],
)
def test_damaged_results_are_refused(results, name, edit, why):
    edited(results, name, edit)
    with pytest.raises(InputError, match=rf"damaged or of another version .*{why}"):
        read_day(results)


def test_a_ct_alone_has_no_lesions_to_compare(results):
    edited(results, "summary.json", lambda t: t["image"].update(modality="CT"))
    with pytest.raises(InputError, match="a CT alone"):
        read_day(results)


def test_without_a_class_of_lesions_there_is_nothing_to_compare(results):
    edited(results, "summary.json", lambda t: t["patient"].update(lesion_count=None))
    with pytest.raises(InputError, match="expected lesions to compare"):
        read_day(results)


def with_id(folder, patient):
    """The folder with a DICOM result of a patient in it."""
    header = Dataset()
    header.PatientID, header.SOPInstanceUID = patient, generate_uid()
    header.SOPClassUID = "1.2.840.10008.5.1.4.1.1.66.4"
    header.file_meta = Dataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.save_as(folder / "segmentation.dcm", enforce_file_format=True)
    return read_day(folder)


@pytest.mark.usefixtures("aligned")
def test_two_patient_ids_are_refused_unless_allowed(results):
    one, same, other = (with_id(results, name) for name in ("4711", "4711 ", "0815"))
    assert "4711" not in repr(one)
    assert not any("IDs" in note for note in compare(one, same).notes)
    with pytest.raises(InputError, match="two Patient IDs"):
        compare(one, other)
    notes = compare(one, other, allow_mismatch=True).notes
    assert any("different Patient IDs" in note for note in notes)
