import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import fuzzyseg
from fuzzyseg.cli.commands import COMMANDS


@pytest.mark.parametrize("name", fuzzyseg.__all__)
def test_every_name_of_the_front_door_is_there_and_shown(name):
    assert getattr(fuzzyseg, name) is not None
    assert name in dir(fuzzyseg)


def test_what_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'magic'"):
        _ = fuzzyseg.magic


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import fuzzyseg; dir(fuzzyseg)", "numpy torch scipy numba pydicom importlib.metadata"),
        ("import fuzzyseg; fuzzyseg.Volume", "torch scipy numba pydicom nibabel matplotlib"),
        ("import fuzzyseg; fuzzyseg.segment", "torch numba pydicom matplotlib"),
    ],
)
def test_a_name_imports_no_more_than_it_needs(code, absent):
    code += f"; import sys; print(sorted(set({absent.split()}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_package_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "fuzzyseg", "--help"], capture_output=True, text=True, check=True
    )
    assert all(name in done.stdout for name in COMMANDS)


def test_the_citation_names_this_version():
    root = Path(__file__).parents[1]
    version = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert f"\nversion: {version}\n" in (root / "CITATION.cff").read_text("utf-8")
