from pathlib import PurePath

import pytest

from fuzzyseg.batch.bids import derivative_of
from fuzzyseg.batch.source import Source
from fuzzyseg.batch.studies import find_studies
from fuzzyseg.errors import InputError


@pytest.fixture
def tree(tmp_path):
    """Make empty files, and folders where a name ends with a slash."""

    def make(*names):
        for name in names:
            path = tmp_path / name
            (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
            if not name.endswith("/"):
                path.touch()
        return tmp_path

    return make


def found(path):
    return [(s.name, s.image.name, s.ct and s.ct.name) for s in find_studies(path)]


def test_a_folder_of_folders_zips_and_pairs(tree):
    names = ("p1_spect.nii.gz", "p1_ct.nii", "p2.SPECT.mha", "alone.nii", "z.zip", "dicom/")
    assert found(tree(*names, "readme.txt", ".hidden/", "p3-ct.nii.gz")) == [
        ("alone", "alone.nii", None),
        ("dicom", "dicom", None),
        ("p1", "p1_spect.nii.gz", "p1_ct.nii"),
        ("p2", "p2.SPECT.mha", None),
        ("p3", "p3-ct.nii.gz", None),
        ("z", "z.zip", None),
    ]


def test_a_bids_tree(tree):
    tree("dataset_description.json", "sub-01/ses-1/spect/sub-01_ses-1_run-1_spect.nii.gz")
    tree("sub-01/ses-1/spect/sub-01_ses-1_run-2_spect.nii.gz", "sub-01/anat/sub-01_T1w.nii.gz")
    tree("sub-01/ses-1/ct/sub-01_ses-1_ct.nii.gz", "sub-02/ct/sub-02_ct.nii.gz")
    sources = find_studies(tree("sub-03/pet/sub-03_trc-NaF_pet.nii.gz"))
    assert [(s.name, s.ct and s.ct.name, s.modality) for s in sources] == [
        ("sub-01_ses-1_run-1", "sub-01_ses-1_ct.nii.gz", None),
        ("sub-01_ses-1_run-2", "sub-01_ses-1_ct.nii.gz", None),
        ("sub-02", None, "CT"),
        ("sub-03_trc-NaF", None, None),
    ]
    assert derivative_of(sources[0]).folder == PurePath("sub-01/ses-1/spect")
    assert derivative_of(Source("Anna B", sources[0].image)).prefix == "sub-AnnaB"


def test_a_manifest(tree):
    path = tree("a.zip") / "list.csv"
    path.write_text("study,image,ct,series,weight_kg,sex\nA,a.zip,,2,71.5,male\n\nB,b,c.nii,,,\n")
    a, b = find_studies(path)
    assert a == Source(
        "A", path.parent / "a.zip", series=2, measuring={"weight_kg": 71.5, "sex": "male"}
    )
    assert b == Source("B", path.parent / "b", path.parent / "c.nii")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "header"),
        ("image\na\n", "header"),
        ("study,image,wieght_kg\na,a,1\n", "wieght_kg"),
        ("study,image\na,a,1\n", "row 2"),
        ("study,image\n,a\n", "expected a study"),
        ("study,image,series\na,a,1.5\n", "whole number as series"),
        ("study,image,modality\na,a,MR\n", "CT, NM, PT, other"),
        ("study,image\na,a\nA,b\n", "a different name"),
        ("study,image\na/b,a\n", "names that are valid for folders"),
        ('study,image\n"a,a\n', "CSV"),
        ("study,image\n", "found none"),
    ],
)
def test_a_manifest_of_nonsense_is_one_line(text, why, tmp_path):
    path = tmp_path / "list.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=why) as error:
        find_studies(path)
    assert "\n" not in str(error.value)


def test_two_studies_of_one_name(tree):
    with pytest.raises(InputError, match=r"'a' for .*a\.zip|'a' for .*/a and"):
        find_studies(tree("a/", "a.zip"))


def test_nothing_there(tmp_path):
    with pytest.raises(InputError, match="neither"):
        find_studies(tmp_path / "absent")
    with pytest.raises(InputError, match="found none"):
        find_studies(tmp_path)
