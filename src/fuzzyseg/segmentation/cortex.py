"""Pieces of a CT's bone that have no cortex: organs and blood with contrast agent.

A bone is denser at its rim than within, and a skeleton's pieces resemble each other. A kidney has
a bright rim too, but a faint one; a heart full of contrast agent is as dense within as at its rim.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The rim is this deep, and at least a voxel; what lies deeper than the other is the middle.
_RIM_MM, _MIDDLE_MM = 3.5, 6.0
# Only pieces with so much of a middle are judged: ribs, a sternum and vessels have less (0.6 mL at
# most in 21 CTs), five kidneys and hearts with contrast agent 4.6 to 16 mL.
_LEAST_MIDDLE_ML = 3.0
# The densest tenth of a bone lies above, and so it does above this share of the skeleton's: of
# kidneys with contrast agent in two chests it lay at 165 to 295 HU, 0.3 to 0.5 of the skeleton's.
_CORTEX_HU, _OF_SKELETON = 350.0, 0.55
# Blood with contrast agent is less dense, also in the first seconds; sclerotic bone is denser.
_BLOOD_HU = 600.0


class Piece(NamedTuple):
    """A piece without cortex.

    Parameters
    ----------
    box : tuple of slices
        Where it lies.
    inside : bool ndarray
        Its voxels there.
    ml : float
    hu : float
        Median.
    """

    box: tuple[slice, ...]
    inside: NDArray[np.bool_]
    ml: float
    hu: float


def without_cortex(
    bone: NDArray[np.bool_], hu: NDArray[np.float32], spacing_mm: tuple[float, float, float]
) -> list[Piece]:
    """Find thick pieces, apart from the largest, that have no cortex; the largest of them first.

    Parameters
    ----------
    bone : bool ndarray of shape (X, Y, Z)
    hu : float32 ndarray of shape (X, Y, Z)
    spacing_mm : (float, float, float)
    """
    from scipy import ndimage

    voxel_ml = float(np.prod(spacing_mm)) / 1000
    pieces, n = ndimage.label(bone)
    if n < 2:
        return []
    voxels = np.bincount(pieces.ravel(), minlength=n + 1)[1:]
    boxes = ndimage.find_objects(pieces)
    first, *others = np.argsort(-voxels, kind="stable")
    skeleton = _dense(hu[boxes[first]][pieces[boxes[first]] == first + 1])
    found = []
    for number in others:
        if voxels[number] * voxel_ml < _LEAST_MIDDLE_ML:
            break
        box = boxes[number]
        inside = pieces[box] == number + 1
        values = hu[box]
        if _lacks_cortex(inside, values, spacing_mm, skeleton):
            median = float(np.median(values[inside]))
            found.append(Piece(box, inside, float(voxels[number]) * voxel_ml, median))
    return found


def _lacks_cortex(
    inside: NDArray[np.bool_],
    hu: NDArray[np.float32],
    spacing_mm: tuple[float, float, float],
    skeleton: float,
) -> bool:
    from scipy import ndimage

    depth = ndimage.distance_transform_edt(np.pad(inside, 1), sampling=spacing_mm)[1:-1, 1:-1, 1:-1]
    middle = depth >= _MIDDLE_MM
    if middle.sum() * float(np.prod(spacing_mm)) / 1000 < _LEAST_MIDDLE_ML:
        return False
    faint = _dense(hu[inside]) < min(_CORTEX_HU, _OF_SKELETON * skeleton)
    rim = inside & (depth <= max(_RIM_MM, *spacing_mm))
    within = float(np.median(hu[middle]))
    return faint or float(np.median(hu[rim])) <= within < _BLOOD_HU


def _dense(values: NDArray[np.float32]) -> float:
    return float(np.percentile(values, 90))
