"""Options and terminal output that commands share."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Input = Annotated[Path, tyro.conf.Positional]
Output = Annotated[Path, tyro.conf.arg(aliases=["-o"])]
Config = Annotated[Path | None, tyro.conf.arg(metavar="FILE.toml")]


def say(text: str, *, quiet: bool = False) -> None:
    """Write a line to standard output."""
    if not quiet:
        sys.stdout.write(f"{text}\n")


def warn(text: str) -> None:
    """Write a warning to standard error; `--quiet` does not hide it."""
    sys.stderr.write(f"fuzzyseg: warning: {text}\n")


def to_json(value: Any) -> str:
    """JSON with an indent; NaN is a mistake here and raises."""
    return json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


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
        disable=quiet or not sys.stderr.isatty(),
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
