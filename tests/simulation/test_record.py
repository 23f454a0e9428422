import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.simulation import record
from fuzzyseg.simulation.record import code_digest, made_of, resumed
from fuzzyseg.simulation.simulated import Recipe

RECIPE = Recipe(seed=5, views=20)


@pytest.fixture
def begun(tmp_path):
    """Function that writes what a cohort of one patient says of itself."""

    def make(made):
        (tmp_path / "patient-0001").mkdir()
        (tmp_path / "cohort.json").write_text(json.dumps(made))
        return tmp_path

    return make


@pytest.fixture
def stood_in(tmp_path):
    """A recipe with a CT as phantom, in a folder whose name is nobody's business."""
    folder = tmp_path / "home" / "erika"
    folder.mkdir(parents=True)
    for name in ("ct.nii", "bones.nii"):
        nib.save(nib.Nifti1Image(np.ones((3, 3, 3), np.int16), np.eye(4)), folder / name)
    (folder / "map.toml").write_text('[ct]\nbone_labels = "bones.nii"\n')
    return replace(RECIPE, phantom=str(folder / "ct.nii"), labels=str(folder / "map.toml"))


def test_files_are_known_by_name_and_content_and_not_by_place(stood_in):
    made = made_of(stood_in)
    assert "erika" not in json.dumps(made)
    assert (made["recipe"]["phantom"], made["recipe"]["labels"]) == ("ct.nii", "map.toml")
    assert set(made["files"]) == {"ct.nii", "map.toml", "bones.nii"}


def test_moved_files_go_on_and_changed_ones_do_not(stood_in, begun, tmp_path):
    out = begun(made_of(stood_in))
    moved = (tmp_path / "home").rename(tmp_path / "elsewhere") / "erika"
    there = {"phantom": str(moved / "ct.nii"), "labels": str(moved / "map.toml")}
    assert resumed(out, replace(stood_in, **there)) == made_of(replace(stood_in, **there))
    (moved / "bones.nii").write_bytes(b"others")
    with pytest.raises(InputError, match="different content of a file"):
        resumed(out, replace(stood_in, **there))


def test_other_code_does_not_go_on_unless_it_may(begun, monkeypatch):
    out = begun(made_of(RECIPE))
    assert resumed(out, RECIPE)["code"] == [code_digest()]
    monkeypatch.setattr(record, "code_digest", lambda: "0123456789abcdef")
    with pytest.raises(InputError, match=r"found other code.*; .*--other-code$") as error:
        resumed(out, RECIPE)
    assert "\n" not in str(error.value)
    found = resumed(out, RECIPE, other_code=True)
    assert found["code"] == [code_digest(), "0123456789abcdef"]
    (out / "cohort.json").write_text(json.dumps(found))
    with pytest.raises(InputError, match="other code"):  # a mixed one is asked for each time
        resumed(out, RECIPE)


def test_a_cohort_of_before_is_read(stood_in, begun):
    """With paths, without what recipes could not say then, and without a word of the code."""
    made = made_of(stood_in)
    del made["code"], made["recipe"]["ct_only"], made["files"]["bones.nii"]
    made["recipe"] |= {"phantom": stood_in.phantom, "labels": stood_in.labels}
    made["files"] = {f"/somewhere/{name}": digest for name, digest in made["files"].items()}
    out = begun(made)
    with pytest.raises(InputError, match="other code"):
        resumed(out, stood_in)
    found = resumed(out, stood_in, other_code=True)
    assert found["code"] == ["unknown", code_digest()]
    with pytest.raises(InputError, match="different seed and ct_only"):
        resumed(out, replace(stood_in, seed=6, ct_only=True), other_code=True)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"recipe": 5, "files": {}, "versions": {}}'])
def test_a_cohort_that_says_nothing_is_refused(text, begun):
    out = begun({})
    (out / "cohort.json").write_text(text)
    with pytest.raises(InputError, match=r"readable cohort\.json"):
        resumed(out, RECIPE)


def test_the_code_is_its_sources_whatever_lies_beside_them(tmp_path):
    def digest(name, content, more=b""):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        (folder / name).write_bytes(content)
        (folder / "cached.pyc").write_bytes(more)
        return code_digest(folder)

    first = digest("a.py", b"x = 1\n")
    assert digest("a.py", b"x = 1\r\n") == first  # as a checkout on Windows has it
    assert digest("a.py", b"x = 1\n", b"more") == first
    assert digest("a.py", b"x = 12\n") != first
    assert digest("b.py", b"x = 1\n") != first
    assert len(first) == 16
