import os

import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.io.output import results_folder, write_text

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


def test_results_are_kept_without_force(tmp_path):
    (tmp_path / "run.json").write_text("old")
    with pytest.raises(InputError, match=r"run\.json.*--force"), results_folder(tmp_path, NAMES):
        pass
    assert (tmp_path / "run.json").read_text() == "old"


def test_what_a_killed_run_left_is_removed(tmp_path):
    left = tmp_path / ".fuzzyseg-unfinished-abc"
    left.mkdir()
    fill(left)
    with results_folder(tmp_path, NAMES) as folder:
        fill(folder)
    assert not left.exists()


def test_a_file_in_the_way_is_one_clear_error(tmp_path):
    (tmp_path / "out").write_text("precious")
    with pytest.raises(InputError, match="written to"), results_folder(tmp_path / "out", NAMES):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_one_clear_error(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="written to"), results_folder(tmp_path / "out", NAMES):
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
