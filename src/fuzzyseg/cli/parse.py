"""The words of a command line, and the options of a TOML file, as a command's dataclass."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import tomllib
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, get_args, get_type_hints

from fuzzyseg.cli.commands import COMMANDS
from fuzzyseg.cli.wrong_option import explained
from fuzzyseg.errors import InputError
from fuzzyseg.old_names import renamed

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOT_IN_FILES = {"config", "debug", "input", "output"}  # said on the command line alone
_MAX_BYTES = 2**20  # of a TOML file of options; one that is larger is something else


class Command(Protocol):
    """What every command's dataclass has."""

    def run(self) -> None:
        """Do it; raise InputError for what the user can mend."""


def parse(name: str, words: list[str]) -> Command:
    """Build a command of `COMMANDS` from the words after its name.

    Raises
    ------
    InputError
        If an option is unknown, missing, of another type, or not one of its choices.
    """
    import tyro

    kind: Any = import_module(COMMANDS[name].module).Command
    words = _with_config(words, kind)
    _check_text(words)
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            command: Command = tyro.cli(
                kind,
                prog=f"fuzzyseg {name}",
                args=words,
                config=(tyro.conf.OmitArgPrefixes, tyro.conf.PositionalMetavarFromFieldName),
                add_help=False,
            )
    except SystemExit:
        hints = {
            f"--{_dashed(field.name)}": hint
            for field, hint in options(kind)
            if tyro.conf.Positional not in get_args(hint)
        }
        raise InputError(explained(said.getvalue(), name, hints)) from None
    _check_choices(command)
    return command


def options(kind: Any) -> Iterator[tuple[Any, Any]]:
    """Fields of a dataclass that are options, with their types; nested ones in their place."""
    hints = get_type_hints(kind, include_extras=True)
    for field in dataclasses.fields(kind):
        hint = hints[field.name]
        if not field.init:
            continue
        if dataclasses.is_dataclass(hint):
            yield from options(hint)
        else:
            yield field, hint


def _check_choices(value: Any) -> None:
    """Raise InputError for a field that is not a key, or keys, of its metadata's "choices"."""
    for field in dataclasses.fields(value):
        found = getattr(value, field.name)
        if dataclasses.is_dataclass(found):
            _check_choices(found)
        choices = field.metadata.get("choices")
        if choices is None or found is None:
            continue
        for one in found if isinstance(found, tuple) else (found,):
            if one not in choices:
                raise InputError(
                    f"expected --{_dashed(field.name)} out of {', '.join(choices)}, "
                    f"found {one!r}; choose one"
                )


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _check_text(words: list[str]) -> None:
    for word in words:
        if not word:
            raise InputError(
                "expected a word after every option, found an empty one; is a variable of the "
                "shell not set?"
            )
        if "\0" in word or len(word) > _MAX_WORD:
            found = "a NUL" if "\0" in word else f"{len(word)} characters"
            raise InputError(
                f"expected words that the operating system accepts, found {found} in "
                f"{word[:40]!r}...; check what was pasted there"
            )


_MAX_WORD = 4096  # bytes of a path on Linux, and more than any other option needs


def _with_config(words: list[str], kind: Any) -> list[str]:
    """Replace `--config FILE` by the options in that TOML file, in front of all other options."""
    known = {field.name: hint for field, hint in options(kind)}
    if "config" not in known:
        return words
    found, rest = None, []
    left = iter(words)
    for word in left:
        if word == "--config":
            found = next(left, None)
            if found is None:
                raise InputError("expected a TOML file after --config, found nothing; name one")
        elif word.startswith("--config="):
            found = word.removeprefix("--config=")
        else:
            rest.append(word)
    if found is None:
        return rest
    front = _words(_read_toml(found), known, found)
    # After leading positional words: a list at the end of the file would take these for its own.
    first = next((i for i, word in enumerate(rest) if word.startswith("-")), len(rest))
    return [*rest[:first], *front, *rest[first:]]


def _read_toml(path: str) -> dict[str, Any]:
    try:
        if Path(path).stat().st_size > _MAX_BYTES:
            raise ValueError(f"more than {_MAX_BYTES} bytes")
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except RecursionError:
        reason = "it is nested too deeply"
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
    except ValueError as error:  # no text, no TOML, a number of 5,000 digits
        reason = str(error).split("\n", maxsplit=1)[0]
    raise InputError(
        f"expected a TOML file of options, found {path!r}: {reason}; "
        'write lines such as method = "fcm"'
    )


def _words(given: dict[str, Any], known: dict[str, Any], path: str) -> list[str]:
    """Spell the options of a file as words of a command line."""
    words = []
    allowed = known.keys() - _NOT_IN_FILES
    now = renamed({key.replace("-", "_"): value for key, value in given.items()}, allowed)
    for option, value in now.items():
        if option not in allowed:
            raise InputError(
                f"expected options of this command in {path}, found {option!r}; "
                f"known are {', '.join(sorted(allowed))}"
            )
        flag = _dashed(option)
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        elif isinstance(value, list):
            words += [f"--{flag}", *map(_text, value)]
        else:
            words += [f"--{flag}", _text(value)]
    return words


def _text(value: Any) -> str:
    try:
        return str(value)
    except ValueError:  # Python prints no number of more than 4,300 digits
        raise InputError(
            "expected a number of reasonable length, found one of thousands of "
            "digits in the file of options; write fewer"
        ) from None
