"""The whole body from the front: maximum intensity, lesions outlined, and where each one is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.report.page.pixels import OUTLINE, edge, sampled, scaled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fuzzyseg.report.page.oriented import Oriented

_MIP_HEIGHT = 620  # pixels
_SHOWN, _NUMBERS = 235, 44  # grey below which something is there, and pixels for numbers


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
    grey = 255 * (1 - scaled(sampled(flat, grid), study.window))
    colour = np.repeat(grey[..., None], 3, axis=-1)
    lesion = np.array((study.lesions > 0).any(axis=1), np.float32, ndmin=2)
    colour[edge(sampled(lesion, grid) >= 0.5)] = OUTLINE
    return colour.astype(np.uint8), mm


def empty_margin(picture: NDArray[np.uint8]) -> int:
    """Find how many columns on each side show nothing, with room left for numbers beside it."""
    shown = np.flatnonzero((picture < _SHOWN).any(axis=(0, 2)))
    if not shown.size:
        return 0
    return max(0, int(min(shown[0], picture.shape[1] - 1 - shown[-1])) - _NUMBERS)


def places_in_picture(
    study: Oriented, numbers: Sequence[int], mm_per_pixel: float
) -> dict[int, tuple[float, float]]:
    """Find column and row of each lesion's centre in the picture from the front."""
    from scipy import ndimage

    width, height = (study.image.shape[a] * study.spacing_mm[a] for a in (0, 2))
    boxes = ndimage.find_objects(study.lesions)
    places = {}
    for number in numbers:
        box = boxes[number - 1]
        x, _, z = np.argwhere(study.lesions[box] == number).mean(axis=0)
        places[number] = (
            (width - (x + box[0].start + 0.5) * study.spacing_mm[0]) / mm_per_pixel,
            (height - (z + box[2].start + 0.5) * study.spacing_mm[2]) / mm_per_pixel,
        )
    return places
