"""Values of single DICOM elements: numbers, words and text, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.errors import InputError
from fuzzyseg.io.messages import one_line, parse_errors

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom import Dataset

# Characters of a UID or a description (PS3.5 6.2).
_LONGEST_TEXT = 64


def floats(
    dataset: Dataset, keyword: str, count: int, path: Path | str
) -> tuple[float, ...] | None:
    """Read the numbers of an element.

    Returns
    -------
    tuple of `count` floats, or None if the element is absent or empty

    Raises
    ------
    InputError
        If the element is not `count` numbers.
    """
    try:
        value = dataset.get(keyword)
        if value is None or value == "":
            return None
        values = tuple(float(v) for v in ([value] if count == 1 else value))
    except parse_errors() as error:
        raise InputError(
            f"expected {count} number(s) in {keyword}, found something else in {path} "
            f"({one_line(error)}); export the series again"
        ) from error
    if not values:
        return None
    if len(values) != count:
        raise InputError(
            f"expected {count} number(s) in {keyword}, found {len(values)} in {path}; "
            "export the series again"
        )
    return values


def number(dataset: Dataset, keyword: str, path: Path | str) -> float | None:
    """Read one number, None if absent or empty; Raises InputError as `floats` does."""
    values = floats(dataset, keyword, 1, path)
    return None if values is None else values[0]


def count(dataset: Dataset, keyword: str, path: Path | str, default: int) -> int:
    """Read a whole number, `default` if absent or 0; Raises InputError as `floats` does."""
    return int(number(dataset, keyword, path) or default)


def text(dataset: Dataset, keyword: str) -> str:
    """Read an element as text on one line, empty if absent."""
    return _printable(dataset.get(keyword) or "")


def words(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    """Read a multi-valued element as upper-case words, empty if absent."""
    value = dataset.get(keyword)
    if value is None or value == "":
        return ()
    return tuple(_printable(v).upper() for v in ([value] if isinstance(value, str) else value))


def _printable(value: object) -> str:
    """Cut a value to what fits into a message of one line."""
    characters = (c if c.isprintable() else " " for c in str(value)[:_LONGEST_TEXT])
    return " ".join("".join(characters).split())
