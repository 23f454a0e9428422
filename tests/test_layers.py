"""Imports go one way, and nothing heavy is imported before it is used."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "fuzzyseg"
# A layer may import from itself, and from every layer in a line above its own.
LAYERS = [
    {
        "administration",
        "errors",
        "identity",
        "volume",
        "fuzzy",
        "provenance",
        "tc99m",
        "lazy",
        "old_names",
        "conventions",
        "counts",
        "drawing",
        "compiled",
        "tables",
        "parameters",
        "separable",
        "rigid",
    },
    {"io"},
    {"jobs"},
    {"pairing"},
    {"resample", "body"},
    {"registration"},
    {"clustering", "losses", "networks", "simulation", "metrics"},
    {"models"},
    {"inference"},
    {"training", "segmentation"},
    {"quantification"},
    {"report"},
    {"batch", "interop", "follow_up"},
    {"experiments"},
    {"cli"},
    {"__main__"},
]
LEVEL = {name: level for level, layer in enumerate(LAYERS) for name in layer}


def imports(path):
    """Modules of fuzzyseg that a file imports anywhere, in functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield from (
                [f"{node.module}.{alias.name}" for alias in node.names]
                if node.module == "fuzzyseg"
                else [node.module]
            )
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_every_module_belongs_to_a_layer():
    names = {p.stem if p.is_file() else p.name for p in PACKAGE.iterdir()}
    assert names - {"__init__", "__pycache__", "py"} <= set(LEVEL), "say where a new one belongs"


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_imports_go_one_way(path):
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if own == "__init__":
        return
    for module in imports(path):
        if module.startswith("fuzzyseg."):
            other = module.split(".")[1]
            same = other == own
            assert same or LEVEL[other] < LEVEL[own] or other in LAYERS[0], (
                f"{path} imports {module}"
            )


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        (
            "from fuzzyseg.cli.main import main; main(['--help'])",
            "tyro rich numpy torch numba scipy dataclasses tomllib",
        ),
        (
            "import fuzzyseg.clustering, fuzzyseg.metrics, fuzzyseg.segmentation",
            "torch numba matplotlib",
        ),
        ("import fuzzyseg.io, fuzzyseg.resample", "torch numba matplotlib pydicom"),
    ],
)
def test_heavy_libraries_are_imported_lazily(statement, absent):
    code = f"{statement}\nimport sys; print(sorted(set({absent.split()}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
