"""What computes tasks: the one list that the command line reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from fuzzyseg.errors import InputError
from fuzzyseg.lazy import load
from fuzzyseg.tables import entry_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from fuzzyseg.jobs.task import Answer

# Name, and "module:Class" of an `Engine` that is built of `jobs` and of keywords of its own.
ENGINES: dict[str, str] = {"local": "fuzzyseg.jobs.local:Pool"}


class Engine(Protocol):
    """Computes calls somewhere; a context manager that stops them at its end."""

    @property
    def slots(self) -> int:
        """How many calls may be under way; it may change."""

    def submit(self, number: int, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        """Begin a call that will be known by a number."""

    def wait(self, timeout_s: float | None = None) -> list[tuple[int, Answer]]:
        """Return calls that have ended, with their numbers, as soon as there is one.

        Empty after `timeout_s`. A call whose worker was lost has ended too, with a failure, unless
        the engine begins it again elsewhere.
        """

    def __enter__(self) -> Self: ...
    def __exit__(self, *error: object) -> None: ...


def get_engine(name: str = "local", *, jobs: int = 1, **options: Any) -> Engine:
    """Open an engine.

    Parameters
    ----------
    name : str
        A key of `ENGINES`.
    jobs : int
        Calls at a time.
    **options
        Of this engine.

    Raises
    ------
    InputError
        If there is no such engine, or `jobs` is below 1.
    """
    home = entry_of(ENGINES, name, "engine")
    if jobs < 1:
        raise InputError(f"expected 1 job or more at a time, found {jobs}; give --jobs 1 or more")
    engine: Engine = load(home)(jobs, **options)
    return engine
