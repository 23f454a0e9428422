"""NIfTI files in."""

from __future__ import annotations

import gzip
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.io.hounsfield import floor_at_air
from fuzzyseg.io.messages import one_line
from fuzzyseg.volume import Volume

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from fuzzyseg.volume import Modality, Unit

NIFTI_SUFFIXES = (".nii", ".nii.gz")
_MM_PER_UNIT = {"meter": 1000.0, "mm": 1.0, "micron": 0.001, "unknown": 1.0}
# Agreement asked between sform and qform, in mm over the whole image.
_FORM_TOLERANCE_MM = 0.5


def is_nifti_name(path: Path) -> bool:
    """Tell whether a file is named like a NIfTI image."""
    return path.name.lower().endswith(NIFTI_SUFFIXES)


def read_nifti(
    path: str | Path, modality: Modality | None = "other", unit: Unit | None = None
) -> Volume:
    """Read a 3-D NIfTI image.

    Parameters
    ----------
    path : str or Path
        A .nii or .nii.gz file; a fourth axis of length 1 is dropped.
    modality : {"CT", "NM", "PT", "other"} or None
        What the image is; NIfTI does not say. None guesses, see `guess_modality`.
    unit : {"HU", "Bq/mL", "counts", "SUV", "arbitrary"}, optional
        Unit of the intensities; by default HU for CT, otherwise arbitrary.

    Returns
    -------
    Volume
        float32, slope and intercept applied, affine in mm; HU below -1024 raised to it.

    Raises
    ------
    InputError
        If the file is no NIfTI image, is cut short, or is not one 3-D image of real numbers.
    """
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError
    from nibabel.wrapstruct import WrapStructError

    path = Path(path)
    if not path.is_file():
        raise InputError(f"expected a NIfTI file, found nothing at {path}; check the path")
    failures = (
        ImageFileError,
        HeaderDataError,
        WrapStructError,
        EOFError,
        OverflowError,
        OSError,
        ValueError,
        zlib.error,
    )
    try:
        with _header_remarks() as remarks:
            image = _open(path)
        _require_scalar_3d(path, image)
        affine, warnings = _affine_mm(path, image)
        warnings += tuple(f"The header of {path.name} is irregular: {r}." for r in remarks)
        with np.errstate(over="ignore", invalid="ignore"):
            array = image.get_fdata(dtype=np.float32, caching="unchanged")
    except InputError:
        raise
    except failures as error:
        raise InputError(
            f"expected a whole NIfTI image, found {path}, which cannot be read as one "
            f"({one_line(error)}); copy or export it again"
        ) from error
    if modality is None:
        modality, guessed, warning = guess_modality(array)
        unit = unit or guessed
        warnings += () if warning is None else (warning,)
    unit = unit or ("HU" if modality == "CT" else "arbitrary")
    if unit == "HU":
        array, floored = floor_at_air(array)
        warnings += floored
    return Volume(
        array=array.reshape(array.shape[:3]),
        affine=affine,
        modality=modality,
        unit=unit,
        source=str(path),
        warnings=warnings,
    )


@contextmanager
def _header_remarks() -> Iterator[list[str]]:
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


def _open(path: Path) -> Any:
    """Open an image of version 1 or 2 of the format, its voxels still unread."""
    import nibabel as nib

    image: Any
    if path.name.lower().endswith(".gz"):
        # Unpacked in one go because that verifies the checksum; nibabel stops before it.
        raw = gzip.decompress(path.read_bytes())
        version_2 = raw[:4] in (b"\x1c\x02\x00\x00", b"\x00\x00\x02\x1c")  # 540, size of header
        image = (nib.Nifti2Image if version_2 else nib.Nifti1Image).from_bytes(raw)
    else:
        image = nib.load(path, mmap=False)  # a volume outlives its file
        if not isinstance(image, nib.Nifti1Pair):
            raise nib.filebasedimages.ImageFileError(f"it is a {type(image).__name__}")
    return image


def _require_scalar_3d(path: Path, image: Any) -> None:
    dtype, shape = image.get_data_dtype(), image.shape
    if dtype.names is not None:
        raise InputError(
            f"expected one number a voxel, found colour (RGB) voxels in {path}, shape {shape}; "
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
            "save one time frame or channel of it as a file of its own"
        )
    if 0 in shape:
        raise InputError(
            f"expected an image with voxels, found shape {shape} in {path}; export it again"
        )


def _affine_mm(path: Path, image: Any) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Affine to RAS in mm, and what had to be assumed for it."""
    header, warnings = image.header, []
    sform, qform = int(header["sform_code"]), int(header["qform_code"])
    if sform == 0 and qform == 0:
        warnings.append(
            f"{path.name} has neither sform nor qform: orientation and left/right are unverified."
        )
    affine = np.array(image.affine, dtype=np.float64)
    if sform > 0 and qform > 0:
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in image.shape[:3]])).reshape(3, -1)
        gap = np.abs((affine - header.get_qform())[:3] @ np.vstack([corners, np.ones(8)])).max()
        if gap > _FORM_TOLERANCE_MM:
            warnings.append(
                f"{path.name} has an sform and a qform that differ by {gap:.1f} mm: "
                "the sform is used."
            )
    try:
        length = header.get_xyzt_units()[0]
    except KeyError:
        length = "unknown"
        warnings.append(f"{path.name} has an unknown unit of length: millimetres are assumed.")
    scale = _MM_PER_UNIT[length]
    if scale != 1.0:
        warnings.append(f"{path.name} is in {length}s: its geometry was converted to mm.")
        affine[:3] *= scale
    return affine, tuple(warnings)


def guess_modality(array: NDArray[Any]) -> tuple[Modality, Unit, str | None]:
    """Guess from the values whether an image with no modality is a CT.

    Parameters
    ----------
    array : ndarray of shape (X, Y, Z)

    Returns
    -------
    modality, unit : str
        "CT" and "HU" if the values are whole numbers from -500 or below to above 200;
        otherwise "other" and "arbitrary".
    warning : str or None
        A sentence for the user where CT was guessed.
    """
    low, high = float(np.min(array)), float(np.max(array))
    # NaN compares false, so an image with gaps in it is no CT here.
    if low <= -500 and high > 200:
        sample = array[::2, ::2, ::2]
        if np.array_equal(sample, np.rint(sample)):
            return (
                "CT",
                "HU",
                f"The values ({low:.0f} to {high:.0f}, whole numbers) were taken for Hounsfield "
                "units of a CT.",
            )
    return "other", "arbitrary", None
