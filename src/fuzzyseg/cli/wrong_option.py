"""What is wrong with a command line, out of the box of text that tyro draws about it."""

from __future__ import annotations

import difflib
import itertools
import re
import types
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

if TYPE_CHECKING:
    from collections.abc import Mapping

_FRAME = " \u2502\u2570\u256f\u2500|"
_TITLE = ("\u256d", "+-")  # how its line begins
_HELPTEXT = re.compile(r" (For full helptext|Argument helptext).*")
_VALUE = re.compile(
    r"Error parsing (?:-\w/)?(--[\w-]+): .*?(?:from|arguments|:) \[?('.*?')\]?(?: |$|\.)"
)
_CHOICE = re.compile(r"invalid choice '(.*?)' for argument '(?:-\w/)?(--[\w-]+)'")
_NO_VALUE = re.compile(r"Missing value for argument '(.*?)'")
_UNKNOWN = re.compile(r"Unrecognized options: (.*)")
_OPTION = re.compile(r"--?[A-Za-z]")  # unlike a negative number
_NEAR = 0.7  # how alike words are, of 1, that may be one misspelt
_REQUIRED = re.compile(r"(?:(-\w) [A-Z]+, )?(--[\w-]+)? ?([A-Z][A-Z_-]*)")


def explained(box: str, name: str, hints: Mapping[str, Any]) -> str:
    """Say in one line what was expected and what was found.

    Parameters
    ----------
    box : str
        What tyro printed.
    name : str
        Of the command.
    hints : mapping of str to type
        Of its options, by their names with dashes.
    """
    lines = [line.strip(_FRAME) for line in box.splitlines() if not line.startswith(_TITLE)]
    text = " ".join(line for line in lines if line)
    more = f"see fuzzyseg {name} --help"
    if found := _VALUE.search(text):
        option, value = found.groups()
        return f"expected {_wanted(hints.get(option))} for {option}, found {value}; {more}"
    if found := _CHOICE.search(text):
        value, option = found.groups()
        return f"expected {_wanted(hints.get(option))} for {option}, found {value!r}; choose one"
    if found := _NO_VALUE.search(text):
        return f"expected a value after {found[1]}, found none; {more}"
    if text.startswith("Missing from"):
        missing = [m for line in lines if (m := _REQUIRED.fullmatch(line))]
        words = [f"{m[1] or m[2]} {m[3]}" if m[2] else m[3] for m in missing]
        return f"expected {' and '.join(words)}, found none; {more}"
    if found := _UNKNOWN.search(" ".join(itertools.takewhile(bool, lines))):
        words = found[1].split(", ")
        wrong = [word for word in words if _OPTION.match(word)]
        told = " and ".join(_perhaps(word, hints) for word in wrong)
        if not wrong:
            return f"expected no more words for fuzzyseg {name}, found {' '.join(words)}; {more}"
        return f"expected options of fuzzyseg {name}, found {told}; {more}"
    said = _HELPTEXT.sub("", text).rstrip(".")
    return f"expected other options, found: {said}; {more}"


def _perhaps(word: str, hints: Mapping[str, Any]) -> str:
    """Name an unknown option, and the one that may be meant."""
    word = word.partition("=")[0]
    names = [option[2:] for option in hints]
    names += [f"no-{option[2:]}" for option, hint in hints.items() if hint is bool]
    said = word.lstrip("-")
    begun = [name for name in names if name.startswith(said)] if len(said) > 1 else []
    near = begun if len(begun) == 1 else difflib.get_close_matches(said, names, 1, _NEAR)
    return f"{word} (is --{near[0]} meant?)" if near else word


def _wanted(hint: Any) -> str:
    """Name values of a type as people do."""
    if get_origin(hint) is Annotated:
        return _wanted(get_args(hint)[0])
    if get_origin(hint) in {Union, types.UnionType}:
        return " or ".join(_wanted(one) for one in get_args(hint) if one is not type(None))
    if get_origin(hint) is Literal:
        return f"one of {', '.join(map(str, get_args(hint)))}"
    if get_origin(hint) is tuple:
        each = get_args(hint)
        return "numbers" if Ellipsis in each else f"{len(each)} numbers"
    return {int: "a whole number", float: "a number"}.get(hint, "another value")
