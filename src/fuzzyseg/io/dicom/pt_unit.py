"""Unit of a PT series (DICOM PS3.3 C.8.9.1.1.3), and Philips' private factors to Bq/mL and SUV."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fuzzyseg.errors import InputError
from fuzzyseg.io.dicom.elements import text
from fuzzyseg.io.dicom.units import PT_UNITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydicom import Dataset

    from fuzzyseg.volume import Unit

# Elements of Philips' "Philips PET Private Group", by their tags: counts times the first are SUV
# by body weight, counts times the second are Bq/mL (Philips' DICOM conformance statement for PET;
# QIBA, "SUV calculation", vendor-neutral pseudo-code).
_CREATOR, _TO_SUV, _TO_BQML = 0x70530010, 0x70531000, 0x70531009
PT_TAGS: tuple[str | int, ...] = ("Units", "SUVType", _CREATOR, _TO_SUV, _TO_BQML)
_PHILIPS: tuple[tuple[int, Unit], ...] = ((_TO_BQML, "Bq/mL"), (_TO_SUV, "SUV"))


def pt_unit(headers: Sequence[Dataset]) -> tuple[Unit, list[float], tuple[str, ...]]:
    """Find the unit of a PT series.

    Parameters
    ----------
    headers : sequence of Dataset
        Of its slices, with the elements named in `PT_TAGS`.

    Returns
    -------
    unit : {"Bq/mL", "counts", "SUV", "arbitrary"}
    factors : list of float
        For each slice, what to multiply its values by, after slope and intercept, to have `unit`.
    warnings : tuple of str

    Raises
    ------
    InputError
        If slices have different units.
    """
    ones = [1.0] * len(headers)
    found = {(text(h, "Units").upper(), text(h, "SUVType").upper()) for h in headers}
    if len(found) > 1:
        raise InputError(
            f"expected one unit in a PT series, found {sorted(found)}; pass a single series"
        )
    name, suv = found.pop()
    unit = PT_UNITS.get(name, "arbitrary")
    if unit == "arbitrary":
        return (
            unit,
            ones,
            (f"The PT series is in {name or 'no named unit'}: it is treated as arbitrary.",),
        )
    if unit == "counts":
        return _from_counts(headers, name)
    if name == "CM2ML" or (unit == "SUV" and suv not in ("", "BW")):
        by = suv or "body surface"
        return unit, ones, (f"The SUV is normalised by {by}, not by body weight.",)
    return unit, ones, ()


def _from_counts(
    headers: Sequence[Dataset], name: str
) -> tuple[Unit, list[float], tuple[str, ...]]:
    for tag, unit in _PHILIPS:
        factors = [_private(header, tag) for header in headers]
        if all(factors):
            return (
                unit,
                factors,
                (
                    f"The PT series is in {name}: its values were converted to {unit} by the "
                    f"factor that Philips stores in ({tag >> 16:04X},{tag & 0xFFFF:04X}).",
                ),
            )
    return (
        "counts",
        [1.0] * len(headers),
        (f"The PT series is in {name} without a factor to Bq/mL or SUV: no SUV can be computed.",),
    )


def _private(header: Dataset, tag: int) -> float:
    """Read one of Philips' factors; 0 where it is absent, unusable, or somebody else's."""
    creator, element = header.get(_CREATOR), header.get(tag)
    if creator is None or element is None or "PHILIPS PET" not in str(creator.value).upper():
        return 0.0
    value = element.value
    if isinstance(value, bytes):  # files in implicit VR leave it so
        value = value.decode("ascii", "replace").strip("\0 ")
    try:
        factor = float(value)
    except (ValueError, TypeError):
        return 0.0
    return factor if 0 < factor < math.inf else 0.0
