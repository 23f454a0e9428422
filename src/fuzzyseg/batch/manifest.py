"""A CSV file that lists studies: a row a study, with what is known of the patient."""

from __future__ import annotations

import csv
import dataclasses
import io
from typing import TYPE_CHECKING, Any, get_args

from fuzzyseg.batch.source import Source
from fuzzyseg.errors import InputError
from fuzzyseg.quantification.measuring import Measuring
from fuzzyseg.volume import Modality

if TYPE_CHECKING:
    from pathlib import Path

_OWN = ("study", "image", "ct", "series", "ct_series", "modality")
_TEXT = ("suv", "unit", "sex", "decay", "nuclide")  # of Measuring; all others are numbers
_CHOICES: dict[str, tuple[str, ...]] = {
    "modality": get_args(Modality),
    "suv": ("bw", "lbm", "bsa"),
    "unit": ("Bq/mL", "counts", "SUV"),
    "sex": ("male", "female"),
    "decay": ("acquisition", "series", "administration"),
}


def manifest_sources(path: Path) -> tuple[Source, ...]:
    """Read a CSV file of studies.

    Parameters
    ----------
    path : Path
        Its header names the columns: study, image; and, as wanted, ct, series, ct_series,
        modality, and any option of measuring, such as weight_kg. Paths are relative to the
        file's folder. An empty cell says nothing. Whether the images exist is not looked at.

    Raises
    ------
    InputError
        If it is no such table, or a value cannot be one of its column's.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"expected a CSV file in UTF-8, found {path} ({error}); export it again"
        ) from error
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise InputError(f"expected a CSV file, found {path}: {error}; export it again") from error
    header = [title.strip() for title in rows[0]] if rows else []
    measures = tuple(f.name for f in dataclasses.fields(Measuring))
    unknown = [title for title in header if title not in {*_OWN, *measures}]
    if unknown or not {"study", "image"} <= set(header) or len(set(header)) < len(header):
        raise InputError(
            "expected a header with study and image, and any of "
            f"{', '.join((*_OWN[2:], *measures))} "
            f"at most once each, found {', '.join(header) or 'nothing'} in {path}; change "
            "the first line"
        )
    found = []
    for number, cells in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise InputError(
                f"expected {len(header)} cells in each row, found {len(cells)} in row {number} of "
                f"{path}; put quotes around cells with commas"
            )
        given = {t: c.strip() for t, c in zip(header, cells, strict=True) if c.strip()}
        found.append(_source(given, path, number))
    return tuple(found)


def _source(given: dict[str, str], path: Path, number: int) -> Source:
    missing = [title for title in ("study", "image") if title not in given]
    if missing:
        raise InputError(
            f"expected a {' and an '.join(missing)} in each row, found none in row {number} of "
            f"{path}; fill it in"
        )
    values = {title: _value(title, cell, path, number) for title, cell in given.items()}
    own = {title: values.pop(title) for title in _OWN if title in values}
    image = path.parent / own.pop("image")
    ct = path.parent / own.pop("ct") if "ct" in own else None
    return Source(own.pop("study"), image, ct, **own, measuring=values)


def _value(title: str, cell: str, path: Path, number: int) -> Any:
    if title in _CHOICES and cell not in _CHOICES[title]:
        what = f"{title} out of {', '.join(_CHOICES[title])}"
    elif title in {"study", "image", "ct", "modality", *_TEXT}:
        return cell
    else:
        kind = int if title in {"series", "ct_series"} else float
        try:
            return kind(cell)
        except ValueError:
            what = f"a {'whole ' if kind is int else ''}number as {title}"
    raise InputError(f"expected {what}, found {cell!r} in row {number} of {path}; change it")
