"""The DICOM images that a volume was read from, as results refer to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.errors import InputError, SourceError
from fuzzyseg.io.dicom.affine import LPS_TO_RAS
from fuzzyseg.io.dicom.elements import count, floats, integers, text
from fuzzyseg.io.dicom.file import quiet
from fuzzyseg.io.dicom.write import decimal
from fuzzyseg.io.results.patient_study import complete

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from pydicom import Dataset

    from fuzzyseg.volume import Volume

_NAME = "the DICOM that was segmented"  # no path: names of patients stand in them
# How far a slice may lie from its place in the volume, in voxels: positions are rounded.
_OFF = 0.5


@dataclass(frozen=True, eq=False)
class DicomSource:
    """Headers of the images of a volume, without pixels.

    Parameters
    ----------
    images : tuple of Dataset
        Copies, completed: the slices of a series in the order of the volume, or one multi-frame
        image, which has functional groups that say where each frame lies, whatever it had.
    planes : ndarray of int
        Index along the volume's third axis of each frame of `images`.
    """

    images: tuple[Dataset, ...]
    planes: NDArray[np.intp]

    def frame(self, k: int) -> tuple[Dataset, int | None]:
        """Find the image of slice `k` of the volume, and its frame, counted from 1, if several."""
        at = int(np.flatnonzero(self.planes == k)[0])
        return (self.images[at], None) if len(self.images) > 1 else (self.images[0], at + 1)


@quiet()
def dicom_source(volume: Volume) -> DicomSource:
    """Find what a DICOM result refers to.

    Parameters
    ----------
    volume : Volume
        Read with `headers=True`.

    Raises
    ------
    SourceError
        If it was not read from DICOM, its headers lack what a result needs, or they are not
        those of this volume.
    """
    if not volume.headers:
        raise SourceError(
            "expected an image with DICOM headers for DICOM results, found no "
            "headers; choose --formats without DICOM, or in Python read it with "
            "headers=True"
        )
    try:
        return _source(volume)
    except InputError as error:
        raise SourceError(str(error)) from error


def _source(volume: Volume) -> DicomSource:
    images = complete(volume.headers)
    if text(images[0], "Modality").upper() == "NM":
        return _multiframe(volume, images[0])
    return _series(volume, images)


def orientation(volume: Volume) -> list[str]:
    """Image Orientation (Patient) of a volume's slices."""
    axes = (LPS_TO_RAS @ volume.affine)[:3, :2] / np.asarray(volume.spacing_mm[:2])
    return [decimal(v) for v in axes.T.ravel()]


def position(volume: Volume, k: int) -> list[str]:
    """Image Position (Patient) of slice `k` of a volume."""
    place = LPS_TO_RAS @ volume.affine @ np.array([0.0, 0.0, k, 1.0])
    return [decimal(v) for v in place[:3]]


def set_spacing(dataset: Dataset, volume: Volume) -> None:
    """Set Pixel Spacing, Slice Thickness and Spacing Between Slices of a volume."""
    across, down, step = volume.spacing_mm
    dataset.PixelSpacing = [decimal(down), decimal(across)]
    dataset.SliceThickness = dataset.SpacingBetweenSlices = decimal(step)


def _multiframe(volume: Volume, image: Dataset) -> DicomSource:
    """Give an NM image the functional groups (PS3.3 C.7.6.16) that its own object lacks."""
    from pydicom import Dataset

    _require_size(volume, image)
    n = volume.shape[2]
    planes = np.array(integers(image, "SliceVector", _NAME) or range(1, n + 1)) - 1
    if sorted(planes) != list(range(n)):
        raise _other(f"{len(planes)} frames for {n} slices")
    measures, oriented, shared = Dataset(), Dataset(), Dataset()
    set_spacing(measures, volume)
    oriented.ImageOrientationPatient = orientation(volume)
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [oriented]
    image.SharedFunctionalGroupsSequence = [shared]
    frames = []
    for k in planes:
        placed, frame = Dataset(), Dataset()
        placed.ImagePositionPatient = position(volume, int(k))
        frame.PlanePositionSequence = [placed]
        frames.append(frame)
    image.PerFrameFunctionalGroupsSequence = frames
    image.NumberOfFrames = n
    return DicomSource((image,), planes)


def _series(volume: Volume, images: Sequence[Dataset]) -> DicomSource:
    """Put slices into the volume's order; those beyond its ends, which were damaged, are left."""
    to_index = np.linalg.inv(LPS_TO_RAS @ volume.affine)
    found: dict[int, Dataset] = {}
    for image in images:
        placed = floats(image, "ImagePositionPatient", 3, _NAME)
        if placed is None:
            continue
        at = to_index @ np.array([*placed, 1.0])
        k = round(at[2])
        if 0 <= k < volume.shape[2]:
            _require_size(volume, image)
            if np.abs(at[:3] - (0, 0, k)).max() > _OFF or k in found:
                raise _other(f"a slice at {np.round(at[:3], 2).tolist()} (voxels)")
            found[k] = image
    if len(found) < volume.shape[2]:
        raise _other(f"{len(found)} of its {volume.shape[2]} slices")
    ordered = [found[k] for k in range(volume.shape[2])]
    for image in ordered:  # spelled alike in all: writers round them differently
        image.ImageOrientationPatient = orientation(volume)
        set_spacing(image, volume)
    return DicomSource(tuple(ordered), np.arange(len(ordered)))


def _require_size(volume: Volume, image: Dataset) -> None:
    size = count(image, "Columns", _NAME, 0), count(image, "Rows", _NAME, 0)
    if size != volume.shape[:2]:
        raise _other(f"slices of {size[0]} x {size[1]}")


def _other(found: str) -> InputError:
    return InputError(
        f"expected the headers of the volume that was segmented, found {found}; "
        "segment the volume as it was read"
    )
