"""The pool of this machine: processes with one thread each, which live from task to task."""

from __future__ import annotations

import os
import signal
import sys
import time
from multiprocessing import connection
from typing import TYPE_CHECKING, Any, cast

from fuzzyseg.jobs.processes import SPAWN, end_with_parent, one_thread
from fuzzyseg.jobs.task import Answer, Failure, call

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess
    from typing import Self

_MOMENT_S = 2.0  # for a process that is told to stop


class Pool:
    """Processes that each compute one call at a time; what one has loaded, it keeps.

    A process that is killed, as the system does where memory runs out, fails the call that it was
    at; the next call gets a new one. All end with the process that opened the pool, however that
    ends.

    Parameters
    ----------
    jobs : int or None
        Calls at a time: processes, each with one thread, which on a few cores are faster than one
        process with many. None: one a core.
    """

    def __init__(self, jobs: int | None = 1) -> None:
        self.slots = (os.cpu_count() or 1) if jobs is None else jobs
        self._idle: list[tuple[SpawnProcess, Connection]] = []
        self._busy: dict[Connection, tuple[SpawnProcess, int]] = {}

    def submit(self, number: int, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        """Give a call to a process that is idle, or to a new one."""
        while self._idle:
            process, pipe = self._idle.pop()
            try:
                pipe.send((function, arguments))
                break
            except OSError:  # it was killed while it was idle
                pipe.close()
        else:
            process, pipe = _started()
            pipe.send((function, arguments))
        self._busy[pipe] = process, number

    def wait(self, timeout_s: float | None = None) -> list[tuple[int, Answer]]:
        """Return calls that have ended, with their numbers."""
        found = []
        ended = cast("list[Connection]", connection.wait(list(self._busy), timeout_s))
        for pipe in ended:
            process, number = self._busy.pop(pipe)
            try:
                answer: Answer = pipe.recv()
                self._idle.append((process, pipe))
            except (EOFError, OSError):
                pipe.close()
                process.join()
                answer = Answer(failure=Failure(_lost(process.exitcode)))
            found.append((number, answer))
        return found

    def __enter__(self) -> Self:
        """Start nothing yet: processes start when there is work."""
        return self

    def __exit__(self, *error: object) -> None:
        """Stop all processes; those at a call have a moment to remove what is unfinished."""
        busy = [process for process, _ in self._busy.values()]
        for process in busy:
            process.terminate()
        until = time.monotonic() + _MOMENT_S
        for process in busy:
            process.join(max(0.0, until - time.monotonic()))
        for process in (*busy, *(process for process, _ in self._idle)):
            process.kill()
            process.join()


def _started() -> tuple[SpawnProcess, Connection]:
    ours, theirs = SPAWN.Pipe()
    with one_thread():
        process = SPAWN.Process(target=_serve, args=(theirs,), daemon=True)
        process.start()
    theirs.close()  # so that its end is the process's end
    return process, ours


def _serve(pipe: Connection) -> None:
    """Answer calls until there are no more: what a process of the pool does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal: the pool stops its processes
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # on the way out, folders are removed
    end_with_parent()
    while True:
        try:
            function, arguments = pipe.recv()
        except EOFError:
            return
        pipe.send(call(function, arguments))


def _lost(exitcode: int | None) -> str:
    how = f"signal {-exitcode}" if exitcode is not None and exitcode < 0 else f"code {exitcode}"
    return (
        "expected the process that computed this to continue, found that it ended with "
        f"{how}, as happens if memory runs out; give fewer --jobs"
    )
