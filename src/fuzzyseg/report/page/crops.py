"""Pictures of lesions and of the whole body, as PNG in the page's own text."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.drawing.shown import to_patient_axes, uptake_window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fuzzyseg.volume import Segmentation, Volume

    Image = NDArray[np.float32]

_FIELD_MM = 90.0  # width of the square around a lesion
_PIXELS = 150  # of that square
_OUTLINE = (226, 40, 36)
_CT_HU = (-160.0, 640.0)
_MIP_HEIGHT = 620  # pixels


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


def lesion_picture(study: Oriented, number: int) -> str:
    """Draw the axial, coronal and sagittal square around a lesion, outlined; a data URL."""
    at = np.argwhere(study.lesions == number)
    centre = at[np.argmin(((at - at.mean(0)) ** 2).sum(1))]  # a voxel of the lesion itself
    strip = [_square(study, centre, normal, number) for normal in (2, 1, 0)]
    return data_url(np.concatenate(strip, axis=1))


def _square(
    study: Oriented, centre: NDArray[np.intp], normal: int, number: int
) -> NDArray[np.uint8]:
    """Cut a square of _FIELD_MM out of a slice through a voxel; rows from the top."""
    across, up = (axis for axis in range(3) if axis != normal)
    # Pixels' places in voxels: from the patient's right (or front) to the left, from the top down.
    steps = ((np.arange(_PIXELS) + 0.5) / _PIXELS - 0.5) * -_FIELD_MM
    place = [np.full((_PIXELS, _PIXELS), centre[normal], float)] * 3
    place[across] = np.tile(centre[across] + steps / study.spacing_mm[across], (_PIXELS, 1))
    place[up] = np.tile(centre[up] + steps / study.spacing_mm[up], (_PIXELS, 1)).T
    uptake = _scaled(_sampled(study.image, place), study.window)
    if study.ct is None:
        colour = np.repeat(255 * (1 - uptake)[..., None], 3, axis=-1)
    else:
        grey = _scaled(_sampled(study.ct, place, fill=-1000.0), _CT_HU)[..., None]
        colour = 255 * (
            grey * (1 - 0.6 * uptake[..., None]) + 0.6 * _hot(uptake) * uptake[..., None]
        )
    inside = _sampled((study.lesions == number).astype(np.float32), place) >= 0.5
    colour[_edge(inside)] = _OUTLINE
    return np.clip(colour, 0, 255).astype(np.uint8)


def whole_body(study: Oriented) -> tuple[NDArray[np.uint8], float]:
    """Draw the maximum from the front, patient's right on the left, lesions outlined.

    Returns
    -------
    picture : uint8 ndarray of shape (rows, columns, 3)
    mm_per_pixel : float
    """
    height, width = (n * s for n, s in ((study.image.shape[2], study.spacing_mm[2]),
                                        (study.image.shape[0], study.spacing_mm[0])))  # fmt: skip
    mm = height / _MIP_HEIGHT
    rows, columns = _MIP_HEIGHT, max(round(width / mm), 1)
    x = (width - (np.arange(columns) + 0.5) * mm) / study.spacing_mm[0] - 0.5
    z = (height - (np.arange(rows) + 0.5) * mm) / study.spacing_mm[2] - 0.5
    grid = list(np.meshgrid(x, z))
    flat = np.array(study.image.max(axis=1), np.float32, ndmin=2)
    grey = 255 * (1 - _scaled(_sampled(flat, grid), study.window))
    colour = np.repeat(grey[..., None], 3, axis=-1)
    lesion = np.array((study.lesions > 0).any(axis=1), np.float32, ndmin=2)
    colour[_edge(_sampled(lesion, grid) >= 0.5)] = _OUTLINE
    return colour.astype(np.uint8), mm


def places_in_picture(
    study: Oriented, numbers: Sequence[int], mm_per_pixel: float
) -> dict[int, tuple[float, float]]:
    """Find column and row of each lesion's centre in the picture from the front."""
    from scipy import ndimage

    centres = ndimage.center_of_mass(study.lesions > 0, study.lesions, list(numbers))
    width, height = (study.image.shape[a] * study.spacing_mm[a] for a in (0, 2))
    return {
        number: (
            (width - (x + 0.5) * study.spacing_mm[0]) / mm_per_pixel,
            (height - (z + 0.5) * study.spacing_mm[2]) / mm_per_pixel,
        )
        for number, (x, _, z) in zip(numbers, centres, strict=True)
    }


def data_url(picture: NDArray[np.uint8]) -> str:
    """Turn a picture (rows, columns, 3) into PNG that a page holds in its own text."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).quantize(128).save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def _sampled(image: Image, place: list[NDArray[np.float64]], fill: float = 0.0) -> Image:
    from scipy import ndimage

    found: Image = ndimage.map_coordinates(image, place, order=1, mode="constant", cval=fill)
    return found


def _scaled(values: Image, window: tuple[float, float]) -> Image:
    low, high = window
    return np.asarray(np.clip((values - low) / (high - low), 0, 1), np.float32)


def _hot(t: Image) -> Image:
    """Black, red, yellow, white for 0 to 1."""
    return np.stack([np.clip(3 * t - k, 0, 1) for k in range(3)], axis=-1)


def _edge(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    from scipy import ndimage

    return np.asarray(ndimage.binary_dilation(inside) & ~inside, bool)
