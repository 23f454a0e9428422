"""What commands say: lines, warnings, JSON and tables, on whatever terminal there is."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

    from rich.table import Table

_WIDTH = 140  # of tables, in characters


class TerminalError(Exception):
    """Standard output cannot be written to: a full disk, say."""


def say(text: str, *, quiet: bool = False) -> None:
    """Write a line to standard output."""
    if not quiet:
        write(sys.stdout, f"{text}\n")


def warn(text: str) -> None:
    """Write a warning to standard error; `--quiet` does not hide it."""
    write(sys.stderr, f"fuzzyseg: warning: {text}\n")


def complain(text: str) -> None:
    """Write what went wrong to standard error."""
    write(sys.stderr, f"fuzzyseg: error: {text}\n")


def write(stream: TextIO | None, text: str) -> None:
    """Write to standard output or error.

    Raises
    ------
    TerminalError
        If standard output is closed or refuses; of standard error nobody could be told.
    BrokenPipeError
        If its reader has left.
    """
    if stream is None:  # closed by the shell, before Python started
        if stream is sys.stdout:
            raise TerminalError("it is closed")
        return
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        if stream is sys.stdout:
            raise TerminalError(error.strerror) from error


def prepare() -> None:
    """Make the streams fit for any text, and closed ones harmless.

    What a terminal's encoding lacks is written escaped: file names need not be text in any
    encoding, and no message may fail because of one. And where a standard stream is closed, its
    number goes to the null device: the next file that is opened would get it, and whatever a
    library prints with it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free: this one
    warnings.showwarning = _show
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _show(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Show a warning of this package in plain words, all others as Python does."""
    if category.__module__.startswith("fuzzyseg."):
        warn(f"{message}.")
    else:
        text = warnings.formatwarning(message, category, filename, lineno, line)
        write(file or sys.stderr, text)


def leave_standard_output() -> None:
    """Send what is still to be written nowhere: Python would fail with it when it exits."""
    if sys.stdout is None:
        return
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def say_table(table: Table) -> None:
    """Write a table to standard output, 140 characters wide at most."""
    from io import StringIO

    from rich.console import Console

    text = StringIO()
    colours = sys.stdout is not None and sys.stdout.isatty()
    Console(file=text, width=_WIDTH, force_terminal=colours or None).print(table)
    say(text.getvalue().rstrip("\n"))


@contextlib.contextmanager
def progress(quiet: bool) -> Iterator[Callable[[str], Callable[[int, int], None]]]:
    """Bars on standard error: call with a step's name, then with (done, total).

    A step that says nothing of its progress shows a moving bar and the time it takes. Nothing
    is drawn where standard error is no terminal.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    bars = Progress(
        TextColumn("{task.description:<22}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=quiet or sys.stderr is None or not sys.stderr.isatty(),
    )
    open_steps: list[Any] = []

    def close() -> None:
        for task in open_steps:
            bars.update(task, total=1, completed=1)
        open_steps.clear()

    def step(name: str) -> Callable[[int, int], None]:
        close()
        task = bars.add_task(name, total=None)
        open_steps.append(task)

        def report(done: int, total: int) -> None:
            bars.update(task, completed=done, total=total)

        return report

    with bars:
        yield step
        close()
