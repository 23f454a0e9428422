"""A card out of its JSON, with everything checked that a person may have edited."""

from __future__ import annotations

import dataclasses
import json
import sys
from typing import Any, NoReturn

from fuzzyseg.errors import InputError
from fuzzyseg.models.card import Card, Intervals, Preprocessing, Typical
from fuzzyseg.networks.architecture import Architecture, check, shown
from fuzzyseg.old_names import renamed

_DEEPEST = 50  # mappings and lists within each other; training and metrics need five


def card_from_json(text: str, source: str) -> Card:
    """Read a card.

    Parameters
    ----------
    text : str
    source : str
        Where it came from, for the message.

    Raises
    ------
    InputError
        If it is no card of this version of fuzzyseg. Cards of earlier versions are read.
    """
    try:
        found = json.loads(text, parse_constant=_no_number)
        _check_depth(found)
        given = dict(found)
        task = given.pop("task", None)
        given["architecture"] = _build(Architecture, given["architecture"])
        given["preprocessing"] = _build(Preprocessing, given["preprocessing"])
        if "typical" in given:  # cards of earlier versions have none
            given["typical"] = _build(Typical, given["typical"])
        if "intervals" in given:
            given["intervals"] = _build(Intervals, given["intervals"])
        card: Card = _build(Card, given)
        check(task is None or task == card.task, "the task of its channels,", (card.task,), task)
    except InputError as error:
        raise InputError(f"{error} ({source})") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"expected a model's card in {source}, found {type(error).__name__}: "
            f"{shown(error, str)}; give a model that this version of fuzzyseg wrote"
        ) from error
    return card


def _no_number(text: str) -> NoReturn:
    raise InputError(f"expected finite numbers in a card, found {text}; write null for none")


def _check_depth(value: Any) -> None:
    """Refuse what would exhaust those who walk it."""
    level = [value]
    for _ in range(_DEEPEST):
        inner = [v for v in level if isinstance(v, dict | list)]
        level = [x for v in inner for x in (v.values() if isinstance(v, dict) else v)]
        if not level:
            return
    raise InputError(
        f"expected a card with at most {_DEEPEST} levels of nesting, found more; "
        "write it as fuzzyseg does"
    )


def _build(kind: Any, given: Any) -> Any:
    """Make a dataclass of plain JSON values, each checked against its default's type."""
    fields = {f.name: f for f in dataclasses.fields(kind)}
    if not isinstance(given, dict):
        raise InputError(
            f"expected a card's {kind.__name__.lower()} as entries with names, found "
            f"{shown(given)}; write it as fuzzyseg does"
        )
    given = renamed(given, fields)
    unknown = sorted(set(given) - set(fields))
    if unknown:
        raise InputError(
            f"expected a card with the entries {', '.join(fields)}, found {shown(unknown)}; "
            "it may come from a newer fuzzyseg"
        )
    values = {}
    for name, value in given.items():
        plain = tuple(value) if isinstance(value, list) else value
        if not _of_type(plain, str(fields[name].type)):
            raise InputError(
                f"expected {name} of type {fields[name].type} in a card, found {shown(value)}; "
                "write it as fuzzyseg does"
            )
        values[name] = plain
    return kind(**values)


def _of_type(value: Any, annotation: str) -> bool:
    """Whether a JSON value, its lists made tuples, has the type that a field is annotated with."""
    match annotation:
        case "int":
            return _is_number(value) and isinstance(value, int)
        case "float":
            return _is_number(value)
        case "float | None":
            return _is_number(value) or value is None
        case "tuple[float, float]" | "tuple[float, float] | None":
            pair = isinstance(value, tuple) and len(value) == 2
            numbers = pair and all(map(_is_number, value))
            return numbers or (value is None and annotation.endswith("None"))
        case "tuple[float, ...]":
            return isinstance(value, tuple) and all(map(_is_number, value))
        case "tuple[str, ...]" | "tuple[Plane, ...]":
            return isinstance(value, tuple) and all(isinstance(v, str) for v in value)
        case "Mapping[str, Any]":
            return isinstance(value, dict)
        case "str" | "Spect" | "Ct":
            return isinstance(value, str)
    return True  # dataclasses, built before


def _is_number(value: Any) -> bool:
    """Whether it is a number, and one that a float can be: JSON's have any number of digits."""
    return type(value) in {int, float} and abs(value) <= sys.float_info.max
