"""`fuzzyseg COMMAND ...`: which command runs, and what its end means to a shell."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from fuzzyseg.cli.commands import COMMANDS
from fuzzyseg.cli.terminal import (
    TerminalError,
    complain,
    leave_standard_output,
    prepare,
    write,
)
from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

_HELP = """\
usage: fuzzyseg COMMAND [options]

Bone SPECT/CT segmentation into background, bone and lesion by fuzzy clustering.

commands:
{commands}

fuzzyseg COMMAND --help    options of a command
fuzzyseg --version         version
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns
    -------
    int
        The exit code: 0 done, 1 if standard output could not be written to, 2 for bad input, 130
        for Ctrl-C.
    """
    prepare()
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _run(arguments)
    except BrokenPipeError:  # the reader of our output, `head` say, has left: nothing is wrong
        leave_standard_output()
        return 0
    except TerminalError as error:
        leave_standard_output()
        complain(f"cannot write to standard output: {error}; result files are complete")
        return 1


def _run(arguments: list[str]) -> int:
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        lines = [f"  {name:<10} {entry.about}" for name, entry in COMMANDS.items()]
        write(sys.stdout, _HELP.format(commands="\n".join(lines)))
        return 0
    if arguments[0] in {"-V", "--version"}:
        from importlib import metadata

        write(sys.stdout, f"fuzzyseg {metadata.version('fuzzyseg')}\n")
        return 0
    debug = "--debug" in arguments
    try:
        name, *rest = [a for a in arguments if a != "--debug"]
        if name not in COMMANDS:
            raise InputError(
                f"expected one of the commands {', '.join(COMMANDS)}, found {name!r}; "
                "see fuzzyseg --help"
            )
        if {"-h", "--help"} & set(rest):
            from fuzzyseg.cli.help import command_help

            write(sys.stdout, command_help(name))
            return 0
        from fuzzyseg.cli.parse import parse

        parse(name, rest).run()
    except InputError as error:
        if debug:
            raise
        complain(str(error))
        return 2
    except KeyboardInterrupt:
        write(sys.stderr, "fuzzyseg: stopped\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
