"""Real World Value Mapping: from stored values to values with a unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.io.dicom.elements import floats, items, number, text
from fuzzyseg.io.dicom.units import parse_unit

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from pydicom import Dataset

    from fuzzyseg.volume import Unit

# Where several mappings are offered, the one that says most is used.
_PREFERENCE: tuple[Unit, ...] = ("Bq/mL", "SUV", "counts", "arbitrary")


def mappings_per_frame(dataset: Dataset, frames: int, path: Path) -> list[list[Dataset]]:
    """Find the mapping items that hold for each frame.

    Parameters
    ----------
    dataset : Dataset
        Header of a multi-frame file.
    frames : int
    path : Path
        For messages.

    Returns
    -------
    list of `frames` lists of items of Real World Value Mapping Sequence (0040,9096)
        The frame's own functional group before the shared one, that before the top level;
        empty where there is none.
    """
    keyword = "RealWorldValueMappingSequence"
    common = list(items(dataset, keyword, path))
    for group in items(dataset, "SharedFunctionalGroupsSequence", path):
        common = list(items(group, keyword, path)) or common
    own = items(dataset, "PerFrameFunctionalGroupsSequence", path)
    return [
        (list(items(own[i], keyword, path)) or common) if i < len(own) else common
        for i in range(frames)
    ]


def unit_code(item: Dataset, path: Path) -> str:
    """Code of the unit of a mapping item, empty if it names none."""
    units = items(item, "MeasurementUnitsCodeSequence", path)
    return text(units[0], "CodeValue") if units else ""


def choose_mapping(offered: list[Dataset], path: Path) -> Dataset:
    """Pick the item with the most useful unit; the first of equals."""
    return min(offered, key=lambda item: _PREFERENCE.index(parse_unit(unit_code(item, path))[0]))


def apply_mapping(
    stored: NDArray[Any], item: Dataset, path: Path
) -> tuple[NDArray[np.float64], bool]:
    """Map stored values, which no Rescale Slope has touched (PS3.3 C.7.6.16.2.11.1.2).

    Parameters
    ----------
    stored : ndarray
        Stored values of one or more frames.
    item : Dataset
        Item of Real World Value Mapping Sequence.
    path : Path
        For messages.

    Returns
    -------
    values : float64 ndarray
        In the item's own unit.
    outside : bool
        Whether stored values lie outside the range that the item maps; a line is then
        continued beyond it.

    Raises
    ------
    InputError
        If the item has neither a line nor a table, or values lie outside its table.
    """
    first = _bound(item, "First", path)
    last = _bound(item, "Last", path)
    low, high = float(stored.min()), float(stored.max())
    outside = (first is not None and low < first) or (last is not None and high > last)
    slope = number(item, "RealWorldValueSlope", path)
    if slope == 0:
        raise InputError(
            f"expected a RealWorldValueSlope other than 0, found 0 in {path}; "
            "export the study again"
        )
    if slope is not None:
        intercept = number(item, "RealWorldValueIntercept", path) or 0.0
        return stored * np.float64(slope) + intercept, outside
    table = np.array(floats(item, "RealWorldValueLUTData", None, path) or (), dtype=np.float64)
    if not table.size or first is None:
        raise InputError(
            f"expected a slope or a table in RealWorldValueMappingSequence, found neither in "
            f"{path}; export the study again"
        )
    if outside or high - first >= table.size:
        raise InputError(
            f"expected stored values within the table of RealWorldValueMappingSequence, "
            f"{table.size} values from {first:g}, found {low:g} to {high:g} in {path}; "
            "export the study with a linear mapping"
        )
    if stored.dtype.kind not in "iu":
        raise InputError(
            f"expected whole stored values for the table of RealWorldValueMappingSequence, found "
            f"{stored.dtype} in {path}; export the study with a linear mapping"
        )
    return table[stored.astype(np.int64) - int(first)], False


def _bound(item: Dataset, end: str, path: Path) -> float | None:
    """First or last stored value mapped, from its integer or its floating-point element."""
    for keyword in (
        f"RealWorldValue{end}ValueMapped",
        f"DoubleFloatRealWorldValue{end}ValueMapped",
    ):
        raw = item.get(keyword)
        if raw is not None and not isinstance(raw, bytes):
            return number(item, keyword, path)
    return None
