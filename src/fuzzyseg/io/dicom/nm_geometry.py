"""Where the frames of a reconstructed NM image lie.

Convention (DICOM PS3.3 C.8.4.11 and C.8.4.15). Image Orientation and Image Position (Patient)
belong to the first slice and sit in the items of Detector Information Sequence; some writers
put them at the top level. Slice s, counted from 1 in Slice Vector, lies at

    Image Position + (s - 1) * Spacing Between Slices * normal,    normal = row x column.

"A positive spacing indicates slices are stacked behind the first slice and a negative spacing
... in front of" it, seen along the normal: so the sign is kept and a file with a negative
spacing starts, if axial, at the head. This reading of "behind" is the one of the discussion
"Spacing between slices in NM data" on comp.protocols.dicom (2007) and of viewers after they
were shown patients upside down (OHIF/Viewers issue 4352); converters that drop the sign flip
them (rordenlab/dcm2niix issue 885).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.io.dicom.affine import AXIAL, is_orthonormal, ras_affine, slice_normal
from fuzzyseg.io.dicom.elements import count, floats, items, number

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from pydicom import Dataset


def nm_affine(
    header: Dataset, frames: int, path: Path
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Build the affine of a reconstructed NM image whose frames are in the order of slices.

    Parameters
    ----------
    header : Dataset
        Elements of the file.
    frames : int
        Number of slices.
    path : Path
        For messages.

    Returns
    -------
    affine : float64 ndarray of shape (4, 4)
        Maps (column, row, slice, 1) to mm in RAS.
    warnings : tuple of str
        What had to be assumed.

    Raises
    ------
    InputError
        If Pixel Spacing, or any distance between slices, is missing or makes no sense.
    """
    spacing = floats(header, "PixelSpacing", 2, path)
    if spacing is None or min(spacing) <= 0:
        raise InputError(
            f"expected a positive PixelSpacing, found {spacing or 'none'} in {path}; "
            "export the reconstruction again"
        )
    orientation, position, placed = _placement(header, path)
    between, spaced = _spacing(header, path)
    warnings = placed + spaced
    if orientation is None:
        orientation = AXIAL
        warnings += (
            "The SPECT file gives no orientation: axial slices of a patient lying "
            "head first supine were assumed; left/right and head/feet are unverified.",
        )
    elif not is_orthonormal(orientation):
        raise InputError(
            f"expected perpendicular unit vectors in ImageOrientationPatient, found {orientation} "
            f"in {path}; export the reconstruction again"
        )
    step = between * slice_normal(orientation)
    if position is None:
        columns, rows = count(header, "Columns", path, 1), count(header, "Rows", path, 1)
        position = _centred((columns, rows, frames), orientation, spacing, step)
        warnings += (
            "The SPECT file gives no position: its centre was set to (0, 0, 0), so "
            "it cannot be assumed that a CT matches.",
        )
    return ras_affine(orientation, position, spacing, step), warnings


_Floats = tuple[float, ...]


def _placement(
    header: Dataset, path: Path
) -> tuple[_Floats | None, _Floats | None, tuple[str, ...]]:
    """Orientation and position: the first detector's, else the top level's."""
    found = []
    for item in [*items(header, "DetectorInformationSequence", path), header]:
        orientation = floats(item, "ImageOrientationPatient", 6, path)
        position = floats(item, "ImagePositionPatient", 3, path)
        if orientation is not None or position is not None:
            found.append((orientation, position))
    if not found:
        return None, None, ()
    whole = [pair for pair in found if None not in pair]
    chosen = (whole or found)[0]
    warnings: tuple[str, ...] = ()
    if any(pair != chosen for pair in whole):
        warnings = (
            "The SPECT file gives several positions or orientations (one per "
            "detector): the first is used; check it against the CT.",
        )
    return *chosen, warnings


def _spacing(header: Dataset, path: Path) -> tuple[float, tuple[str, ...]]:
    """Signed distance between slices, mm."""
    between = number(header, "SpacingBetweenSlices", path)
    if between:
        return between, ()
    thickness = number(header, "SliceThickness", path)
    if not thickness or thickness < 0:
        raise InputError(
            f"expected SpacingBetweenSlices, found neither it nor a positive SliceThickness in "
            f"{path}; export the reconstruction again"
        )
    return thickness, (
        f"The SPECT file gives no SpacingBetweenSlices: its SliceThickness, {thickness:g} mm, "
        "was used, stacked along the normal; head/feet are unverified.",
    )


def _centred(
    shape: tuple[int, int, int],
    orientation: tuple[float, ...],
    spacing: tuple[float, ...],
    step: NDArray[np.float64],
) -> tuple[float, ...]:
    """Position of the first voxel that puts the volume's centre at the origin."""
    row, column = np.reshape(np.asarray(orientation), (2, 3))
    half = (
        row * spacing[1] * (shape[0] - 1)
        + column * spacing[0] * (shape[1] - 1)
        + step * (shape[2] - 1)
    ) / 2
    return tuple(float(v) for v in -half)
