"""How pictures show a study: on the patient's axes, and from which value to which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fuzzyseg.volume import Volume

_BRIGHT = 99.9  # percentile of uptake; black is halfway from it to the maximum


def to_patient_axes(
    volume: Volume,
) -> tuple[Callable[[NDArray[Any]], NDArray[Any]], tuple[float, float, float]]:
    """Find how to turn arrays to axes to the right, to the front and up; oblique ones nearly so.

    Returns
    -------
    turned : callable
        From an array on the volume's grid to one on these axes.
    spacing_mm : tuple of 3 floats
        Along them.
    """
    from nibabel.orientations import apply_orientation, io_orientation

    orientation = io_orientation(volume.affine)
    order = np.argsort(orientation[:, 0])
    x, y, z = (float(s) for s in np.asarray(volume.spacing_mm)[order])
    return lambda array: apply_orientation(array, orientation), (x, y, z)


def uptake_window(image: NDArray[np.float32]) -> tuple[float, float]:
    """Choose the values shown white and black: lesions stand out, and a full bladder hides none.

    Halfway, by ratio, from the brightest thousandth to the maximum.
    """
    low = float(image.min())
    step = max(1, image.size // 1_000_000)
    bright = float(np.percentile(image.reshape(-1, order="A")[::step], _BRIGHT))
    high = low + float(np.sqrt((bright - low) * (float(image.max()) - low)))
    return low, high if high > low else float(image.max())
