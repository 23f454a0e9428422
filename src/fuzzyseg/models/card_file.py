"""A card out of its JSON, with everything checked that a person may have edited."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from fuzzyseg.errors import InputError
from fuzzyseg.models.card import Card, Preprocessing
from fuzzyseg.networks.architecture import Architecture, check


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
        If it is no card of this version of fuzzyseg.
    """
    try:
        found = json.loads(text)
        given = dict(found)
        task = given.pop("task", None)
        given["architecture"] = _build(Architecture, given["architecture"])
        given["preprocessing"] = _build(Preprocessing, given["preprocessing"])
        card: Card = _build(Card, given)
    except InputError as error:
        raise InputError(f"{error} ({source})") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"expected a model's card in {source}, found {type(error).__name__}: {error}; "
            "give a model that this version of fuzzyseg wrote"
        ) from error
    check(task in {None, card.task}, f"the task of its channels in {source},", (card.task,), task)
    return card


def _build(kind: Any, given: Any) -> Any:
    """Make a dataclass of plain JSON values, each checked against its default's type."""
    fields = {f.name: f for f in dataclasses.fields(kind)}
    unknown = sorted(set(given) - set(fields))
    if unknown:
        raise InputError(
            f"expected a card with the entries {', '.join(fields)}, found {', '.join(unknown)}; "
            "it may come from a newer fuzzyseg"
        )
    values = {}
    for name, value in given.items():
        plain = tuple(value) if isinstance(value, list) else value
        if not _of_type(plain, str(fields[name].type)):
            raise InputError(
                f"expected {name} of type {fields[name].type} in a card, found {value!r}; "
                "write it as fuzzyseg does"
            )
        values[name] = plain
    return kind(**values)


def _of_type(value: Any, annotation: str) -> bool:
    """Whether a JSON value, its lists made tuples, has the type that a field is annotated with."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match annotation:
        case "int":
            return number and isinstance(value, int)
        case "float | None":
            return number or value is None
        case "tuple[float, float]" | "tuple[float, float] | None":
            pair = isinstance(value, tuple) and len(value) == 2
            numbers = pair and all(type(v) in {int, float} for v in value)
            return numbers or (value is None and annotation.endswith("None"))
        case "tuple[str, ...]" | "tuple[View, ...]":
            return isinstance(value, tuple) and all(isinstance(v, str) for v in value)
        case "Mapping[str, Any]":
            return isinstance(value, dict)
        case "str" | "Spect" | "Ct":
            return isinstance(value, str)
    return True  # dataclasses, built before
