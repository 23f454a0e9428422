"""How pictures show a study: on the patient's axes, and from which value to which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fuzzyseg.volume import Volume

_BRIGHT = 99.9  # percentile of uptake; black is halfway from it to the maximum
_CT_WINDOW_HU = (-160.0, 1000.0)


class PatientAxes(NamedTuple):
    """Axes to the right, to the front and up; of an oblique volume the nearest.

    Parameters
    ----------
    turned : callable
        From an array on the volume's grid to one on these axes.
    spacing_mm : tuple of 3 floats
        Along them.
    affine : float64 ndarray of shape (4, 4)
        From voxels on these axes to mm in RAS.
    """

    turned: Callable[[NDArray[Any]], NDArray[Any]]
    spacing_mm: tuple[float, float, float]
    affine: NDArray[np.float64]


class Window(NamedTuple):
    """Values shown as the first and the last of matplotlib's `colours`."""

    low: float
    high: float
    colours: str


def to_patient_axes(volume: Volume) -> PatientAxes:
    """Find how to turn arrays on a volume's grid to the patient's axes."""
    from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation

    orientation = io_orientation(volume.affine)
    order = np.argsort(orientation[:, 0])
    x, y, z = (float(s) for s in np.asarray(volume.spacing_mm)[order])
    affine = volume.affine @ inv_ornt_aff(orientation, volume.shape)
    return PatientAxes(lambda array: apply_orientation(array, orientation), (x, y, z), affine)


def window_of(volume: Volume) -> Window:
    """Choose the values between which a volume is shown: bone of a CT, else `uptake_window`."""
    if volume.modality == "CT":
        return Window(*_CT_WINDOW_HU, "gray")
    return Window(*uptake_window(volume.array), "gray_r")


def finite_values(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Values of an image that are finite: the array itself where all are, else (N,) of them."""
    all_finite = np.isfinite([array.min(), array.max()]).all()  # NaN where one is
    return array if all_finite else array[np.isfinite(array)]


def uptake_window(image: NDArray[np.float32]) -> tuple[float, float]:
    """Choose the values shown white and black: lesions stand out, and a full bladder hides none.

    Halfway, by ratio, from the brightest thousandth to the maximum, of what is finite.
    """
    image = finite_values(image)
    if not image.size:
        return 0.0, 1.0
    low = float(image.min())
    step = max(1, image.size // 1_000_000)
    bright = float(np.percentile(image.reshape(-1, order="A")[::step], _BRIGHT))
    high = low + float(np.sqrt((bright - low) * (float(image.max()) - low)))
    return low, high if high > low else float(image.max())
