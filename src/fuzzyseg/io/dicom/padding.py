"""Padding that a slice declares (DICOM PS3.3 C.7.5.1.1.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.io.dicom.elements import number
from fuzzyseg.io.messages import percent

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from pydicom import Dataset

PADDING_TAGS = ("PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit")
# Declared padding inside this range of HU would punch holes into tissue of the same value.
_TISSUE_HU = (-900.0, 3071.0)


def declared_padding(
    stored: NDArray[Any], header: Dataset, path: Path
) -> tuple[NDArray[np.bool_], tuple[float, ...]]:
    """Find the pixels that a slice declares to be padding.

    Parameters
    ----------
    stored : ndarray of shape (rows, columns)
        Stored values, before any rescaling.
    header : Dataset
        Elements named in `PADDING_TAGS`.
    path : Path
        For messages.

    Returns
    -------
    mask : bool ndarray of shape (rows, columns)
    bounds : tuple of float
        First and last stored value of padding that occurs; empty if none does.
    """
    value = _stored_number(header, "PixelPaddingValue", path)
    if value is None:
        return np.zeros(stored.shape, dtype=bool), ()
    limit = _stored_number(header, "PixelPaddingRangeLimit", path)
    bounds = (value, value if limit is None else limit)
    mask = (stored >= min(bounds)) & (stored <= max(bounds))
    return mask, bounds if mask.any() else ()


def is_tissue(hu: float) -> bool:
    """Tell whether a CT value, in HU, is one that tissue has too."""
    return _TISSUE_HU[0] < hu < _TISSUE_HU[1]


def padding_warnings(padded: int, size: int, kept: set[float], fill: float) -> tuple[str, ...]:
    """Say in sentences what was done about declared padding.

    Parameters
    ----------
    padded, size : int
        Voxels set to `fill`, and voxels in all.
    kept : set of float
        Values of padding, in HU, that were left because tissue has them too.
    fill : float
    """
    warnings = []
    if padded:
        warnings.append(
            f"{percent(100.0 * padded / size)} of the voxels are declared as padding "
            f"and were set to {fill:g}."
        )
    if kept:
        values = ", ".join(f"{v:g}" for v in sorted(kept))
        warnings.append(
            f"The padding value declared by the scanner ({values} HU) is also a value "
            "of tissue: voxels of that value were not changed."
        )
    return tuple(warnings)


def _stored_number(header: Dataset, keyword: str, path: Path) -> float | None:
    """Read a value that is US or SS by Pixel Representation, however the writer encoded it."""
    raw = header.get(keyword)
    signed = number(header, "PixelRepresentation", path) == 1
    if isinstance(raw, bytes):
        return float(int.from_bytes(raw[:2], "little", signed=signed)) if raw else None
    value = number(header, keyword, path)
    # Some writers give -2000 as the unsigned 63536 beside signed pixels.
    return value - 65536 if value is not None and signed and value > 32767 else value
