"""CT and PT stored as one file a slice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.io.dicom.elements import number, text
from fuzzyseg.io.dicom.file import quiet, read_header, read_pixels
from fuzzyseg.io.dicom.padding import PADDING_TAGS, declared_padding, is_tissue, padding_warnings
from fuzzyseg.io.dicom.stacking import STACKING_TAGS, slice_of, stack
from fuzzyseg.io.dicom.units import PT_UNITS
from fuzzyseg.io.hounsfield import AIR_HU, floor_at_air
from fuzzyseg.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pydicom import Dataset

    from fuzzyseg.volume import Unit

_TAGS = (
    *STACKING_TAGS,
    *PADDING_TAGS,
    "Modality",
    "Units",
    "SUVType",
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
)
# US is "unspecified", which writers of plain CT use too; HU_MOD is HU of a virtual energy.
_HU_TYPES = {"", "HU", "HU_MOD", "US"}


@quiet()
@np.errstate(over="ignore", invalid="ignore")  # what is not finite is the caller's to refuse
def read_series(
    files: Sequence[Path],
    *,
    source: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> Volume:
    """Read the slices of one CT or PT series.

    Parameters
    ----------
    files : sequence of Path
        Single-frame files of one series, in any order.
    source : str
        What to call the series in `Volume.source`; by default its folder.
    progress : callable, optional
        Called with (slices read, slices in all).

    Returns
    -------
    Volume
        Axes (column, row, slice); slope and intercept of each slice applied; padding in CT
        at -1024 HU, in PT at 0.

    Raises
    ------
    InputError
        If the slices do not form one evenly spaced, untilted stack, or a file is damaged.
    """
    headers = [read_header(path, _TAGS) for path in files]
    slices = [slice_of(path, header) for path, header in zip(files, headers, strict=True)]
    order, affine = stack(slices)
    modality = "CT" if text(headers[0], "Modality").upper() == "CT" else "PT"
    fill = AIR_HU if modality == "CT" else 0.0
    rows, columns = slices[0].rows, slices[0].columns
    frames = np.empty((len(files), rows, columns), dtype=np.float32)
    kept: set[float] = set()
    padded = 0
    for k, i in enumerate(order):
        stored = read_pixels(files[i])
        if stored.shape != (rows, columns):
            raise InputError(
                f"expected one frame of {columns} x {rows} a file, found pixels of shape "
                f"{stored.shape} in {files[i]}; export the series as single grey-scale slices"
            )
        slope, intercept = _rescale(headers[i], files[i])
        frames[k] = stored * np.float64(slope) + intercept
        mask, bounds = declared_padding(stored, headers[i], files[i])
        as_tissue = {v for v in (slope * b + intercept for b in bounds) if is_tissue(v)}
        if modality == "CT" and as_tissue:
            kept |= as_tissue
        else:
            frames[k][mask] = fill
            padded += int(np.count_nonzero(mask))
        if progress is not None:
            progress(k + 1, len(files))
    warnings = padding_warnings(padded, frames.size, kept, fill)
    unit, said = _ct_unit(headers) if modality == "CT" else _pt_unit(headers)
    warnings += said
    if unit == "HU":
        frames, floored = floor_at_air(frames)
        warnings += floored
    return Volume(
        array=frames.transpose(2, 1, 0),
        affine=affine,
        modality="CT" if modality == "CT" else "PT",
        unit=unit,
        source=source or str(files[0].parent),
        warnings=warnings,
    )


def _rescale(header: Dataset, path: Path) -> tuple[float, float]:
    """Slope and intercept of one slice (PS3.3 C.11.1, C.8.9.1); 1 and 0 where absent."""
    slope = number(header, "RescaleSlope", path)
    intercept = number(header, "RescaleIntercept", path)
    return 1.0 if slope is None else slope, intercept or 0.0


def _ct_unit(headers: Sequence[Dataset]) -> tuple[Unit, tuple[str, ...]]:
    """Tell HU from the material maps of spectral CT by Rescale Type (PS3.3 C.11.1)."""
    other = sorted({text(h, "RescaleType").upper() for h in headers} - _HU_TYPES)
    if other:
        return "arbitrary", (f"The CT is in {', '.join(other)}, not HU: taken as arbitrary.",)
    if any(h.get("RescaleIntercept") is None for h in headers):
        return "HU", ("The CT gives no RescaleIntercept: stored values were taken as HU.",)
    return "HU", ()


def _pt_unit(headers: Sequence[Dataset]) -> tuple[Unit, tuple[str, ...]]:
    """Find the unit of a PT series from Units and SUV Type (PS3.3 C.8.9.1.1.3)."""
    found = {(text(h, "Units").upper(), text(h, "SUVType").upper()) for h in headers}
    if len(found) > 1:
        raise InputError(
            f"expected one unit in a PT series, found {sorted(found)}; pass one series alone"
        )
    name, suv = found.pop()
    unit = PT_UNITS.get(name, "arbitrary")
    if unit == "arbitrary":
        return unit, (f"The PT series is in {name or 'no named unit'}: taken as arbitrary.",)
    if name == "CM2ML" or (unit == "SUV" and suv not in ("", "BW")):
        by = suv or "body surface"
        return unit, (f"The SUV is normalised by {by}, not by body weight.",)
    return unit, ()
