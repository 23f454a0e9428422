"""One experiment a file, with `NAMES`, `TITLE`, `jobs(plan)` and `section(plan, results)`.

A new one is a file, and its name in the list.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from fuzzyseg.experiments.reproduce.section import Item

_FILES = (
    "shift", "betas", "unsupervised", "speed", "supervised", "stand_in", "ct", "activation",
    "alpha", "family", "ct_prior", "labelled", "dimensions", "reliability",
)  # fmt: skip


def all_items() -> list[Item]:
    """Every item, in the order of the page."""
    return [cast("Item", import_module(f"{__name__}.{name}")) for name in _FILES]


def chosen_items(names: tuple[str, ...]) -> list[Item]:
    """Items that make the tables and figures of these names; "all" for every one.

    Raises
    ------
    InputError
        If there is none of a name.
    """
    items = all_items()
    known = [name for item in items for name in item.NAMES]
    wrong = [name for name in names if name != "all" and name not in known]
    if wrong:
        raise InputError(
            f"expected all, or out of {', '.join(known)}, found {', '.join(wrong)}; choose some"
        )
    if not names or "all" in names:
        return items
    return [item for item in items if set(item.NAMES) & set(names)]
