"""A new thing is its own code and one entry of a table: one of each kind is added at run time.

Methods, networks and losses have tests of their own, which fit or build what they add.
"""

import sys
from dataclasses import dataclass, replace
from types import MappingProxyType, ModuleType

import numpy as np

from fuzzyseg.cli.commands import COMMANDS, Entry
from fuzzyseg.cli.main import main
from fuzzyseg.io import catalogue, read_volume, readers
from fuzzyseg.simulation.scanner import protocol
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


def test_a_scanner(monkeypatch):
    other = replace(protocol.get_protocol("symbia-t16"), name="another")
    entries = MappingProxyType({**protocol.PROTOCOLS, "another": other})
    monkeypatch.setattr(protocol, "PROTOCOLS", entries)
    assert protocol.get_protocol("another") is other
