"""A new thing is its own code and one entry of a table: one of each kind is added at run time.

A clustering method is added in segmentation/test_methods.py, which fits it, a network in
networks/test_registry.py, which builds it.
"""

import ast
import json
import sys
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
import pytest
from toy_training import QUICK, toy_case

from fuzzyseg.cli.commands import COMMANDS, Entry
from fuzzyseg.cli.main import main
from fuzzyseg.cli.parse import parse
from fuzzyseg.errors import InputError
from fuzzyseg.fuzzy import check_exponent
from fuzzyseg.io import catalogue, read_volume, readers
from fuzzyseg.lazy import load
from fuzzyseg.losses import LOSSES, LossEntry
from fuzzyseg.losses.inputs import as_probabilities, check_how, reduced
from fuzzyseg.losses.label_loss import LabelLoss
from fuzzyseg.simulation.scanner.montecarlo import KernelSettings
from fuzzyseg.simulation.scanner.registry import PROTOCOLS, get_protocol
from fuzzyseg.simulation.scanner.scan import acquire
from fuzzyseg.simulation.simulated import Recipe, check_recipe, mixed_recipe
from fuzzyseg.training.config import check_config
from fuzzyseg.training.loop import train
from fuzzyseg.training.objective import build_loss
from fuzzyseg.volume import Volume


@dataclass(frozen=True)
class Command:
    """Say a word.

    Parameters
    ----------
    word
        What to say.
    loud
        In capitals.
    """

    word: str = "hello"
    loud: bool = False

    def run(self) -> None:
        sys.stdout.write(self.word.upper() if self.loud else self.word)


def test_a_command(monkeypatch, capsys):
    module = ModuleType("greeting")
    module.Command = Command
    monkeypatch.setitem(sys.modules, "greeting", module)
    monkeypatch.setitem(COMMANDS, "greet", Entry("say a word", "greeting"))
    assert main(["--help"]) == 0
    assert "greet      say a word" in capsys.readouterr().out
    assert main(["greet", "--word", "ay", "--loud"]) == 0
    assert capsys.readouterr().out == "AY"
    assert main(["greet", "--help"]) == 0
    assert "--loud" in capsys.readouterr().out
    assert main(["greet", "--quietly"]) == 2


def test_a_file_format(monkeypatch, tmp_path):
    def read(path, modality):
        return Volume(np.load(path), np.eye(4), modality or "NM")

    new = readers.single("numpy", "an array", lambda path: path.suffix == ".npy", read)
    entries = (*readers.READERS, new)
    monkeypatch.setattr(readers, "READERS", entries)
    monkeypatch.setattr(catalogue, "READERS", entries)
    array = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    np.save(tmp_path / "a.npy", array)
    np.testing.assert_array_equal(read_volume(tmp_path / "a.npy").array, array)


@pytest.fixture
def scanner(monkeypatch):
    """A third camera, listed as "another"."""
    other = replace(PROTOCOLS["symbia-t16"], name="another", about="a camera, made up", fov_cm=50.0)
    monkeypatch.setitem(PROTOCOLS, "another", other)
    return other


def test_a_scanner(scanner, capsys):
    assert main(["simulate", "--help"]) == 0
    assert "another        a camera, made up" in capsys.readouterr().out
    assert main(["info", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["protocols"]["another"] == scanner.about
    command = parse("simulate", ["-o", "out", "--protocol", "another"])
    check_recipe(command.recipe)
    with pytest.raises(InputError, match=r"--protocol out of .*another, found 'a third'"):
        parse("simulate", ["-o", "out", "--protocol", "a third"])
    recipes = [mixed_recipe(Recipe(), np.random.default_rng(seed)) for seed in range(20)]
    assert {recipe.protocol for recipe in recipes} == set(PROTOCOLS)


@pytest.mark.usefixtures("scanner")
def test_a_scanner_scans():
    protocol = replace(get_protocol("another").with_views(8), scan_minutes=1.0)
    body = np.zeros((24, 24, 4), np.float32)
    body[8:16, 8:16] = 1
    quick = KernelSettings(photons=10_000)
    scan = acquire(1e4 * body, 0.15 * body, voxel_cm=0.48, protocol=protocol, kernel_settings=quick)
    assert scan.protocol is protocol
    assert scan.counts.shape == (8, 24, 4)
    assert scan.counts.sum() > 0


class OffByOneSettings(NamedTuple):
    q: float = 2.0
    gain: float = 1.0
    input_kind: str = "logits"
    reduction: str = "mean"

    def check(self):
        check_exponent(self.q)
        check_how(self.input_kind, self.reduction)


def off_by_one(logits, labels, labelled, settings):
    of_class = as_probabilities(logits, settings.input_kind).gather(1, labels.clamp_min(0))[:, 0]
    return reduced(settings.gain * (1 - of_class) ** settings.q, labelled, settings.reduction)


class OffByOne(LabelLoss):
    """1 - u of the labelled class, to the power q, times a parameter of its own."""

    _compute = staticmethod(off_by_one)

    def __init__(self, q: float = 2.0, *, gain: float = 1.0) -> None:
        super().__init__(OffByOneSettings(q, gain))


def test_a_loss(monkeypatch, capsys, tmp_path):
    module = ModuleType("off_by_one")
    module.OffByOne = OffByOne
    monkeypatch.setitem(sys.modules, "off_by_one", module)
    entry = LossEntry("how far from the label, made up", "off_by_one:OffByOne", labels=True)
    monkeypatch.setitem(LOSSES, "off-by-one", entry)
    assert main(["info", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["losses"]["off-by-one"] == entry.about
    config = replace(QUICK, loss="off-by-one", steps=40, log_every=10, lr=1e-2)
    assert config.needs_labels
    found = []
    train(tmp_path, config, [toy_case()], report=lambda line: found.append(line["loss"]))
    assert found[-1] < 0.7 * found[0]
    assert main(["train", "--help"]) == 0
    assert f"off-by-one     {entry.about}" in capsys.readouterr().out


def test_a_parameter_of_a_loss_needs_no_option(monkeypatch):
    module = ModuleType("off_by_one")
    module.OffByOne = OffByOne
    monkeypatch.setitem(sys.modules, "off_by_one", module)
    monkeypatch.setitem(LOSSES, "off-by-one", LossEntry("made up", "off_by_one:OffByOne"))
    words = ["--loss", "rfcm+off-by-one", "--loss-parameters", "gain=3", "--q", "1.5"]
    config = parse("train", ["cohort", "-o", "run", *words]).train
    check_config(config)
    assert build_loss(config, None).terms[1].settings[:2] == (1.5, 3.0)


@pytest.mark.parametrize("package", ["clustering", "losses", "networks"])
def test_type_checkers_see_what_a_table_exports(package):
    """What is exported on first use is imported, for type checkers, in the table's own file."""
    module = import_module(f"fuzzyseg.{package}")
    tree = ast.parse(Path(module.__file__).with_name("registry.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    shown = [
        (alias.asname, f"{statement.module}:{alias.name}")
        for statement in block.body
        for alias in statement.names
        if alias.asname
    ]
    exported = {name for name in module.__all__ if name not in vars(module)}
    assert {name for name, _ in shown} == exported, "import it under TYPE_CHECKING, `as` itself"
    assert all(getattr(module, name) is load(place) for name, place in shown)
    assert exported <= set(dir(module))
