import os
import subprocess
import sys

import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.io.output import new_folder, replacing, results_folder, write_text

NAMES = ("a.txt", "run.json")


def fill(folder, text="x"):
    for name in NAMES:
        (folder / name).write_text(text)


def test_results_appear_together_at_the_end(tmp_path):
    out = tmp_path / "deep" / "out"
    with results_folder(out, NAMES) as folder:
        fill(folder)
        assert not any((out / name).exists() for name in NAMES)
    assert sorted(p.name for p in out.iterdir()) == sorted(NAMES)


def test_an_error_leaves_what_was_there(tmp_path):
    fill(tmp_path, "old")

    def run():
        with results_folder(tmp_path, NAMES, force=True) as folder:
            fill(folder, "new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        run()
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == dict.fromkeys(NAMES, "old")


def test_an_error_removes_the_folder_it_made(tmp_path):
    with pytest.raises(RuntimeError), results_folder(tmp_path / "out", NAMES):
        raise RuntimeError
    assert not (tmp_path / "out").exists()


def test_other_files_stay(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with results_folder(tmp_path, NAMES) as folder:
        fill(folder)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_what_a_run_does_not_write_is_of_no_other_run(tmp_path):
    fill(tmp_path, "old")
    with results_folder(tmp_path, NAMES, force=True) as folder:
        (folder / "run.json").write_text("new")
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"run.json": "new"}


def test_results_are_kept_without_force(tmp_path):
    (tmp_path / "run.json").write_text("old")
    with pytest.raises(InputError, match=r"run\.json.*--force"), results_folder(tmp_path, NAMES):
        pass
    assert (tmp_path / "run.json").read_text() == "old"


def test_what_a_killed_run_left_is_removed(tmp_path):
    left, older = (tmp_path / f".fuzzyseg-unfinished-{name}" for name in ("1-results", "2-a.txt"))
    left.mkdir()
    fill(left)
    older.write_text("half")
    os.utime(older, (0, 0))
    other = tmp_path / ".fuzzyseg-unfinished-3-of-a-process-that-may-live.txt"
    other.write_text("half")
    with results_folder(tmp_path, NAMES) as folder:
        fill(folder)
        with results_folder(tmp_path, ("b.txt",)) as held:
            (held / "b.txt").write_text("a run beside this one")
            assert folder.exists()
    assert not left.exists()
    assert not older.exists()
    assert other.exists()


def test_a_file_in_the_way_is_one_clear_error(tmp_path):
    (tmp_path / "out").write_text("precious")
    with (
        pytest.raises(InputError, match="writable folder"),
        results_folder(tmp_path / "out", NAMES),
    ):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_one_clear_error(tmp_path):
    tmp_path.chmod(0o500)
    with (
        pytest.raises(InputError, match="writable folder"),
        results_folder(tmp_path / "out", NAMES),
    ):
        pass


def test_a_text_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_text(path, "old")
    write_text(path, "new")
    assert path.read_text() == "new"

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", refuse)
    with pytest.raises(OSError, match="No space"):
        write_text(path, "half")
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a.json": "new"}


# Writes one file, and one folder of results, over and over; argument 1 is its own text.
WRITER = """
import sys
from pathlib import Path
from fuzzyseg.io.output import results_folder, write_text
folder, own = Path(sys.argv[1]), sys.argv[2]
for number in range(150):
    write_text(folder / "one.json", own * 2000)
    with results_folder(folder / "out", ("a.txt", "b.txt", "run.json"), force=True) as staging:
        for name in ("a.txt", "b.txt", "run.json"):
            (staging / name).write_text(f"{own}{number}")
"""


def test_processes_that_write_one_place_do_not_disturb_each_other(tmp_path):
    run = [sys.executable, "-c", WRITER, str(tmp_path)]
    writers = [subprocess.Popen([*run, own], stderr=subprocess.PIPE, text=True) for own in "xy"]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        if (tmp_path / "one.json").exists():
            seen.add((tmp_path / "one.json").read_text())
    assert [writer.communicate()[1] for writer in writers] == ["", ""]
    assert seen <= {"x" * 2000, "y" * 2000}
    out = tmp_path / "out"
    assert len({path.read_text() for path in out.iterdir()}) == 1  # all of one run, no leftovers
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one.json", "out"]


def test_results_that_appear_meanwhile_are_not_replaced(tmp_path):
    def run():
        with results_folder(tmp_path, NAMES) as folder:
            fill(folder)
            fill(tmp_path, "another run's")

    with pytest.raises(InputError, match="--force"):
        run()
    assert {p.read_text() for p in tmp_path.iterdir()} == {"another run's"}


def test_a_partial_file_has_the_ending_of_the_whole_and_a_name_that_fits(tmp_path):
    path = tmp_path / ("n" * 240 + ".nii.gz")
    with replacing(path) as one, replacing(path) as other:
        assert one.name.endswith(".nii.gz")
        assert one != other
        one.write_text("1")
        other.write_text("2")
    assert path.read_text() == "1"


def test_a_new_folder_appears_whole(tmp_path):
    def run(text, fail):
        with new_folder(tmp_path / "out") as folder:
            (folder / "a").write_text(text)
            if fail:
                raise RuntimeError

    with pytest.raises(RuntimeError):
        run("half", fail=True)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "out").mkdir()
    run("whole", fail=False)
    with pytest.raises(OSError, match="not empty"):
        run("another", fail=False)
    assert [p.read_text() for p in tmp_path.rglob("a")] == ["whole"]
    assert len(list(tmp_path.iterdir())) == 1
