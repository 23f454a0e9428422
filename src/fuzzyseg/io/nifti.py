"""NIfTI files in."""

from __future__ import annotations

import gzip
import math
import zlib
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.io.limits import require_size
from fuzzyseg.io.messages import one_line
from fuzzyseg.io.nifti_header import (
    NIFTI_SUFFIXES,
    affine_mm,
    header_remarks,
    nibabel_failures,
    require_scalar_3d,
)
from fuzzyseg.io.sidecar import Sidecar, read_sidecar
from fuzzyseg.io.unnamed import named

if TYPE_CHECKING:
    from fuzzyseg.volume import Modality, Unit, Volume

_GZIP = b"\x1f\x8b"
# Size of the header, which is its first number: of version 1 or 2, in either order of bytes.
_VERSION_1, _VERSION_2 = (
    (b"\x5c\x01\x00\x00", b"\x00\x00\x01\x5c"),
    (
        b"\x1c\x02\x00\x00",
        b"\x00\x00\x02\x1c",
    ),
)
_MAGIC = b"n+1"
_LABELS = 1002  # NIFTI_INTENT_LABEL
# Bytes of the longer header, and where voxels begin at the earliest: 4 bytes tell of extensions.
_HEAD = 540
_FIRST_OFFSET = {1: 352, 2: 544}
# How many bytes deflate can make of one, at the most.
_MOST_DEFLATED = 1032
# Bytes read at a time while those behind the voxels are counted, up to a limit.
_CHUNK, _MOST_COUNTED = 1 << 20, 1 << 26


def is_nifti_name(path: Path) -> bool:
    """Tell whether a file is named like a NIfTI image."""
    return path.name.lower().endswith(NIFTI_SUFFIXES)


def is_nifti(path: Path) -> bool:
    """Tell whether a file is named like a NIfTI image, or begins as one, gzipped or not."""
    if is_nifti_name(path):
        return True
    try:
        with _opened(path) as file:
            head = file.read(_HEAD)
    except (OSError, EOFError, zlib.error):
        return False
    return (head[:4] in _VERSION_1 and head[344:347] == _MAGIC) or (
        head[:4] in _VERSION_2 and head[4:7] == b"n+2"
    )


def read_nifti(
    path: str | Path, modality: Modality | None = "other", unit: Unit | None = None
) -> Volume:
    """Read a 3-D NIfTI image.

    Parameters
    ----------
    path : str or Path
        A NIfTI file, gzipped or not, whatever its name says; a fourth axis of length 1 is
        dropped.
    modality : {"CT", "NM", "PT", "other"} or None
        What the image is; NIfTI does not say. None takes it from the JSON file beside the image
        (`read_sidecar`), or guesses, see `guess_modality`. "other", such as labels: that file is
        not read.
    unit : {"HU", "Bq/mL", "counts", "SUV", "arbitrary"}, optional
        Unit of the intensities; by default that of the JSON file where modalities agree, else HU
        for CT, otherwise arbitrary.

    Returns
    -------
    Volume
        float32, slope and intercept applied, affine in mm; HU below -1024 raised to it.

    Raises
    ------
    InputError
        If the file is no NIfTI image, holds fewer voxels than it announces, is sheared, or is
        not one 3-D image of real numbers.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"expected a NIfTI file, found nothing at {path}; check the path")
    try:
        with header_remarks() as remarks, _opened(path) as file:
            image, surplus = _image(path, file)
        require_scalar_3d(path, image)
        affine, warnings = affine_mm(image)
        warnings += tuple(f"The header of the file is irregular: {r}." for r in remarks) + surplus
        if modality is None and image.header["intent_code"] == _LABELS:
            warnings += ("By the file's header these are labels of an image, and no image.",)
        with np.errstate(over="ignore", invalid="ignore"):
            array = image.get_fdata(dtype=np.float32, caching="unchanged")
    except InputError:
        raise
    except nibabel_failures() as error:
        raise InputError(
            f"expected a complete NIfTI image, found {path}, which cannot be read as one "
            f"({one_line(error)}); copy or export it again"
        ) from error
    beside = Sidecar() if modality == "other" else read_sidecar(path)  # such as labels
    if modality and beside.modality and (modality == "CT") != (beside.modality == "CT"):
        beside = Sidecar()  # who asks knows better
    if beside.factor != 1.0 and unit is None:
        array = array * np.float32(beside.factor)
    volume = named(
        array.reshape(array.shape[:3]),
        affine,
        modality or beside.modality,
        unit or beside.unit,
        source=str(path),
        warnings=warnings + beside.warnings,
    )
    return replace(
        volume,
        nuclide=beside.nuclide,
        half_life_s=beside.half_life_s,
        administration=beside.administration,
    )


def _opened(path: Path) -> IO[bytes]:
    """Open a file, through gzip where its first bytes say so."""
    file = path.open("rb")
    try:
        head = file.read(2)
        file.seek(0)
    except OSError:
        file.close()
        raise
    if head != _GZIP:
        return file
    file.close()
    return cast("IO[bytes]", gzip.open(path, "rb"))


def _image(path: Path, file: IO[bytes]) -> tuple[Any, tuple[str, ...]]:
    """Read an image; its sizes are compared with what is there before anything is made of them."""
    import nibabel as nib

    head = file.read(_HEAD)
    version = 1 if head[:4] in _VERSION_1 else 2 if head[:4] in _VERSION_2 else 0
    if not version:
        raise nib.filebasedimages.ImageFileError("it does not begin with a NIfTI header")
    kind: Any = nib.Nifti1Image if version == 1 else nib.Nifti2Image
    header = kind.header_class(head[: kind.header_class.template_dtype.itemsize])
    wanted = _voxel_bytes(path, header, version)
    there = path.stat().st_size * (_MOST_DEFLATED if isinstance(file, gzip.GzipFile) else 1)
    if there < wanted:
        raise InputError(
            f"expected {wanted} bytes by its header, found {path.stat().st_size} in {path}; "
            "copy or export it again"
        )
    rest = file.read(max(0, wanted - len(head)))  # the least of what is announced and there
    raw = (head + rest)[:wanted] if wanted >= len(head) else head
    if len(raw) < wanted:
        raise InputError(
            f"expected {wanted} bytes by its header, found {len(raw)} in {path}; copy or export "
            "it again"
        )
    # To the end, too, because that verifies the checksum of a gzipped file.
    surplus = max(0, len(head) - wanted) + _count_rest(file)
    warnings = (
        f"The file holds {surplus} bytes more than its header announces: the shape or "
        "type of the voxels may be wrong.",
    )
    with np.errstate(all="ignore"):  # numbers that are checked, or refused, later
        image = kind.from_bytes(raw)
    return image, warnings if surplus else ()


def _voxel_bytes(path: Path, header: Any, version: int) -> int:
    """Bytes up to the last voxel that a header announces; raise InputError where it lies."""
    shape, dtype = header.get_data_shape(), header.get_data_dtype()
    if not shape or min(shape) < 1:
        raise InputError(
            f"expected an image with voxels, found shape {shape} in {path}; export it again"
        )
    offset, first = float(header["vox_offset"]), _FIRST_OFFSET[version]
    size = math.prod(int(n) for n in shape) * int(dtype.itemsize)
    require_size(size, path)
    if not (math.isfinite(offset) and first <= offset <= first + 2**31 and offset == int(offset)):
        raise InputError(
            f"expected voxels that begin at byte {first} or later, found {offset:g} in {path}; "
            "export it again"
        )
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if math.isinf(slope) or (slope and not math.isnan(slope) and not math.isfinite(intercept)):
        raise InputError(
            f"expected a finite slope and intercept, found {slope:g} and {intercept:g} in {path}; "
            "export it again"
        )
    return int(offset) + size


def _count_rest(file: IO[bytes]) -> int:
    total = 0
    while total < _MOST_COUNTED:
        got = len(file.read(_CHUNK))
        if not got:
            break
        total += got
    return total
