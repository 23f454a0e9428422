import json

import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.training.sources import Source, find_sources


@pytest.fixture
def files(tmp_path):
    for name in ("a.nii", "b.nii", "c.nii"):
        (tmp_path / name).touch()
    return tmp_path


def patient(folder):
    folder.mkdir(parents=True)
    (folder / "patient.json").write_text("{}")
    return folder


def test_csv_and_json_say_the_same(files):
    (files / "m.csv").write_text("name,spect,labels\nfirst,a.nii,b.nii\n,c.nii,\n")
    rows = [{"name": "first", "spect": "a.nii", "labels": "b.nii"}, {"spect": "c.nii"}]
    (files / "m.json").write_text(json.dumps(rows))
    expected = [
        Source("first", spect=files / "a.nii", labels=files / "b.nii"),
        Source("case 2", spect=files / "c.nii"),
    ]
    assert find_sources([files / "m.csv"], ["spect"]) == expected
    assert find_sources([files / "m.json"], ["spect"]) == expected


def test_a_csv_of_a_spreadsheet_starts_with_a_mark(files):
    (files / "m.csv").write_bytes(b"\xef\xbb\xbfspect\r\na.nii\r\n")
    assert find_sources([files / "m.csv"], ["spect"])[0].spect == files / "a.nii"


def test_a_folder_of_simulated_patients_or_one_of_them(tmp_path):
    for n in (2, 1):
        patient(tmp_path / "cohort" / f"patient-000{n}")
    (tmp_path / "cohort" / "patient-0003").mkdir()  # not whole: without patient.json
    both = find_sources([tmp_path / "cohort"], ["spect"])
    assert [s.name for s in both] == ["cohort/patient-0001", "cohort/patient-0002"]
    assert both[0].labels == tmp_path / "cohort" / "patient-0001" / "labels.nii.gz"
    assert both[0].activity == tmp_path / "cohort" / "patient-0001" / "activity.nii.gz"
    assert find_sources([tmp_path / "cohort" / "patient-0002"], ["spect"]) == both[1:]


def test_a_ct_alone_has_labels_of_its_own(tmp_path):
    patient(tmp_path / "patient-0001")
    (found,) = find_sources([tmp_path], ["ct"])
    assert (found.spect, found.activity) == (None, None)
    assert found.labels.name == "ct_labels.nii.gz"
    (beside,) = find_sources([tmp_path], ["spect", "ct"])
    assert beside.labels.name == "labels.nii.gz"


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("m.json", "[", "can be read"),
        ("m.json", "[]", "found none"),
        ("m.json", "3", "found none"),
        ("m.json", '{"spect": "a.nii"}', "found none"),
        ("m.json", '["a.nii"]', "found none"),
        ("m.json", '[{"spect": "a.nii", "label": "b.nii"}]', "found label;"),
        ("m.json", '[{"labels": "a.nii"}]', "image spect of every case, found none of case 1"),
        ("m.csv", "", "found none"),
        ("m.csv", "spect\n", "found none"),
        ("m.csv", "spect,mask\na.nii,b.nii\n", "found mask;"),
        ("m.csv", "spect\na.nii,b.nii\n", "a value too many"),
        ("m.csv", "spect\nabsent.nii\n", "absent.nii"),
        ("m.txt", "spect\na.nii\n", "a manifest"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused(files, name, text, found):
    (files / name).write_text(text)
    with pytest.raises(InputError, match=found):
        find_sources([files / name], ["spect"])


def test_binary_and_absent_manifests_are_refused(files):
    (files / "m.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InputError, match="can be read"):
        find_sources([files / "m.csv"], ["spect"])
    with pytest.raises(InputError, match="absent"):
        find_sources([files / "absent.csv"], ["spect"])
    with pytest.raises(InputError, match="found none in"):
        find_sources([files], ["spect"])
