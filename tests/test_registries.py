"""A new thing is its own code and one entry of a table: one of each kind is added at run time.

Methods and networks have tests of their own, which fit or build what they add.
"""

import json
import sys
from dataclasses import dataclass, replace
from types import ModuleType

import numpy as np
import pytest
from toy_training import QUICK, toy_case

from fuzzyseg.cli.commands import COMMANDS, Entry
from fuzzyseg.cli.main import main
from fuzzyseg.cli.parse import parse
from fuzzyseg.errors import InputError
from fuzzyseg.io import catalogue, read_volume, readers
from fuzzyseg.losses import LOSSES, LossEntry
from fuzzyseg.losses.inputs import reduced
from fuzzyseg.losses.label_loss import LabelLoss
from fuzzyseg.losses.rfcm import RFCMSettings
from fuzzyseg.simulation.scanner.montecarlo import KernelSettings
from fuzzyseg.simulation.scanner.registry import PROTOCOLS, get_protocol
from fuzzyseg.simulation.scanner.scan import acquire
from fuzzyseg.simulation.simulated import Recipe, check_recipe, mixed_recipe
from fuzzyseg.training.loop import train
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


class OffByOne(LabelLoss):
    """1 - u of the labelled class, to the power q."""

    def __init__(self, q: float = 2.0) -> None:
        super().__init__(RFCMSettings(q))

    def _compute(self, f, labels, labelled, settings):
        of_class = f.softmax(1).gather(1, labels.clamp_min(0))[:, 0]
        return reduced((1 - of_class) ** settings.q, labelled, settings.reduction)


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
