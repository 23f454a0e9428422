"""A study on the patient's axes, as its pictures show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuzzyseg.drawing.shown import to_patient_axes, uptake_window

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fuzzyseg.volume import Segmentation, Volume

    Image = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Oriented:
    """A study on axes to the right, to the front and up.

    Parameters
    ----------
    image : float32 ndarray of shape (X, Y, Z)
    ct : float32 ndarray of shape (X, Y, Z), or None
        HU on the same grid.
    lesions : int32 ndarray of shape (X, Y, Z)
        Each voxel's lesion, by number.
    spacing_mm : tuple of 3 floats
    window : tuple of 2 floats
        Intensities that are shown white and black.
    """

    image: Image
    ct: Image | None
    lesions: NDArray[np.int32]
    spacing_mm: tuple[float, float, float]
    window: tuple[float, float]


def oriented(segmentation: Segmentation, ct: Volume | None, lesions: NDArray[np.int32]) -> Oriented:
    """Turn a study's axes to the patient's; oblique ones to the nearest.

    Parameters
    ----------
    segmentation : Segmentation
    ct : Volume, optional
        On the grid of the segmentation.
    lesions : int32 ndarray of shape (X, Y, Z)
    """
    turned, spacing, _ = to_patient_axes(segmentation.volume)
    image = turned(segmentation.volume.array)
    low, high = uptake_window(image)
    return Oriented(
        image,
        None if ct is None else turned(ct.array),
        turned(lesions),
        spacing,
        (low, high if high > low else low + 1),
    )
