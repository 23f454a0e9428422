"""What the header of a NIfTI image says of its voxels and their place."""

from __future__ import annotations

import zlib
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

NIFTI_SUFFIXES = (".nii", ".nii.gz")
_MM_PER_UNIT = {"meter": 1000.0, "mm": 1.0, "micron": 0.001, "unknown": 1.0}
# Agreement asked between sform and qform, in mm over the whole image.
_FORM_TOLERANCE_MM = 0.5


@cache
def nibabel_failures() -> tuple[type[Exception], ...]:
    """List what nibabel raises on damaged files."""
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError
    from nibabel.wrapstruct import WrapStructError

    return (
        ImageFileError,
        HeaderDataError,
        WrapStructError,
        EOFError,
        ArithmeticError,
        OSError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        zlib.error,
    )


@contextmanager
def header_remarks() -> Iterator[list[str]]:
    """Collect what nibabel would print about a header that it finds at fault."""
    from nibabel.imageglobals import logger

    remarks: list[str] = []

    def collect(record: logging.LogRecord) -> bool:
        remarks.append(record.getMessage())
        return False

    logger.addFilter(collect)
    try:
        yield remarks
    finally:
        logger.removeFilter(collect)


def require_scalar_3d(path: Path, image: Any) -> None:
    """Refuse an image that is not 3-D or not of real numbers; raise InputError."""
    dtype, shape = image.get_data_dtype(), image.shape
    if dtype.names is not None:
        raise InputError(
            f"expected one number per voxel, found colour (RGB) voxels in {path}, shape {shape}; "
            "save it as a grey-scale image"
        )
    if dtype.kind not in "fiu":
        raise InputError(
            f"expected real numbers, found {dtype} in {path}, shape {shape}; save the magnitude"
        )
    if len(shape) < 3:
        raise InputError(
            f"expected a 3-D image, found shape {shape} in {path}; pass the whole volume, "
            "not one slice or a planar image"
        )
    if any(length != 1 for length in shape[3:]):
        raise InputError(
            f"expected a 3-D image, found shape {shape} in {path}; "
            "save one time frame or channel in a separate file"
        )
    if min(shape) < 1:
        raise InputError(
            f"expected an image with voxels, found shape {shape} in {path}; export it again"
        )


def affine_mm(image: Any) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Affine to RAS in mm, and what had to be assumed for it."""
    header, warnings = image.header, []
    sform, qform = int(header["sform_code"]), int(header["qform_code"])
    if sform <= 0 and qform <= 0:
        warnings.append(
            "The file has neither sform nor qform: the orientation and left/right are unverified."
        )
    affine = np.array(image.affine, dtype=np.float64)
    if sform > 0 and qform > 0 and np.isfinite(affine).all():
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in image.shape[:3]])).reshape(3, -1)
        with np.errstate(all="ignore"):  # a damaged qform differs by NaN
            beside = (affine - header.get_qform())[:3] @ np.vstack([corners, np.ones(8)])
        gap = np.abs(beside).max()
        if not gap <= _FORM_TOLERANCE_MM:
            warnings.append(
                f"The file has an sform and a qform that differ by {gap:.1f} mm: the sform is used."
            )
    try:
        length = header.get_xyzt_units()[0]
    except KeyError:
        length = "unknown"
        warnings.append("The file has an unknown unit of length: millimetres are assumed.")
    scale = _MM_PER_UNIT[length]
    if scale != 1.0:
        warnings.append(f"The file is in {length}s: its geometry was converted to mm.")
        affine[:3] *= scale
    return affine, tuple(warnings)
