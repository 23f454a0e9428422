"""CT and PT stored as one file a slice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.io.dicom.administered import ADMINISTRATION_TAGS, administration
from fuzzyseg.io.dicom.elements import rescale, text
from fuzzyseg.io.dicom.facts import FACT_TAGS, facts
from fuzzyseg.io.dicom.file import quiet, read_frames, read_header
from fuzzyseg.io.dicom.padding import PADDING_TAGS, declared_padding, is_tissue, padding_warnings
from fuzzyseg.io.dicom.pt_unit import PT_TAGS, pt_unit
from fuzzyseg.io.dicom.stacking import STACKING_TAGS, Slice, slice_of, stack
from fuzzyseg.io.found import left_out
from fuzzyseg.io.hounsfield import AIR_HU, floor_at_air
from fuzzyseg.io.limits import require_size
from fuzzyseg.io.messages import longer_warning
from fuzzyseg.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from pydicom import Dataset

    from fuzzyseg.volume import Modality, Unit

_TAGS = (
    *STACKING_TAGS,
    *PADDING_TAGS,
    *FACT_TAGS,
    *ADMINISTRATION_TAGS,
    *PT_TAGS,
    "Modality",
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
        If the slices do not form one evenly spaced, untilted stack. Where damaged files leave no
        gap, they are left out with a warning; otherwise it is their error that is raised.
    """
    placed, lost = _placed(files)
    order, affine = _stacked([each.place for each in placed], lost)
    placed = [placed[i] for i in order]
    headers = [each.header for each in placed]
    modality: Modality = "CT" if text(headers[0], "Modality").upper() == "CT" else "PT"
    unit, factors, said = _ct_unit(headers) if modality == "CT" else pt_unit(headers)
    frames, first, warnings = _frames(placed, modality, factors, lost, progress)
    affine[:3, 3] += first * affine[:3, 2]
    warnings += said
    if unit == "HU":
        frames, floored = floor_at_air(frames)
        warnings += floored
    if lost:
        warnings = (
            *left_out(list(lost), "damaged image file"),
            "The series may continue beyond the images that were read.",
            *warnings,
        )
    return Volume(
        array=frames.transpose(2, 1, 0),
        affine=affine,
        modality=modality,
        unit=unit,
        source=source or str(files[0].parent),
        warnings=warnings,
        administration=administration(headers, files[0]),
        file_frame="LPS",
        **facts(headers[0], files[0]),
    )


@dataclass(frozen=True)
class _Placed:
    """A file, its header and its place."""

    path: Path
    header: Dataset
    place: Slice


def _placed(files: Sequence[Path]) -> tuple[list[_Placed], dict[Path, InputError]]:
    """Read headers; what is damaged is set aside with its error."""
    placed, lost = [], {}
    for path in files:
        try:
            header = read_header(path, _TAGS)
            placed.append(_Placed(path, header, slice_of(path, header)))
        except InputError as error:
            lost[path] = error
    return placed, lost


def _stacked(
    places: list[Slice], lost: dict[Path, InputError]
) -> tuple[list[int], NDArray[np.float64]]:
    """`stack`; where it fails and files are damaged, the damage is what is raised."""
    try:
        if len(places) <= len(lost):
            raise next(iter(lost.values()))
        order, affine = stack(places)
    except InputError:
        if lost:
            raise next(iter(lost.values())) from None
        raise
    require_size(4.0 * len(places) * places[0].rows * places[0].columns, places[0].path)
    return order, affine


def _frames(
    placed: list[_Placed],
    modality: Modality,
    factors: Sequence[float],
    lost: dict[Path, InputError],
    progress: Callable[[int, int], None] | None,
) -> tuple[NDArray[np.float32], int, tuple[str, ...]]:
    """Read the pixels of slices in order; damaged ones at the ends are cut off and put in `lost`.

    Returns
    -------
    frames : float32 ndarray of shape (slices, rows, columns)
    first : int
        Index into `placed` of the first frame.
    warnings : tuple of str
    """
    fill = AIR_HU if modality == "CT" else 0.0
    rows, columns = placed[0].place.rows, placed[0].place.columns
    frames = np.empty((len(placed), rows, columns), dtype=np.float32)
    kept: set[float] = set()
    whole, padded, longer = [], 0, 0
    for k, (each, factor) in enumerate(zip(placed, factors, strict=True)):
        if progress is not None:
            progress(k + 1, len(placed))
        try:
            stored, goes_on = _pixels(each, (rows, columns))
            slope, intercept = rescale(each.header, each.path)
        except InputError as error:
            lost[each.path] = error
            continue
        whole.append(k)
        longer += goes_on
        frames[k] = (stored * np.float64(slope) + intercept) * factor
        mask, bounds = declared_padding(stored, each.header, each.path)
        as_tissue = {v for v in (slope * b + intercept for b in bounds) if is_tissue(v)}
        if modality == "CT" and as_tissue:
            kept |= as_tissue
        else:
            frames[k][mask] = fill
            padded += int(np.count_nonzero(mask))
    if not whole or len(whole) <= len(lost) or whole[-1] - whole[0] + 1 != len(whole):
        raise next(iter(lost.values()))
    frames = frames[whole[0] : whole[-1] + 1]
    warnings = padding_warnings(padded, frames.size, kept, fill) + longer_warning(longer)
    return frames, whole[0], warnings


def _pixels(each: _Placed, shape: tuple[int, int]) -> tuple[NDArray[Any], bool]:
    stored, longer = read_frames(each.path)
    if stored.shape != shape:
        raise InputError(
            f"expected one frame of {shape[1]} x {shape[0]} per file, found pixels of shape "
            f"{stored.shape} in {each.path}; export the series as single grey-scale slices"
        )
    return stored, longer


def _ct_unit(headers: Sequence[Dataset]) -> tuple[Unit, list[float], tuple[str, ...]]:
    """Tell HU from the material maps of spectral CT by Rescale Type (PS3.3 C.11.1)."""
    ones = [1.0] * len(headers)
    other = sorted({text(h, "RescaleType").upper() for h in headers} - _HU_TYPES)
    if other:
        said = f"The CT is in {', '.join(other)}, not HU: the unit is treated as arbitrary."
        return "arbitrary", ones, (said,)
    if any(h.get("RescaleIntercept") is None for h in headers):
        said = "The CT gives no RescaleIntercept: stored values were assumed to be HU."
        return "HU", ones, (said,)
    return "HU", ones, ()
