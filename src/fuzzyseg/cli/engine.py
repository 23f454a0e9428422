"""The engine that options name, for commands that compute many things."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.errors import InputError
from fuzzyseg.jobs import get_engine

if TYPE_CHECKING:
    from fuzzyseg.jobs import Engine


def chosen_engine(name: str, jobs: int | None, address: str | None) -> Engine:
    """Open the engine of `--engine`, `--jobs` and `--address`.

    Raises
    ------
    InputError
        If they do not go together.
    """
    if address is not None and name != "ray":
        raise InputError("expected --engine ray for --address, found local; give both")
    return get_engine(name, jobs=jobs, **({} if address is None else {"address": address}))
