"""NIfTI files out: volumes, and labels and memberships on the grid of the image they belong to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.io.nifti import is_nifti_name
from fuzzyseg.io.nifti_header import NIFTI_SUFFIXES
from fuzzyseg.io.output import cannot_write, replacing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.volume import Volume

STEPS = 250  # of a membership from 0 to 1: finer than any network or camera deserves


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
    """Write memberships as one 4-D image whose last axis is the class.

    They are stored in steps of 1/250 as bytes with the header's scl_slope, which readers apply:
    a small part of the disk space of float32. Sums of 1 stay so, and the class of the highest
    membership stays the same.

    Parameters
    ----------
    path : str or Path
        A name that ends in .nii or .nii.gz; replaced in one step if it exists.
    memberships : ndarray of shape (C, X, Y, Z)
        Degree, from 0 to 1, to which each voxel belongs to each class.
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
    n_classes, x, y, z = memberships.shape
    stored = np.empty((n_classes, z, y, x), np.uint8)
    for k in range(z):  # plane by plane: no copy of a large image
        stored[:, k] = in_steps(memberships[..., k].transpose(0, 2, 1))
    _write(
        Path(path),
        stored.T,
        volume,
        slope=1 / STEPS,
        description=f"memberships in steps of 1/{STEPS}",
    )


def in_steps(memberships: NDArray[Any], steps: int = STEPS) -> NDArray[np.uint8]:
    """Round memberships (C, ...) to whole numbers of steps that sum to `steps` over C.

    The highest class takes what rounding leaves, and stays the highest (the first of equals):
    where it would not, the others are rounded down. Degrees that do not sum to 1 (possibilistic
    ones) are each rounded by themselves.
    """
    scaled = memberships * np.float32(steps)
    if np.abs(scaled.sum(0) - steps).max(initial=0) > 1:
        found: NDArray[np.uint8] = np.rint(scaled.clip(0, steps)).astype(np.uint8)
        return found
    top = _first_highest(scaled)
    whole = _of_steps(np.rint(scaled), top, steps)
    lost = _first_highest(whole) != top
    if lost.any():
        whole[:, lost] = _of_steps(np.floor(scaled[:, lost]), top[lost], steps)
    return whole.astype(np.uint8)


def _first_highest(values: NDArray[Any]) -> NDArray[np.uint8]:
    """As argmax(0), which takes several times as long over so few."""
    best, top = values[0].copy(), np.zeros(values.shape[1:], np.uint8)
    for k, one in enumerate(values[1:], 1):
        top[one > best] = k
        np.maximum(best, one, out=best)
    return top


def _of_steps(rounded: NDArray[Any], top: NDArray[np.uint8], steps: int) -> NDArray[Any]:
    """Let the class `top` (...) have what the others in `rounded` (C, ...) leave of `steps`."""
    rest = steps - rounded.sum(0)
    for k, one in enumerate(rounded):
        np.add(one, rest, out=one, where=top == k)
    return rounded


def write_image(path: str | Path, volume: Volume) -> None:
    """Write a volume's intensities as float32; a NIfTI does not hold its modality and unit.

    Raises
    ------
    InputError
        If the name does not fit, or the file cannot be written.
    """
    _write(Path(path), volume.array, volume)


def _write(
    path: Path,
    array: NDArray[Any],
    volume: Volume,
    intent: str = "none",
    slope: float | None = None,
    description: str = "",
) -> None:
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
    image.header["descrip"] = description
    if slope is not None:
        image.header.set_slope_inter(slope, 0)
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
