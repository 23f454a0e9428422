"""Order single-frame slices along their normal and find gaps, repeats and tilt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.io.dicom.affine import is_orthonormal, ras_affine, slice_normal
from fuzzyseg.io.dicom.elements import count, floats, number
from fuzzyseg.io.dicom.file import SIZE_TAGS, require_pixels

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from pydicom import Dataset

STACKING_TAGS = (
    *SIZE_TAGS,
    "PixelSpacing",
    "ImageOrientationPatient",
    "ImagePositionPatient",
    "GantryDetectorTilt",
)
# Below this, two positions are the same slice, mm.
_SAME_POSITION_MM = 1e-3
# A tilt smaller than this shifts a point by under half a millimetre across a 500 mm field.
_TILT_DEGREES = 0.05
# Positions are often rounded to 0.1 mm: gaps may differ from their median by this share of it
# or by that rounding, whichever is more.
_GAP_TOLERANCE = 0.1
_ROUNDING_MM = 0.11


@dataclass(frozen=True)
class Slice:
    """Place of one single-frame file.

    Parameters
    ----------
    path : Path
    rows, columns : int
    spacing : tuple of 2 floats
        Distance between rows, then between columns, mm.
    orientation : tuple of 6 floats
        Image Orientation (Patient).
    position : tuple of 3 floats
        Image Position (Patient), mm, LPS.
    tilt : float
        Gantry/Detector Tilt, degrees.
    """

    path: Path
    rows: int
    columns: int
    spacing: tuple[float, ...]
    orientation: tuple[float, ...]
    position: tuple[float, ...]
    tilt: float


def slice_of(path: Path, header: Dataset) -> Slice:
    """Read the place of a slice from its header.

    Raises
    ------
    InputError
        If a size, spacing, orientation or position is missing or makes no sense.
    """
    rows, columns = count(header, "Rows", path, 0), count(header, "Columns", path, 0)
    spacing = floats(header, "PixelSpacing", 2, path)
    orientation = floats(header, "ImageOrientationPatient", 6, path)
    position = floats(header, "ImagePositionPatient", 3, path)
    if not (rows and columns and spacing and orientation and position):
        raise InputError(
            f"expected Rows, Columns, PixelSpacing, ImageOrientationPatient and "
            f"ImagePositionPatient in every slice, found one missing in {path}; "
            "export the series again"
        )
    require_pixels(path, header)
    if min(spacing) <= 0 or not is_orthonormal(orientation):
        raise InputError(
            f"expected positive PixelSpacing and perpendicular unit ImageOrientationPatient, "
            f"found {spacing} and {orientation} in {path}; export the series again"
        )
    tilt = number(header, "GantryDetectorTilt", path) or 0.0
    return Slice(path, rows, columns, spacing, orientation, position, tilt)


def stack(slices: Sequence[Slice]) -> tuple[list[int], NDArray[np.float64]]:
    """Sort slices along their normal and build the affine of the stack.

    Parameters
    ----------
    slices : sequence of Slice
        In any order.

    Returns
    -------
    order : list of int
        Indices into `slices`, rising along the slice normal.
    affine : float64 ndarray of shape (4, 4)
        Maps (column, row, slice, 1) to mm in RAS.

    Raises
    ------
    InputError
        If the slices differ in size or orientation, repeat, leave gaps, or are tilted.
    """
    first = slices[0]
    if len(slices) < 2:
        raise InputError(
            f"expected a series of slices, found one slice in {first.path}; pass the "
            "folder that contains the whole series"
        )
    for other in slices:
        _require_alike(first, other)
    normal = slice_normal(first.orientation)
    positions = np.array([s.position for s in slices])
    heights = positions @ normal
    order = np.argsort(heights, kind="stable")
    _require_even(heights[order], [slices[i] for i in order])
    step = (positions[order[-1]] - positions[order[0]]) / (len(slices) - 1)
    _require_upright(step, normal, len(slices), first)
    affine = ras_affine(first.orientation, positions[order[0]], first.spacing, step)
    return [int(i) for i in order], affine


def _require_alike(first: Slice, other: Slice) -> None:
    if (first.rows, first.columns) != (other.rows, other.columns):
        raise InputError(
            f"expected slices of one size, found {first.columns} x {first.rows} in {first.path} "
            f"and {other.columns} x {other.rows} in {other.path}; pass one series alone"
        )
    if not np.allclose(first.spacing, other.spacing, rtol=1e-4, atol=0):
        raise InputError(
            f"expected slices of one PixelSpacing, found {first.spacing} in {first.path} and "
            f"{other.spacing} in {other.path}; pass one series alone"
        )
    if not np.allclose(first.orientation, other.orientation, atol=1e-3):
        raise InputError(
            f"expected parallel slices, found orientation {first.orientation} in {first.path} "
            f"and {other.orientation} in {other.path}; pass a single series, without localizers"
        )


def _require_even(heights: NDArray[np.float64], slices: Sequence[Slice]) -> None:
    """Refuse repeats and gaps; `heights` (mm along the normal) and `slices` are sorted alike."""
    gaps = np.diff(heights)
    repeats = np.flatnonzero(gaps < _SAME_POSITION_MM)
    if repeats.size:
        k = int(repeats[0])
        raise InputError(
            f"expected one slice per position, found {repeats.size} repeated "
            "position(s), the first "
            f"at {heights[k]:.2f} mm in {slices[k].path} and {slices[k + 1].path}; "
            "remove the copies, or pass a single time frame or reconstruction"
        )
    usual = float(np.median(gaps))
    wide = np.flatnonzero(gaps > 1.5 * usual)
    if wide.size:
        holes = ", ".join(f"{heights[k]:.2f} and {heights[k + 1]:.2f}" for k in wide[:3])
        more = f" and {wide.size - 3} more" if wide.size > 3 else ""
        raise InputError(
            f"expected a slice every {usual:.2f} mm, found slices missing between {holes} mm"
            f"{more} along the slice normal (next to {slices[int(wide[0])].path}); "
            "copy the whole series"
        )
    uneven = np.abs(gaps - usual)
    if uneven.max() > max(_GAP_TOLERANCE * usual, _ROUNDING_MM):
        k = int(uneven.argmax())
        raise InputError(
            f"expected evenly spaced slices, found {gaps[k]:.3f} mm beside {usual:.3f} mm at "
            f"{heights[k]:.2f} mm ({slices[k].path}); resample the series to even spacing first"
        )


def _require_upright(
    step: NDArray[np.float64], normal: NDArray[np.float64], count: int, first: Slice
) -> None:
    """Refuse a stack that leans: its voxels would be sheared, not rectangular."""
    drift = float(np.linalg.norm(step - (step @ normal) * normal)) * (count - 1)
    if abs(first.tilt) > _TILT_DEGREES or drift > 0.5 * min(first.spacing):
        angle = float(np.degrees(np.arccos(np.clip(step @ normal / np.linalg.norm(step), -1, 1))))
        raise InputError(
            f"expected slices stacked along their normal, found a gantry tilt (header: "
            f"{first.tilt:g} degrees, positions: {angle:.2f} degrees) in {first.path.parent}; "
            "correct the tilt with the scanner's or a converter's tilt correction first"
        )
