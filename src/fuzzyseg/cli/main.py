"""`fuzzyseg COMMAND ...`: one dataclass with a `run` method a command, its fields the options."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import io
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, get_type_hints

from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Command(Protocol):
    """What every command's dataclass has."""

    def run(self) -> None:
        """Do it; raise InputError for what the user can mend."""


# Name, and the module of fuzzyseg.cli whose `Command` runs it. Modules load when they are used.
COMMANDS = {
    "segment": "segment a SPECT or CT: memberships, labels, preview",
    "evaluate": "compare a label map with the truth",
    "simulate": "simulate bone SPECT/CT patients with known truth",
    "train": "train a network on simulated patients or your own",
    "adapt": "adapt a model to one scan, without labels",
    "models": "list models, and what they were trained on",
    "export": "write a model as ONNX",
    "info": "versions, methods and formats at hand",
    "demo": "simulate a patient, segment it and compare the result with the truth",
}

_NOT_IN_FILES = {"config", "debug", "input", "output"}  # said on the command line alone

_HELP = """\
usage: fuzzyseg COMMAND [options]

Bone SPECT/CT segmentation into background, bone and lesion by fuzzy clustering.

commands:
{commands}

fuzzyseg COMMAND --help    options of a command
fuzzyseg --version         version
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command. Exit codes: 0 done, 2 for bad input, 130 for Ctrl-C."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        lines = [f"  {name:<10} {what}" for name, what in COMMANDS.items()]
        sys.stdout.write(_HELP.format(commands="\n".join(lines)))
        return 0
    if arguments[0] in {"-V", "--version"}:
        from importlib import metadata

        sys.stdout.write(f"fuzzyseg {metadata.version('fuzzyseg')}\n")
        return 0
    debug = "--debug" in arguments
    try:
        _parse([a for a in arguments if a != "--debug"]).run()
    except InputError as error:
        if debug:
            raise
        sys.stderr.write(f"fuzzyseg: error: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("fuzzyseg: stopped\n")
        return 130
    except BrokenPipeError:  # the reader of our output, `head` say, has left
        with contextlib.suppress(OSError):
            sys.stdout.close()
        return 0
    return 0


def _parse(arguments: list[str]) -> Command:
    name, *rest = arguments
    if name not in COMMANDS:
        raise InputError(
            f"expected one of the commands {', '.join(COMMANDS)}, found {name!r}; "
            "see fuzzyseg --help"
        )
    import tyro

    kind: Any = importlib.import_module(f"fuzzyseg.cli.{name}").Command
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            command: Command = tyro.cli(
                kind,
                prog=f"fuzzyseg {name}",
                description=COMMANDS[name][0].upper() + COMMANDS[name][1:] + ".",
                args=_with_config(rest, kind),
                config=(tyro.conf.OmitArgPrefixes, tyro.conf.PositionalMetavarFromFieldName),
            )
    except SystemExit as stop:
        if not stop.code:  # --help
            raise
        raise InputError(_in_one_line(said.getvalue(), name)) from None
    return command


def _in_one_line(box: str, name: str) -> str:
    """Take the message out of the box that tyro draws around a wrong option."""
    inside = [
        line for line in box.splitlines() if not line.startswith(("\u256d", "+-"))
    ]  # not the title
    lines = [line.strip(" \u2502\u2570\u256f\u2500|+-") for line in inside]
    text = " ".join(line for line in lines if line).split(" For full helptext")[0]
    return f"expected other options, found: {text.rstrip('.')}; see fuzzyseg {name} --help"


def _with_config(arguments: list[str], kind: Any) -> list[str]:
    """Replace `--config FILE` by the options in that TOML file, in front of all other options."""
    options = _options(kind)
    if "config" not in options:
        return arguments
    found, rest = None, []
    words = iter(arguments)
    for word in words:
        if word == "--config":
            found = next(words, None)
            if found is None:
                raise InputError("expected a TOML file after --config, found nothing; name one")
        elif word.startswith("--config="):
            found = word.removeprefix("--config=")
        else:
            rest.append(word)
    if found is None:
        return rest
    try:
        given = tomllib.loads(Path(found).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(
            f"expected a TOML file of options, found {found!r}: {error}; "
            'write lines such as method = "fcm"'
        ) from error
    front = []
    for key, value in given.items():
        option = key.replace("-", "_")
        if option not in options - _NOT_IN_FILES:
            raise InputError(
                f"expected options of this command in {found}, found {key!r}; "
                f"known are {', '.join(sorted(options - _NOT_IN_FILES))}"
            )
        flag = option.replace("_", "-")
        if isinstance(value, bool):
            front.append(f"--{flag}" if value else f"--no-{flag}")
        elif isinstance(value, list):
            front += [f"--{flag}", *map(str, value)]
        else:
            front += [f"--{flag}", str(value)]
    # After leading positional words: a list at the end of the file would take these for its own.
    first = next((i for i, word in enumerate(rest) if word.startswith("-")), len(rest))
    return [*rest[:first], *front, *rest[first:]]


def _options(kind: Any) -> set[str]:
    """Names of a command's options, those of nested dataclasses included."""
    names: set[str] = set()
    for name, hint in get_type_hints(kind).items():
        names |= _options(hint) if dataclasses.is_dataclass(hint) else {name}
    return names


if __name__ == "__main__":
    sys.exit(main())
