"""Pairs of .hdr and .img in: Analyze 7.5, SPM's kind of it, and NIfTI in two files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.io.limits import require_size
from fuzzyseg.io.messages import one_line
from fuzzyseg.io.nifti_header import affine_mm, header_remarks, nibabel_failures, require_scalar_3d
from fuzzyseg.io.unnamed import named

if TYPE_CHECKING:
    from fuzzyseg.volume import Modality, Volume

_SIZE_OF_HEADER = (b"\x5c\x01\x00\x00", b"\x00\x00\x01\x5c")  # 348, in either order of bytes


def is_analyze(path: Path) -> bool:
    """Tell whether a file is the header of a pair.

    The .img file is listed with its header; by itself it may be anything.
    """
    if path.suffix.lower() != ".hdr":
        return False
    try:
        with path.open("rb") as file:
            return file.read(4) in _SIZE_OF_HEADER
    except OSError:
        return False


def read_analyze(path: Path, modality: Modality | None = None) -> Volume:
    """Read a pair by its header.

    Parameters
    ----------
    path : Path
        The .hdr file; the .img file lies beside it.
    modality : {"CT", "NM", "PT", "other"} or None
        What the image is; None guesses from the values.

    Returns
    -------
    Volume
        Its warnings say what Analyze leaves open.

    Raises
    ------
    InputError
        If the pair is damaged or incomplete, or not one 3-D image of real numbers.
    """
    import nibabel as nib

    try:
        with header_remarks() as remarks:
            image: Any = nib.load(path, mmap=False)
        require_scalar_3d(path, image)
        warnings = tuple(f"The header of the file is irregular: {r}." for r in remarks)
        if isinstance(image, nib.Nifti1Pair):
            affine, said = affine_mm(image)
            warnings += said
        else:
            affine = np.array(image.affine, dtype=np.float64)
            warnings += (
                "Analyze files do not say which side is left: radiological order was "
                "not assumed, and left/right is unverified.",
            )
        size = math.prod(image.shape) * image.get_data_dtype().itemsize
        data = image.file_map["image"].filename
        require_size(size, path)
        _require_data(path, data, size, int(image.dataobj.offset))
        with np.errstate(over="ignore", invalid="ignore"):
            array = image.get_fdata(dtype=np.float32, caching="unchanged")
    except InputError:
        raise
    except nibabel_failures() as error:
        raise InputError(
            f"expected a complete pair of .hdr and .img, found {path}, which cannot be read as one "
            f"({one_line(error)}); copy or export both again"
        ) from error
    return named(
        array.reshape(array.shape[:3]), affine, modality, source=str(path), warnings=warnings
    )


def _require_data(path: Path, data: str, size: int, offset: int) -> None:
    """Refuse a header that announces more than its .img file holds."""
    there = Path(data).stat().st_size
    if not data.lower().endswith(".gz") and not 0 <= offset <= there - size:
        raise InputError(
            f"expected {size + offset} bytes of voxels beside {path}, found {there}; "
            "copy both files again"
        )
