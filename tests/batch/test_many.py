import csv
import errno
import json
import re
import shutil
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import toy_tasks
from tiny_models import write_tiny

from fuzzyseg.batch import many
from fuzzyseg.batch.many import Batch, run_batch
from fuzzyseg.batch.one import How
from fuzzyseg.batch.studies import find_studies
from fuzzyseg.cli.batch import parsed_part
from fuzzyseg.cli.main import main
from fuzzyseg.errors import InputError
from fuzzyseg.jobs import Here, get_engine
from fuzzyseg.models.locate import card_of
from fuzzyseg.segmentation.settings import Settings

HOW = How(Settings(method="kmeans", jobs=1))
AFFINE = np.diag([4.4, 4.4, 4.4, 1.0])


def write(path, seed=0):
    """Write a tiny SPECT with three levels."""
    array = np.random.default_rng(seed).normal(0, 0.01, (12, 13, 14)).astype(np.float32)
    array[3:-3, 3:-3, 3:-3] += 1
    array[5:8, 5:8, 5:8] += 4 + seed
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(array, AFFINE), path)
    return path


@pytest.fixture
def studies(tmp_path):
    """Two that can be segmented and a broken one."""
    for seed, name in enumerate("ac"):
        write(tmp_path / "studies" / f"{name}.nii.gz", seed)
    (tmp_path / "studies" / "b.nii.gz").write_text("no image")
    return tmp_path / "studies"


def table(out):
    rows = csv.DictReader((out / "cohort.csv").read_text().splitlines())
    return {row["study"]: row for row in rows}


def test_the_table_names_the_model_and_results_its_weights(studies, tmp_path):
    (studies / "b.nii.gz").unlink()
    write_tiny(tmp_path)
    how = How(Settings(method="model", model=str(tmp_path / "spect"), jobs=1))
    run_batch(Batch(find_studies(studies), tmp_path / "out", how), engine=Here())
    told = {(row["method"], row["model"]) for row in table(tmp_path / "out").values()}
    assert told == {("model", "spect")}
    made_by = json.loads((tmp_path / "out" / "a" / "summary.json").read_text())["made_by"]
    assert made_by["model"] == "spect"
    assert made_by["model_sha256"] == card_of(tmp_path / "spect").sha256


def test_a_failure_stops_nothing_and_is_one_line(studies, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("fuzzyseg.cli.batch.chosen_engine", lambda *_, **__: Here())
    out = tmp_path / "out"
    call = ["batch", str(studies), "-o", str(out), "--method", "kmeans"]
    assert main(call) == 2
    said = capsys.readouterr()
    assert "2 of 3 studies segmented, 1 failed" in said.out
    assert re.search(r"warning: b: expected .*\n.*found 1 that could not be", said.err)
    rows = table(out)
    assert [rows[name]["state"] for name in "abc"] == ["done", "failed", "done"]
    assert "\n" not in rows["b"]["reason"]
    for name in "ac":
        measured = json.loads((out / name / "summary.json").read_text())["patient"]
        assert float(rows[name]["lesion_volume_ml"]) == pytest.approx(measured["lesion_volume_ml"])
        assert int(rows[name]["lesion_count"]) == measured["lesion_count"] == 1
    assert not (out / "b").exists()
    page = (out / "cohort.html").read_text()
    assert 'href="a/report.html"' in page
    assert page.index(">b<") < page.index('href="a/')
    assert '<dt>Failed</dt><dd class="bad">1</dd>' in page

    # What is done stays; what was mended is done now.
    before = (out / "a" / "run.json").stat().st_mtime_ns
    write(studies / "b.nii.gz", 3)
    assert main(call) == 0
    assert (out / "a" / "run.json").stat().st_mtime_ns == before
    assert {row["state"] for row in table(out).values()} == {"done"}
    assert "<dt>Failed</dt><dd>0</dd>" in (out / "cohort.html").read_text()  # no alarm
    assert main([*call, "--beta", "0.5"]) == 2
    assert "different beta" in capsys.readouterr().err


def test_what_the_file_beside_an_image_says_is_part_of_it(studies, tmp_path):
    (studies / "b.nii.gz").unlink()
    batch = Batch(find_studies(studies), tmp_path / "out", HOW)
    said = {"Modality": "NM", "Units": "Bq/mL", "PatientWeight": 82}
    (studies / "a.json").write_text(json.dumps(said))
    assert [row.state for row in run_batch(batch, engine=Here())] == ["done", "done"]
    assert [row.state for row in run_batch(batch, engine=Here())] == ["done", "done"]
    (studies / "a.json").write_text(json.dumps(said | {"PatientWeight": 50}))
    assert [row.state for row in run_batch(batch, engine=Here())] == ["failed", "done"]


def test_parts_are_the_whole_and_share_a_table(studies, tmp_path):
    batch = Batch(find_studies(studies), tmp_path / "out", HOW)
    states = [[row.state for row in run_batch(batch, part=(n, 2), engine=Here())] for n in (1, 2)]
    assert states == [["done", "waiting", "done"], ["done", "failed", "done"]]
    assert parsed_part("3/16") == (3, 16)
    for wrong in ("0/2", "3/2", "2", "1/2/3", "-1/2"):
        with pytest.raises(InputError, match="a part such as"):
            parsed_part(wrong)


def test_one_process_and_two_give_the_same_bits(studies, tmp_path):
    batch = Batch(find_studies(studies), tmp_path / "1", HOW)
    run_batch(batch, engine=Here())
    run_batch(replace(batch, out=tmp_path / "2"), engine=get_engine(jobs=2))
    for name in ("a/memberships.nii.gz", "c/labels.nii.gz", "c/summary.json"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_a_spect_takes_the_ct_of_its_folder(toy_folder, tmp_path):
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "toy").symlink_to(toy_folder)
    batch = Batch(find_studies(tmp_path / "studies"), tmp_path / "out", HOW)
    assert [row.state for row in run_batch(batch, engine=Here())] == ["done"]
    assert json.loads((tmp_path / "out" / "toy" / "run.json").read_text())["study"]["ct"]


def test_a_manifest_gives_each_patient_a_weight_and_a_missing_file_is_told(studies, tmp_path):
    path = tmp_path / "list.csv"
    known = "unit,injected_mbq,uptake_min,weight_kg"
    path.write_text(
        f"study,image,{known}\nheavy,studies/a.nii.gz,Bq/mL,700,180,100\n"
        "light,studies/a.nii.gz,Bq/mL,700,180,50\ngone,studies/gone.nii.gz,,,,\n"
    )
    heavy, light, gone = run_batch(Batch(find_studies(path), tmp_path / "out", HOW), engine=Here())
    assert heavy.highest_suv_max == pytest.approx(2 * light.highest_suv_max)
    assert gone.state == "failed"
    assert "nothing at" in gone.reason


def test_bids_names_on_request(tmp_path):
    for run in (1, 2):
        write(tmp_path / f"in/sub-01/spect/sub-01_run-{run}_spect.nii.gz", run)
    batch = Batch(find_studies(tmp_path / "in"), tmp_path / "out", HOW, bids=True)
    assert [row.state for row in run_batch(batch, engine=Here())] == ["done", "done"]
    folder = tmp_path / "out/sub-01/spect"
    for run in (1, 2):
        labels = nib.load(folder / f"sub-01_run-{run}_dseg.nii.gz").get_fdata()
        probabilities = nib.load(folder / f"sub-01_run-{run}_probseg.nii.gz").get_fdata()
        np.testing.assert_array_equal(probabilities.argmax(-1), labels)
    described = json.loads((tmp_path / "out" / "dataset_description.json").read_text())
    assert described["DatasetType"] == "derivative"
    tsv = (folder / "sub-01_run-1_dseg.tsv").read_text().splitlines()
    assert tsv[3].startswith("2\tlesion\t#")
    before = (folder / "sub-01_run-2_run.json").stat().st_mtime_ns
    run_batch(batch, engine=Here())
    assert (folder / "sub-01_run-2_run.json").stat().st_mtime_ns == before


def test_a_full_disk_stops_the_cohort_and_the_next_run_goes_on(studies, tmp_path, monkeypatch):
    real, tried = many.process, []

    def full(source, folder, how):
        tried.append(source.name)
        if source.name == "c":
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(source, folder, how)

    monkeypatch.setattr(many, "process", full)
    (studies / "b.nii.gz").unlink()
    write(studies / "d.nii.gz", 4)
    batch = Batch(find_studies(studies), tmp_path / "out", HOW)
    with pytest.raises(InputError, match="found a full disk"):
        run_batch(batch, engine=Here())
    assert tried == ["a", "c"]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [".seen", "a", "batch.json"]
    monkeypatch.setattr(many, "process", real)
    assert [row.state for row in run_batch(batch, engine=Here())] == ["done"] * 3


def test_a_study_that_memory_does_not_suffice_for_fails_alone(studies, tmp_path):
    class Small(Here):
        def submit(self, number, function, arguments):
            if arguments[0].name == "b":
                function, arguments = toy_tasks.hunger, (MemoryError(),)
            super().submit(number, function, arguments)

    rows = run_batch(Batch(find_studies(studies), tmp_path / "out", HOW), engine=Small())
    assert [row.state for row in rows] == ["done", "failed", "done"]
    assert rows[1].reason == "expected enough memory, found too little; give fewer --jobs"


def test_a_folder_of_something_else_is_refused(studies, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").touch()
    with pytest.raises(InputError, match="choose another folder"):
        run_batch(Batch(find_studies(studies), tmp_path / "out", HOW))


def test_other_studies_join_the_table_of_a_folder(studies, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("fuzzyseg.cli.batch.chosen_engine", lambda *_, **__: Here())
    out = tmp_path / "out"
    run_batch(Batch(find_studies(studies), out, HOW), engine=Here())
    write(tmp_path / "more" / "d.nii.gz", 2)
    call = ["batch", str(tmp_path / "more"), "-o", str(out), "--method", "kmeans"]
    assert main(call) == 0  # b failed in the earlier run, not in this one
    assert "1 of 1 studies segmented, 0 failed" in (said := capsys.readouterr().out)
    assert "lists 3 of earlier runs too" in said
    rows = table(out)
    states = {name: row["state"] for name, row in rows.items()}
    assert states == {"d": "done", "a": "done", "b": "failed", "c": "done"}
    assert float(rows["a"]["lesion_volume_ml"]) > 0
    page = (out / "cohort.html").read_text()
    assert all(f'href="{name}/report.html"' in page for name in "acd")

    # The folder is what counts: results that are removed leave the table.
    shutil.rmtree(out / "c")
    (out / ".failed" / "b.json").unlink()
    run_batch(Batch(find_studies(tmp_path / "more"), out, HOW), engine=Here())
    assert set(table(out)) == {"a", "d"}


def test_another_patient_of_a_name_is_neither_taken_as_done_nor_written_over(studies, tmp_path):
    (studies / "b.nii.gz").unlink()
    out = tmp_path / "out"
    run_batch(Batch(find_studies(studies), out, HOW), engine=Here())
    before = (out / "a" / "labels.nii.gz").read_bytes()
    other = Batch(find_studies(write(tmp_path / "more" / "a.nii.gz", 3).parent), out, HOW)
    (row,) = run_batch(other, engine=Here())
    assert row.state == "failed"
    assert "made of others; name this study otherwise" in row.reason
    assert (out / "a" / "labels.nii.gz").read_bytes() == before
    rows = list(csv.DictReader((out / "cohort.csv").read_text().splitlines()))
    told = [(row["study"], row["state"]) for row in rows]
    assert told == [("a", "failed"), ("a", "done"), ("c", "done")]  # the earlier one keeps its row

    # The first patient is known again, and the other one's failure is not laid at its door.
    rows = run_batch(Batch(find_studies(studies), out, HOW), engine=Here())
    assert [row.state for row in rows] == ["done", "done"]
    shutil.rmtree(out / "a")
    assert [row.state for row in run_batch(other, engine=Here())] == ["done"]


def test_the_same_images_elsewhere_are_done_and_are_not_read_each_time(
    studies, tmp_path, monkeypatch
):
    (studies / "b.nii.gz").unlink()
    run_batch(Batch(find_studies(studies), tmp_path / "out", HOW), engine=Here())
    moved = tmp_path / "moved"
    moved.mkdir()
    for path in studies.iterdir():  # copied, and packed differently
        nib.save(nib.load(path), moved / path.name.removesuffix(".gz"))
    monkeypatch.setattr(many, "process", None)
    batch = Batch(find_studies(moved), tmp_path / "out", HOW)
    assert [row.state for row in run_batch(batch, engine=Here())] == ["done", "done"]
    monkeypatch.setattr(many, "read", None)
    assert [row.state for row in run_batch(batch, engine=Here())] == ["done", "done"]


def test_another_weight_of_a_patient_is_told(studies, tmp_path):
    path = tmp_path / "list.csv"
    known = "study,image,unit,injected_mbq,uptake_min,weight_kg\n"
    states = []
    for weight in (100, 100, 50):
        path.write_text(f"{known}a,studies/a.nii.gz,Bq/mL,700,180,{weight}\n")
        (row,) = run_batch(Batch(find_studies(path), tmp_path / "out", HOW), engine=Here())
        states.append(row.state)
    assert states == ["done", "done", "failed"]


def test_voxels_apart_from_their_header_are_looked_at(tmp_path):
    image = nib.load(write(tmp_path / "whole.nii.gz"))
    (tmp_path / "studies").mkdir()
    path = tmp_path / "studies" / "a.hdr"
    nib.save(nib.Nifti1Pair(image.get_fdata(dtype=np.float32), AFFINE), path)
    batch = Batch(find_studies(path.parent), tmp_path / "out", HOW)
    assert [row.state for row in run_batch(batch, engine=Here())] == ["done"]
    voxels = path.with_suffix(".img")
    voxels.write_bytes((np.frombuffer(voxels.read_bytes(), np.float32) * 2).tobytes())
    assert [row.state for row in run_batch(batch, engine=Here())] == ["failed"]


def test_other_studies_of_bids_join_too(tmp_path):
    for n in (1, 2):
        write(tmp_path / f"in{n}/sub-0{n}/spect/sub-0{n}_spect.nii.gz", n)
        batch = Batch(find_studies(tmp_path / f"in{n}"), tmp_path / "out", HOW, bids=True)
        assert [row.study for row in run_batch(batch, engine=Here())] == [f"sub-0{n}"]
    assert {row["state"] for row in table(tmp_path / "out").values()} == {"done"}
    assert set(table(tmp_path / "out")) == {"sub-01", "sub-02"}
