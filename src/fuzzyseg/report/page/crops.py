"""Pictures of lesions: the three slices through each, fused with the CT, the lesion outlined."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.report.page.pixels import OUTLINE, data_url, edge, sampled, scaled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fuzzyseg.report.page.oriented import Image, Oriented

_FIELD_MM = 90.0  # width of the square around a lesion
_PIXELS = 150  # of that square
_CT_HU = (-160.0, 640.0)
_AIR_HU = -1000.0  # beyond the CT's field


def lesion_pictures(study: Oriented, numbers: Sequence[int]) -> dict[int, str]:
    """Draw the axial, coronal and sagittal square around each lesion; data URLs by number."""
    return {
        number: picture_at(study, number, centre)
        for number, centre in middles(study, numbers).items()
    }


def middles(study: Oriented, numbers: Sequence[int]) -> dict[int, NDArray[np.intp]]:
    """Find, for each lesion, its voxel (3,) that is nearest to its middle."""
    from scipy import ndimage

    boxes = ndimage.find_objects(study.lesions)
    found = {}
    for number in numbers:
        box = boxes[number - 1]
        at = np.argwhere(study.lesions[box] == number)
        middle = at[np.argmin(((at - at.mean(0)) ** 2).sum(1))]
        found[number] = np.asarray(middle + [part.start for part in box], np.intp)
    return found


def picture_at(study: Oriented, number: int, centre: NDArray[np.intp]) -> str:
    """Draw the three squares around a voxel (3,), a lesion outlined; a data URL."""
    strip = [_square(study, centre, normal, number) for normal in (2, 1, 0)]
    return data_url(np.concatenate(strip, axis=1), "jpeg")


def _square(
    study: Oriented, centre: NDArray[np.intp], normal: int, number: int
) -> NDArray[np.uint8]:
    """Cut a square of _FIELD_MM out of a slice through a voxel; rows from the top."""
    across, up = (axis for axis in range(3) if axis != normal)
    # Pixels' places in voxels: from the patient's right (or front) to the left, from the top down.
    steps = ((np.arange(_PIXELS) + 0.5) / _PIXELS - 0.5) * -_FIELD_MM
    place = [
        np.tile(centre[across] + steps / study.spacing_mm[across], (_PIXELS, 1)),
        np.tile(centre[up] + steps / study.spacing_mm[up], (_PIXELS, 1)).T,
    ]
    plane = tuple(int(centre[a]) if a == normal else slice(None) for a in range(3))
    uptake = scaled(sampled(study.image[plane], place), study.window)
    if study.ct is None:
        colour = np.repeat(255 * (1 - uptake)[..., None], 3, axis=-1)
    else:
        hu = sampled(study.ct[plane], place, fill=_AIR_HU)
        grey = scaled(hu, _CT_HU)[..., None]
        colour = 255 * (
            grey * (1 - 0.6 * uptake[..., None]) + 0.6 * _hot(uptake) * uptake[..., None]
        )
    lesion = study.lesions[plane] == number
    colour[edge(sampled(lesion.astype(np.float32), place) >= 0.5)] = OUTLINE
    return np.clip(colour, 0, 255).astype(np.uint8)


def _hot(t: Image) -> Image:
    """Black, red, yellow, white for 0 to 1."""
    return np.stack([np.clip(3 * t - k, 0, 1) for k in range(3)], axis=-1)
