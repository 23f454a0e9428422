"""How the command line ends on odd terminals: exit codes as of other tools, and whole results."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from fuzzyseg.batch.one import FILES
from fuzzyseg.io.output import to_json

FUZZYSEG = f"{sys.executable} -m fuzzyseg"


def shell(line, **environment):
    return subprocess.run(
        ["/bin/bash", "-c", line],
        capture_output=True,
        text=True,
        errors="surrogateescape",
        env={**os.environ, **environment},
        check=False,
    )


@pytest.fixture(scope="module")
def call(tmp_path_factory):
    """A command that segments a tiny volume by K-means: its folder, and the words."""
    folder = tmp_path_factory.mktemp("call")
    array = np.zeros((6, 7, 8), np.float32)
    array[2:4, 2:5, 2:6] = 1
    array[2, 3, 4] = 5
    array += np.random.default_rng(0).normal(0, 0.01, array.shape).astype(np.float32)
    nib.save(nib.Nifti1Image(array, np.eye(4)), folder / "v.nii")
    return folder, f"{FUZZYSEG} segment {folder}/v.nii --method threshold"


@pytest.mark.parametrize("end", ["> /dev/full", ">&- 2>&-"])
def test_output_that_cannot_be_written_to_is_code_1_and_results_are_whole(end, call, tmp_path):
    done = shell(f"{call[1]} -o {tmp_path}/out {end}")
    assert done.returncode == 1
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(FILES)
    json.loads((tmp_path / "out" / "run.json").read_text())
    if "2>" not in end:
        assert done.stderr.splitlines()[-1].startswith("fuzzyseg: error: cannot write")
        assert "Traceback" not in done.stderr


def test_quiet_has_nothing_to_say_to_a_closed_output(call, tmp_path):
    done = shell(f"{call[1]} -o {tmp_path}/out --quiet >&-")
    assert done.returncode == 0


def test_a_reader_that_leaves_is_no_error():
    done = shell(f"set -o pipefail; {FUZZYSEG} info --json | head -c 1; exit ${{PIPESTATUS[0]}}")
    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.parametrize("name", ["\u00e9\u4e2d", "bad\udcff"])
def test_names_that_a_terminal_cannot_show(name, call, tmp_path):
    folder = Path(os.fsdecode(tmp_path)) / name
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system takes only names in UTF-8")
    environment = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"}
    done = shell(f"{call[1]} -o '{folder}/out'", **environment)
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in (folder / "out").iterdir()) == sorted(FILES)
    absent = shell(f"{FUZZYSEG} segment '{folder}/absent.nii' -o {tmp_path}/o", **environment)
    assert absent.returncode == 2
    assert absent.stderr.startswith("fuzzyseg: error: expected ")
    assert absent.stderr.count("\n") == 1


def test_json_escapes_what_is_no_unicode():
    assert json.loads(to_json({"a": "x\udcff\u00e9"})) == {"a": "x\udcff\u00e9"}
    with pytest.raises(ValueError, match="JSON"):
        to_json({"a": float("nan")})
