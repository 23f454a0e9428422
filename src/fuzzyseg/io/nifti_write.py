"""NIfTI files out: volumes, and labels and memberships on the grid of the image they belong to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.io.nifti import NIFTI_SUFFIXES, is_nifti_name
from fuzzyseg.io.output import cannot_write, replacing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.volume import Volume


def write_labels(path: str | Path, labels: NDArray[Any], volume: Volume) -> None:
    """Write a label map as uint8.

    Parameters
    ----------
    path : str or Path
        A name that ends in .nii or .nii.gz; replaced in one step if it exists.
    labels : integer ndarray of shape (X, Y, Z)
        Values from 0 to 255.
    volume : Volume
        The image whose grid the labels are on.

    Raises
    ------
    InputError
        If the shape, the values or the name do not fit, or the file cannot be written.
    """
    if labels.shape != volume.shape:
        raise InputError(
            f"expected labels of shape {volume.shape}, found {labels.shape}; "
            "pass the labels of this volume"
        )
    if labels.dtype.kind not in "iub" or (
        labels.size and not 0 <= labels.min() <= labels.max() < 256
    ):
        raise InputError(
            f"expected whole-number labels from 0 to 255, found {labels.dtype} from "
            f"{labels.min()} to {labels.max()}; renumber them"
        )
    _write(Path(path), labels.astype(np.uint8), volume, intent="label")


def write_memberships(path: str | Path, memberships: NDArray[Any], volume: Volume) -> None:
    """Write memberships as one float32 4-D image whose last axis is the class.

    Parameters
    ----------
    path : str or Path
        A name that ends in .nii or .nii.gz; replaced in one step if it exists.
    memberships : ndarray of shape (C, X, Y, Z)
        Degree to which each voxel belongs to each class.
    volume : Volume
        The image whose grid the memberships are on.

    Raises
    ------
    InputError
        If the shape or the name does not fit, or the file cannot be written.
    """
    if memberships.ndim != 4 or memberships.shape[1:] != volume.shape:
        raise InputError(
            f"expected memberships of shape (C, {', '.join(map(str, volume.shape))}), "
            f"found {memberships.shape}; pass the memberships of this volume"
        )
    _write(Path(path), np.moveaxis(memberships, 0, -1).astype(np.float32, copy=False), volume)


def write_image(path: str | Path, volume: Volume) -> None:
    """Write a volume's intensities as float32; a NIfTI does not hold its modality and unit.

    Raises
    ------
    InputError
        If the name does not fit, or the file cannot be written.
    """
    _write(Path(path), volume.array, volume)


def _write(path: Path, array: NDArray[Any], volume: Volume, intent: str = "none") -> None:
    import nibabel as nib

    if not is_nifti_name(path):
        raise InputError(
            f"expected a name that ends in {' or '.join(NIFTI_SUFFIXES)}, found {path.name}; "
            "rename the output"
        )
    new_image: Any = nib.Nifti1Image  # nibabel's classes carry no types
    image = new_image(array, volume.affine)
    image.header.set_xyzt_units("mm")
    image.header.set_intent(intent)
    image.set_sform(volume.affine, code="scanner")
    image.set_qform(volume.affine, code="scanner")
    # A quaternion cannot hold shear; a qform that contradicts the sform is worse than none.
    if not np.allclose(image.header.get_qform(), volume.affine, atol=1e-3):
        image.header["qform_code"] = 0
    try:
        with replacing(path) as partial:
            nib.save(image, partial)
    except OSError as error:
        raise cannot_write(path, error) from error
