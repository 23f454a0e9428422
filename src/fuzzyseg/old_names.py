"""Names that settings had in files of earlier versions, so that those files can still be read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

T = TypeVar("T")
_UPSAMPLE = re.compile(r"^enlarge\.")
_KEYS = {"views": "planes", "flips": "mirror"}
_VALUES = {("centres", "held"): "fixed"}


def renamed_weights(weights: Mapping[str, T]) -> dict[str, T]:
    """Give a network's weights the names of today: "enlarge" is "upsample" now."""
    return {_UPSAMPLE.sub("upsample.", name): weight for name, weight in weights.items()}


def renamed(values: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """Give settings their names of today.

    Parameters
    ----------
    values : mapping of str to anything
        Settings of a TOML or JSON file.
    known : collection of str
        Names of today: one of these stays as it is (a simulation still has views).
    """
    today = {}
    for key, value in values.items():
        name = key if key in known or _KEYS.get(key) not in known else _KEYS[key]
        known_value = isinstance(value, str)  # lists cannot be looked up
        today[name] = _VALUES.get((name, value), value) if known_value else value
    return today
