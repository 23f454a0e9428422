"""Names of a package that are imported when they are first asked for (PEP 562)."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


def load(place: str) -> Any:
    """Import what "module:name" names."""
    module, name = place.split(":")
    return getattr(import_module(module), name)


def exports(package: str, places: Iterable[str]) -> dict[str, str]:
    """Name what a package exports: of "module:name" places, those within it, as `lazily` takes."""
    inside = [p.removeprefix(f"{package}.").split(":") for p in places if p.startswith(package)]
    return {name: module for module, name in inside}


def lazily(
    package: str, modules: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make `__getattr__` and `__dir__` of a package whose exports live in its modules.

    Parameters
    ----------
    package : str
        Its `__name__`.
    modules : mapping of str to str
        Name of each export to the module within the package that has it; read at every call.
    """

    def __getattr__(name: str) -> Any:  # noqa: N807
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return load(f"{package}.{modules[name]}:{name}")

    def __dir__() -> list[str]:  # noqa: N807
        return sorted({*vars(sys.modules[package]), *modules})

    return __getattr__, __dir__
