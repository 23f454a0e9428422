"""MetaImage and NRRD in, by SimpleITK, which is an extra."""

from __future__ import annotations

import importlib.util
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.io.dicom.affine import LPS_TO_RAS
from fuzzyseg.io.limits import require_size
from fuzzyseg.io.messages import one_line
from fuzzyseg.io.unnamed import named

if TYPE_CHECKING:
    from fuzzyseg.volume import Modality, Volume

METAIMAGE_SUFFIXES, NRRD_SUFFIXES = (".mha", ".mhd"), (".nrrd", ".nhdr")
# A detached header names its data here; the rest of the header is short lines of text.
_DATA_FILE = re.compile(rb"^(?:ElementDataFile\s*=|data ?file:)\s*(.+?)\s*$", re.MULTILINE)
_HEADER_BYTES = 65536


def is_metaimage(path: Path) -> bool:
    """Tell whether a file is named like a MetaImage."""
    return path.suffix.lower() in METAIMAGE_SUFFIXES


def is_nrrd(path: Path) -> bool:
    """Tell whether a file is named like a NRRD."""
    return path.suffix.lower() in NRRD_SUFFIXES


def why_not(path: Path) -> str | None:
    """Say what is missing to read such a file, None if nothing is."""
    if importlib.util.find_spec("SimpleITK") is None:
        return (
            f"a {path.suffix} file, which SimpleITK reads: pip install 'fuzzyseg[itk]', or "
            "convert it to NIfTI, for example with 3D Slicer"
        )
    return None


def read_itk(path: Path, modality: Modality | None = None) -> Volume:
    """Read a MetaImage or NRRD.

    Parameters
    ----------
    path : Path
        A .mha, .mhd, .nrrd or .nhdr file; the data of a detached header lie beside it.
    modality : {"CT", "NM", "PT", "other"} or None
        What the image is; None guesses from the values.

    Returns
    -------
    Volume

    Raises
    ------
    InputError
        If SimpleITK is not installed, or the file is damaged, leads elsewhere, or is not one
        3-D image of real numbers.
    """
    reason = why_not(path)
    if reason is not None:
        raise InputError(f"expected a volume, found {path}, {reason}")
    _require_beside(path)
    import SimpleITK  # its classes carry no types

    sitk: Any = SimpleITK

    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        size = reader.GetSize()
        if len(size) != 3 or reader.GetNumberOfComponents() != 1:
            raise InputError(
                f"expected a 3-D image with one number per voxel, found shape {size} of "
                f"{reader.GetNumberOfComponents()} in {path}; save one volume in a separate file"
            )
        require_size(math.prod(size) * 8, path)
        image = reader.Execute()
        array = sitk.GetArrayFromImage(image)
    except RuntimeError as error:
        detail = str(error).rsplit("itk::ERROR:", maxsplit=1)[-1]
        raise InputError(
            f"expected a complete {path.suffix} image, found {path}, which cannot be read as one "
            f"({one_line(ValueError(detail))}); copy or export it again"
        ) from error
    if array.dtype.kind not in "fiu":
        raise InputError(
            f"expected real numbers, found {array.dtype} in {path}; save the real "
            "part, the imaginary part or the magnitude"
        )
    affine = np.eye(4)
    directions = np.reshape(image.GetDirection(), (3, 3))
    affine[:3, :3] = directions * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return named(array.transpose(2, 1, 0), LPS_TO_RAS @ affine, modality, source=str(path))


def _require_beside(path: Path) -> None:
    """Refuse a detached header whose data lie elsewhere: it could name any file of the disk."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER_BYTES)
    except OSError as error:
        raise InputError(
            f"expected a readable file, found {path} ({one_line(error)}); check its permissions"
        ) from error
    for match in _DATA_FILE.finditer(head):
        name = match[1].decode("utf-8", "replace").strip()
        if name.upper() != "LOCAL" and Path(name).name != name:
            raise InputError(
                f"expected the data beside the header, found {path} naming a file "
                "elsewhere; put both into one folder"
            )
