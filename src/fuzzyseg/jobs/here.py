"""The engine that is this process: nothing has to start first, and it has all threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fuzzyseg.jobs.task import Answer, call

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self


class Here:
    """Computes one call at a time in the process that asks; what kills it, kills all."""

    slots = 1

    def __init__(self) -> None:
        self._given: tuple[int, Callable[..., Any], tuple[Any, ...]] | None = None

    def submit(self, number: int, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        """Keep a call until it is waited for."""
        self._given = number, function, arguments

    def wait(self, timeout_s: float | None = None) -> list[tuple[int, Answer]]:  # noqa: ARG002 - it has ended when this returns
        """Compute the call, and return it with its number."""
        if self._given is None:
            return []
        (number, function, arguments), self._given = self._given, None
        return [(number, call(function, arguments))]

    def __enter__(self) -> Self:
        """Start nothing."""
        return self

    def __exit__(self, *error: object) -> None:
        """Stop nothing."""
