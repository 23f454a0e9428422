"""A task, and how it ended."""

from __future__ import annotations

import errno
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fuzzyseg.errors import InputError
from fuzzyseg.io.messages import one_line
from fuzzyseg.io.output import disk_full

if TYPE_CHECKING:
    from collections.abc import Callable


class Later(Exception):  # noqa: N818 - no error: raised by a task that wants to be tried again
    """Somebody else is at this very work: ask again a little later."""


@dataclass(frozen=True)
class Task:
    """One call.

    Parameters
    ----------
    name : str
        Nobody else's in a run.
    function : callable
        A function of a module, so that other processes can import it. It may raise `Later`. What
        it returns goes through a pipe: names and numbers rather than images.
    arguments : tuple
    after : tuple of str
        Names of the tasks that must have ended well before.
    """

    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """Why a task gave nothing.

    Parameters
    ----------
    line : str
        One line for people.
    traceback : str
        For developers; empty where there is none.
    expected : bool
        Whether input or the machine is to blame (InputError, memory, a lost process) rather than
        the code.
    full : bool
        Whether a disk is full, so that all others would fail as well.
    """

    line: str
    traceback: str = ""
    expected: bool = True
    full: bool = False


@dataclass(frozen=True)
class Outcome:
    """How a task ended: `value` is what it returned, where `failure` is None.

    Parameters
    ----------
    task : Task
    value : object
    failure : Failure or None
    seconds : float
        Wall time in the worker; 0 for what was never begun.
    """

    task: Task
    value: Any = None
    failure: Failure | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Answer:
    """What an engine brings back of a call."""

    value: Any = None
    failure: Failure | None = None
    later: bool = False
    seconds: float = 0.0


def call(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Answer:
    """Call a function here, and turn whatever it raises into an answer: a failure stops nobody."""
    started = time.perf_counter()
    try:
        value = function(*arguments)
    except Later:
        return Answer(later=True)
    except InputError as error:
        return Answer(failure=Failure(str(error), traceback.format_exc(), full=disk_full(error)))
    except Exception as error:  # whatever it is: the other tasks go on
        if _out_of_memory(error):
            line = "expected enough memory, found too little; give fewer --jobs"
            return Answer(failure=Failure(line, traceback.format_exc()))
        line, full = f"{type(error).__name__}: {one_line(error)}", disk_full(error)
        return Answer(failure=Failure(line, traceback.format_exc(), expected=full, full=full))
    return Answer(value, seconds=time.perf_counter() - started)


def _out_of_memory(error: Exception) -> bool:
    """Tell whether Python, the system or torch, which has words of its own, got no memory."""
    return (
        isinstance(error, MemoryError)
        or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
        or (isinstance(error, RuntimeError) and "can't allocate memory" in str(error))
    )
