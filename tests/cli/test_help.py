import dataclasses
import re

import pytest

from fuzzyseg.cli.commands import COMMANDS
from fuzzyseg.cli.help import command_help
from fuzzyseg.cli.parse import options
from fuzzyseg.lazy import load
from fuzzyseg.segmentation import METHODS


@pytest.mark.parametrize("name", COMMANDS)
def test_help_tells_every_option_once_and_no_twins(name):
    text = command_help(name)
    assert text.startswith(f"usage: fuzzyseg {name}")
    assert "[options]\n\n" in text
    for field, _ in options(load(f"{COMMANDS[name].module}:Command")):
        said = re.findall(
            rf"^ +(?:-\w, )?--(no-)?{field.name.replace('_', '-')}(?![-\w])", text, re.M
        )
        positional = re.findall(rf"^ +{field.name.upper()}\b", text, re.M)
        assert len(said) + len(positional) == 1, field.name
        assert said in ([], ["no-"] if field.default is True else [""])
    assert max(map(len, text.splitlines())) <= 100


def test_groups_are_in_the_order_in_which_a_person_asks():
    text = command_help("segment")
    titles = re.findall(r"^(\w.*):$", text, re.M)
    assert titles == [
        "How to segment",
        "With a network",
        "By clustering",
        "Lesions",
        "SUV, if the file does not say",
        "In general",
    ]
    assert text.index("INPUT  ") < text.index("--output") < text.index("How to segment:")


def test_choices_are_told_with_their_lines():
    text = command_help("segment")
    for name, method in METHODS.items():
        assert re.search(rf"^ +{name} +{re.escape(method.about[:20])}", text, re.M)


def test_what_must_be_given_is_in_the_usage_line():
    assert command_help("segment").splitlines()[0] == (
        "usage: fuzzyseg segment INPUT -o PATH [options]"
    )


def test_defaults_are_told():
    assert re.search(r"--q X .*\[2\.0\]", command_help("segment"))


def test_a_field_without_a_description_would_be_seen():
    for entry in COMMANDS.values():
        kind = load(f"{entry.module}:Command")
        assert kind.__doc__
        assert dataclasses.is_dataclass(kind)
