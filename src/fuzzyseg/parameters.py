"""Parameters of what a table names, given as words: NAME=VALUE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def read_parameters(
    given: Sequence[str], defaults: Mapping[str, Any], owner: str, option: str
) -> dict[str, Any]:
    """Read "NAME=VALUE" words, each value as the type of the parameter's default.

    A tuple is written with commas; where the default is None, a number is one.

    Parameters
    ----------
    given : sequence of str
    defaults : mapping
        Of every parameter that may be given.
    owner, option : str
        Whose parameters they are, and where they were given, for messages.

    Raises
    ------
    InputError
        If there is no such parameter, or the value does not fit.
    """
    expected = f"NAME=VALUE with a name out of {', '.join(defaults)}" if defaults else "nothing"
    found = {}
    for word in given:
        name, equals, value = word.partition("=")
        if not equals or name not in defaults:
            raise InputError(
                f"expected {expected} for --{option}, found {word!r}; {owner} has no others"
            )
        try:
            found[name] = _read(value, defaults[name])
        except ValueError:
            raise InputError(
                f"expected a value like {defaults[name]!r} for {name} of --{option}, "
                f"found {value!r}; give one"
            ) from None
    return found


def _read(text: str, like: Any) -> Any:
    """Read a value of the type of another; where that is None, a number if it is one."""
    if isinstance(like, bool):
        if text.lower() not in {"true", "false"}:
            raise ValueError(text)
        return text.lower() == "true"
    if isinstance(like, int):
        return int(text)
    if isinstance(like, float):
        return float(text)
    if isinstance(like, tuple):
        return tuple(float(part) for part in text.split(","))
    if like is None:
        try:
            return int(text)
        except ValueError:
            return None if text.lower() == "none" else float(text)
    return text
