"""Values of single DICOM elements: numbers, words and text, checked."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fuzzyseg.errors import InputError
from fuzzyseg.io.messages import one_line, parse_errors

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom import Dataset

# Characters of a UID or a description (PS3.5 6.2).
_LONGEST_TEXT = 64


# A count beyond this is no count of rows, frames or slices, but a damaged element.
_LARGEST_COUNT = 2**31 - 1


def floats(
    dataset: Dataset, keyword: str, count: int | None, path: Path | str
) -> tuple[float, ...] | None:
    """Read the numbers of an element.

    Parameters
    ----------
    dataset : Dataset
    keyword : str
    count : int or None
        How many there must be; None for any number of them.
    path : Path or str
        For messages.

    Returns
    -------
    tuple of floats, all finite, or None if the element is absent or empty

    Raises
    ------
    InputError
        If the element is not `count` finite numbers.
    """
    wanted = "" if count is None else f"{count} "
    try:
        value = dataset.get(keyword)
        if value is None or (isinstance(value, (str, bytes)) and not value.strip()):
            return None
        if hasattr(value, "group_dataset"):  # a Dataset: iterable, and empty as often as not
            raise TypeError("an item of a sequence")
        single = isinstance(value, (str, bytes)) or not isinstance(value, Iterable)
        values = tuple(_float(v) for v in ([value] if single else value))
    except parse_errors() as error:
        raise InputError(
            f"expected {wanted}number(s) in {keyword}, found something else in {path} "
            f"({one_line(error)}); export the series again"
        ) from error
    if not values:
        return None
    if count is not None and len(values) != count:
        raise InputError(
            f"expected {count} number(s) in {keyword}, found {len(values)} in {path}; "
            "export the series again"
        )
    if not all(map(math.isfinite, values)):
        raise InputError(
            f"expected finite numbers in {keyword}, found NaN or infinity in {path}; "
            "export the series again"
        )
    return values


def _float(value: Any) -> float:
    from pydicom.tag import BaseTag

    if isinstance(value, BaseTag):  # an int, but no number
        raise TypeError("a tag")
    return float(value)


def number(dataset: Dataset, keyword: str, path: Path | str) -> float | None:
    """Read one number, None if absent or empty; Raises InputError as `floats` does."""
    values = floats(dataset, keyword, 1, path)
    return None if values is None else values[0]


def count(dataset: Dataset, keyword: str, path: Path | str, default: int) -> int:
    """Read a whole number, `default` if absent or 0; Raises InputError where it is no count."""
    value = number(dataset, keyword, path) or float(default)
    if not 0 <= value <= _LARGEST_COUNT or value != int(value):
        raise InputError(
            f"expected a whole number in {keyword}, found {value:g} in {path}; "
            "export the series again"
        )
    return int(value)


def integers(dataset: Dataset, keyword: str, path: Path | str) -> tuple[int, ...]:
    """Read whole numbers, none if absent; Raises InputError as `floats` does."""
    return tuple(int(value) for value in floats(dataset, keyword, None, path) or ())


def items(dataset: Dataset, keyword: str, path: Path | str) -> tuple[Dataset, ...]:
    """Read the items of a sequence, none if absent.

    Raises
    ------
    InputError
        If the element is no sequence.
    """
    from pydicom import Dataset, Sequence

    value = dataset.get(keyword)
    if value is None or value == "":
        return ()
    if not isinstance(value, Sequence) or not all(isinstance(item, Dataset) for item in value):
        raise InputError(
            f"expected a sequence in {keyword}, found something else in {path}; "
            "export the series again"
        )
    return tuple(value)


def rescale(dataset: Dataset, path: Path | str) -> tuple[float, float]:
    """Read slope and intercept (PS3.3 C.11.1, C.8.9.1), 1 and 0 where absent.

    Raises
    ------
    InputError
        If the slope is 0, so that all values become one, or either is no finite number.
    """
    slope, intercept = (
        number(dataset, "RescaleSlope", path),
        number(dataset, "RescaleIntercept", path),
    )
    if slope == 0:
        raise InputError(
            f"expected a RescaleSlope other than 0, found 0 in {path}; export the series again"
        )
    return 1.0 if slope is None else slope, intercept or 0.0


def text(dataset: Dataset, keyword: str) -> str:
    """Read an element as text on one line, empty if absent."""
    return _printable(dataset.get(keyword) or "")


def words(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    """Read a multi-valued element as upper-case words, empty if absent."""
    value = dataset.get(keyword)
    if value is None or value == "":
        return ()
    many = isinstance(value, Iterable) and not isinstance(value, (str, bytes))
    return tuple(_printable(v).upper() for v in (value if many else [value]))


def _printable(value: object) -> str:
    """Cut a value to what fits into a message of one line."""
    characters = (c if c.isprintable() else " " for c in str(value)[:_LONGEST_TEXT])
    return " ".join("".join(characters).split())
