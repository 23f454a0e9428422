"""Compiled functions whose machine code is kept on disk where there is a place for it."""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Any

import numba

if TYPE_CHECKING:
    from collections.abc import Callable


class NoCacheWarning(UserWarning):
    """Compiled code cannot be kept: every run takes seconds longer."""


def njit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile as `numba.njit` does with `cache=True`, or without a cache where none can be.

    numba keeps machine code beside the source or in the user's cache folder, and gives up where
    it can write to neither: a package that is read-only, a home that is unusable.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        try:
            return numba.njit(**{"cache": True, **options})(function)
        except RuntimeError as error:
            if "cannot cache" not in str(error):
                raise
            _say_once()
            return numba.njit(**{**options, "cache": False})(function)

    return decorate


@functools.lru_cache(maxsize=1)
def _say_once() -> None:
    warnings.warn(
        "compiled code cannot be cached, because neither the package's folder nor "
        "the user's cache folder is writable: every run takes some seconds longer; "
        "set NUMBA_CACHE_DIR to a writable folder",
        NoCacheWarning,
        stacklevel=4,
    )
