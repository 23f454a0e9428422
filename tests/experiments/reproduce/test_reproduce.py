"""A miniature of everything: made, killed on the way, gone on with, and never made twice."""

import csv
import json
import os
import re
import subprocess
import sys
import time

import nibabel as nib
import numpy as np
import pytest
from toy_phantom import write_phantom

from fuzzyseg.errors import InputError
from fuzzyseg.experiments.reproduce.items import all_items, chosen_items
from fuzzyseg.experiments.reproduce.plan import Plan
from fuzzyseg.experiments.reproduce.preset import PRESETS
from fuzzyseg.experiments.reproduce.run import reproduce
from fuzzyseg.jobs import get_engine

FIGURES = ("fig3", "fig4", "fig5", "fig6", "fig7", "fig8", "fig9", "fig10", "fig11")
KILLED_AFTER = 6  # jobs


def write_ct(folder):
    """Write a CT of a rod of bone in a body, and its labels."""
    x, y, z = np.ogrid[:40, :40, :16]
    bone = (x - 20) ** 2 + (y - 20) ** 2 + 0 * z < 40
    body = (x - 20) ** 2 + (y - 20) ** 2 + 0 * z < 300
    hu = np.where(bone, 700, np.where(body, 40, -1000)) + 0.1 * np.cos(x + 2 * y + 3 * z)
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    nib.save(nib.Nifti1Image(hu.astype(np.float32), affine), folder / "toy_ct.nii.gz")
    nib.save(nib.Nifti1Image(bone.astype(np.int16), affine), folder / "toy_labels.nii.gz")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of a run that was killed and gone on with, and what was there when it was."""
    inputs, out = tmp_path_factory.mktemp("inputs"), tmp_path_factory.mktemp("reproduced")
    given = write_phantom(inputs)
    write_ct(inputs)
    words = [f"--{name}={path}" for name, path in {**given, "cts": inputs}.items()]
    first = subprocess.Popen(
        [sys.executable, "-m", "fuzzyseg", "reproduce", "--preset=tiny", "-o", str(out), *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while len(list(out.glob("store/*/*/job.json"))) < KILLED_AFTER:
        assert first.poll() is None
        time.sleep(0.05)
    first.kill()
    first.wait(10)
    before = {path: path.stat().st_mtime_ns for path in out.glob("store/*/*/job.json")}
    # What is written is in folders that are not done yet; those that are appear as a whole.
    before = {path: t for path, t in before.items() if not path.parent.name.endswith(".partial")}
    page, failures = reproduce(
        out,
        preset="tiny",
        phantom=inputs / "p.nii",
        labels=given["labels"],
        cts=inputs,
        engine=get_engine(jobs=min(2, os.cpu_count() or 1)),
    )
    return page, failures, before, inputs


def test_nothing_fails_and_what_was_done_stays(made):
    page, failures, before, _ = made
    assert failures == {}
    assert len(before) >= KILLED_AFTER - 1
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert not list(page.parent.glob("store/*/*.partial"))


def test_every_table_and_figure_is_there(made):
    page = made[0]
    for name in FIGURES:
        assert (page.parent / "figures" / f"{name}.png").stat().st_size > 1000
    for n in range(1, 7):
        with (page.parent / "tables" / f"table{n}.csv").open(encoding="utf-8") as file:
            rows = list(csv.reader(file))
        assert len(rows) > 1
        told = json.loads((page.parent / "tables" / f"table{n}.json").read_text("utf-8"))
        assert len(told["rows"]) == len(rows) - 1
    html, text = page.read_text("utf-8"), page.with_suffix(".md").read_text("utf-8")
    for item in all_items():
        assert item.TITLE in text
    assert html.count("<img") == text.count("![") == len(list((page.parent / "figures").iterdir()))
    assert "L_semi-RFCM, alpha 0.1" in html
    done, of = re.search(r"done: (\d+) of (\d+) jobs", text).groups()
    assert done == of


def test_cells_say_seeds_steps_and_seconds(made):
    told = json.loads((made[0].parent / "tables" / "table4.json").read_text("utf-8"))
    row = next(row for row in told["rows"] if row["method"] == "L_DSC")
    assert row["seeds"] == 1
    assert row["steps"] == str(PRESETS["tiny"].steps)
    assert row["training s"] >= 0


def test_every_training_tells_its_curve(made):
    told = json.loads((made[0].parent / "tables" / "trainings.json").read_text("utf-8"))
    models = list(made[0].parent.glob("store/model/*/job.json"))
    assert len(told["rows"]) == len(models)
    for row in told["rows"]:
        assert re.match(r"1: [\d.]+.*; 2: [\d.]+", row["validation DSC by step"])
        assert row["flat"] in {"yes", "no"}
    ct = [row for row in told["rows"] if "channels ct" in row["settings"]]
    assert all(" / " not in row["validation DSC by step"] for row in ct)
    assert ct


def test_a_table_is_drawn_again_without_a_job(made):
    page, _, _, inputs = made
    table = page.parent / "tables" / "table5.csv"
    before = table.read_text("utf-8")
    table.unlink()
    lines = []
    again, failures = reproduce(
        page.parent,
        ("table5",),
        "tiny",
        phantom=inputs / "p.nii",
        labels=str(inputs / "map.toml"),
        cts=inputs,
        report=lines.append,
    )
    assert (again, failures, lines) == (page, {}, [])
    assert table.read_text("utf-8") == before


def test_what_was_not_given_or_not_run_is_said(tmp_path):
    page, _ = reproduce(tmp_path, ("table5", "table6", "dimensions"), "tiny", compute=False)
    text = page.with_suffix(".md").read_text("utf-8")
    assert "needs --phantom" in text
    assert "needs --cts" in text
    assert "Not run: needs --preset hour or full" in text
    assert "not run yet" in text
    assert "not decided" in text
    assert Plan(PRESETS["tiny"]).cohort("xcat test") == ()


def test_a_failure_is_a_cell_and_stops_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "fuzzyseg.experiments.reproduce.run.run",
        lambda tasks, _engine: (failed(task) for task in tasks),
    )
    page, failures = reproduce(tmp_path, ("table4",), "tiny")
    assert failures
    assert "failed: the loss is no longer finite" in page.with_suffix(".md").read_text("utf-8")


def failed(task):
    from fuzzyseg.jobs import Failure, Outcome

    return Outcome(task, failure=Failure("the loss is no longer finite"))


def test_a_larger_preset_begins_with_the_patients_of_a_smaller_one():
    from dataclasses import replace

    small = Plan(PRESETS["tiny"])
    large = Plan(replace(PRESETS["tiny"], train=4, test=3))
    for name in ("train", "test"):
        keys = [job.key for job in small.cohort(name)]
        assert keys == [job.key for job in large.cohort(name)][: len(keys)]


def test_wrong_wishes_are_refused(tmp_path):
    with pytest.raises(InputError, match="table7"):
        chosen_items(("table7",))
    assert [item.NAMES for item in chosen_items(("fig3",))] == [("table1", "fig3")]
    with pytest.raises(InputError, match="--phantom and --labels together"):
        reproduce(tmp_path, phantom=tmp_path / "p.nii")
    with pytest.raises(InputError, match="--cts to exist"):
        reproduce(tmp_path, cts=tmp_path / "nowhere")
    with pytest.raises(InputError, match="NAME_ct"):
        reproduce(tmp_path, ("table6",), cts=tmp_path)
    with pytest.raises(InputError, match="preset"):
        reproduce(tmp_path, preset="huge")
