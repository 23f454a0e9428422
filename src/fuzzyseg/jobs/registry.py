"""What computes tasks: the one list that the command line reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from fuzzyseg.errors import InputError
from fuzzyseg.lazy import load
from fuzzyseg.tables import entry_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from fuzzyseg.jobs.task import Answer


class Entry(NamedTuple):
    """One engine.

    Parameters
    ----------
    about : str
        One line for people.
    home : str
        "module:Class" of an `Engine` that is built of `jobs` and of keywords of its own.
    """

    about: str
    home: str


ENGINES = {
    "local": Entry("processes of this machine", "fuzzyseg.jobs.local_pool:Pool"),
    "ray": Entry("a Ray cluster that is running", "fuzzyseg.jobs.ray_cluster:Cluster"),
}


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


def get_engine(name: str = "local", *, jobs: int | None = 1, **options: Any) -> Engine:
    """Open an engine.

    Parameters
    ----------
    name : str
        A key of `ENGINES`.
    jobs : int or None
        Calls at a time; None: one a core.
    **options
        Of this engine.

    Raises
    ------
    InputError
        If there is no such engine, or `jobs` is below 1.
    """
    entry = entry_of(ENGINES, name, "engine")
    if jobs is not None and jobs < 1:
        raise InputError(f"expected 1 job or more at a time, found {jobs}; give --jobs 1 or more")
    engine: Engine = load(entry.home)(jobs, **options)
    return engine
