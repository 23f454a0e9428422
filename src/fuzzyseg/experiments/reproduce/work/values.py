"""Settings on their way through JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def from_json(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return values that JSON held as dataclasses have them: tuples in place of lists."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in told.items()}
