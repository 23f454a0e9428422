"""Reconstructed SPECT stored as one multi-frame NM file (DICOM PS3.3 C.8.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.io.dicom.administered import ADMINISTRATION_TAGS, administration
from fuzzyseg.io.dicom.elements import integers, number, rescale, text
from fuzzyseg.io.dicom.facts import FACT_TAGS, facts
from fuzzyseg.io.dicom.file import SIZE_TAGS, quiet, read_frames, read_header, require_pixels
from fuzzyseg.io.dicom.nm_geometry import nm_affine
from fuzzyseg.io.dicom.nm_kind import KIND_TAGS, why_not_nm_volume
from fuzzyseg.io.dicom.real_world import (
    apply_mapping,
    choose_mapping,
    mappings_per_frame,
    unit_code,
)
from fuzzyseg.io.dicom.units import PT_UNITS, parse_unit
from fuzzyseg.io.messages import longer_warning
from fuzzyseg.volume import Volume

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from pydicom import Dataset

    from fuzzyseg.volume import Unit

_TAGS = (
    *KIND_TAGS,
    *FACT_TAGS,
    *ADMINISTRATION_TAGS,
    "Modality",
    *SIZE_TAGS,
    "NumberOfSlices",
    "SliceVector",
    "PixelSpacing",
    "SpacingBetweenSlices",
    "SliceThickness",
    "ImageOrientationPatient",
    "ImagePositionPatient",
    "DetectorInformationSequence",
    "RescaleSlope",
    "RescaleIntercept",
    "Units",
    "PixelRepresentation",
    "RealWorldValueMappingSequence",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
)


@quiet()
@np.errstate(over="ignore", invalid="ignore")  # what is not finite is the caller's to refuse
def read_nm(path: Path) -> Volume:
    """Read a reconstructed SPECT.

    Parameters
    ----------
    path : Path
        A multi-frame NM file.

    Returns
    -------
    Volume
        Axes (column, row, slice). Values by Real World Value Mapping where the file has one,
        else by Rescale Slope and Intercept. The unit is the one the file names, else counts.

    Raises
    ------
    InputError
        If the file is planar, gated or otherwise no single reconstructed volume, lacks its
        spacing, or is damaged.
    """
    header = read_header(path, _TAGS)
    reason = why_not_nm_volume(header, path)
    if reason is not None:
        raise InputError(f"expected a volume, found in {path} {reason}")
    require_pixels(path, header)
    stored, longer = read_frames(path)
    if stored.ndim != 3:
        raise InputError(
            f"expected grey-scale frames, found pixels of shape {stored.shape} in {path}; "
            "export the reconstruction itself, not a picture of it"
        )
    order, warnings = _slice_order(header, len(stored), path)
    affine, placed = nm_affine(header, len(stored), path)
    items = mappings_per_frame(header, len(stored), path)
    if all(items):
        values, unit, said = _mapped(stored, items, path)
    elif any(items):
        raise InputError(
            f"expected RealWorldValueMappingSequence for all frames or none, found it for "
            f"{sum(map(bool, items))} of {len(items)} in {path}; export the reconstruction again"
        )
    else:
        values, unit, said = _rescaled(stored, header, path)
    return Volume(
        array=values[order].transpose(2, 1, 0),
        affine=affine,
        modality="NM",
        unit=unit,
        source=str(path),
        warnings=warnings + placed + said + longer_warning(int(longer)),
        administration=administration([header], path),
        file_frame="LPS",
        **facts(header, path),
    )


def _slice_order(
    header: Dataset, frames: int, path: Path
) -> tuple[list[int] | slice, tuple[str, ...]]:
    """Order that sorts the frames by slice number (PS3.3 C.8.4.8)."""
    slices = number(header, "NumberOfSlices", path)
    if slices is not None and slices != frames:
        raise InputError(
            f"expected one frame per slice, found {frames} frames of {slices:g} slices in {path}; "
            "export a single volume"
        )
    vector = list(integers(header, "SliceVector", path))
    if not vector or vector == list(range(1, frames + 1)):
        return slice(None), ()
    if sorted(vector) != list(range(1, frames + 1)):
        raise InputError(
            f"expected SliceVector to number the slices 1 to {frames} once each, "
            f"found {vector[:8]} in {path}; export a single volume"
        )
    return [int(i) for i in np.argsort(vector)], (
        "The frames of the SPECT file are not in the order of their slices: they "
        "were sorted by SliceVector and the position was assumed to be that of slice "
        "1; check head/feet.",
    )


def _mapped(
    stored: NDArray[Any],
    items: list[list[Dataset]],
    path: Path,
) -> tuple[NDArray[np.float32], Unit, tuple[str, ...]]:
    chosen = [choose_mapping(frame, path) for frame in items]
    codes = {unit_code(item, path) for item in chosen}
    if len(codes) > 1:
        raise InputError(
            f"expected one unit for all frames, found {sorted(codes)} in {path}; "
            "export the reconstruction with one mapping"
        )
    unit, factor, warning = parse_unit(codes.pop())
    values = np.empty(stored.shape, dtype=np.float32)
    outside = False
    for i, item in enumerate(chosen):
        frame, beyond = apply_mapping(stored[i], item, path)
        values[i] = frame * factor
        outside |= beyond
    warnings: tuple[str, ...] = () if warning is None else (warning,)
    if outside:
        warnings += (
            "Some stored values lie outside the range that the file's mapping to "
            f"{unit} declares: the same slope was applied to them.",
        )
    return values, unit, warnings


def _rescaled(
    stored: NDArray[Any], header: Dataset, path: Path
) -> tuple[NDArray[np.float32], Unit, tuple[str, ...]]:
    """Values where no mapping is given.

    Neither Rescale Slope nor Units (0054,1001) belong to the NM object; some writers add them.
    """
    slope, intercept = rescale(header, path)
    values = stored * np.float64(slope) + intercept
    name = text(header, "Units").upper()
    if name in PT_UNITS:
        return values.astype(np.float32), PT_UNITS[name], ()
    return (
        values.astype(np.float32),
        "counts",
        ("The SPECT file names no unit: its values are assumed to be counts, not calibrated.",),
    )
