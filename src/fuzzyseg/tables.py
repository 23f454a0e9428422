"""Looking things up in the tables of methods, losses, networks, scanners and populations."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

Entry = TypeVar("Entry")


def entry_of(table: Mapping[str, Entry], name: str, what: str) -> Entry:
    """Return the entry of a name.

    Parameters
    ----------
    table : mapping of str to entries
    name : str
    what : str
        One of them, in words: "network".

    Raises
    ------
    InputError
        If the table has no such name; it says which there are.
    """
    if name not in table:
        raise InputError(
            f"expected a {what} out of {', '.join(table)}, found {name!r}; choose one of these"
        )
    return table[name]
