"""Pieces of a CT's bone that have no cortex: organs and blood with contrast agent.

A bone is denser around its middle than in it, and a skeleton's pieces resemble each other. A kidney
has a bright rim too, but a faint one; a heart full of contrast agent is densest in its middle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# What lies deeper is the middle; around it are layers of so many mm, or of a voxel.
_MIDDLE_MM, _LAYER_MM = 6.0, 2.0
# Only pieces with so much of a middle are judged: ribs, a sternum and vessels have less (0.6 mL at
# most in 21 CTs), five kidneys and hearts with contrast agent 4.6 to 16 mL.
_LEAST_MIDDLE_ML = 3.0
# Voxels wider than this show no cortex of vertebrae, so that nothing is judged by it.
_WIDEST_MM = 3.5
# The densest tenth of a bone lies above, and so it does above this share of the skeleton's: of
# kidneys with contrast agent in two chests it lay at 165 to 295 HU, 0.3 to 0.45 of the skeleton's.
_CORTEX_HU, _OF_SKELETON = 320.0, 0.5
# Blood with contrast agent, when it looks like bone; marrow is less dense, sclerotic bone denser.
_BLOOD_HU = (250.0, 600.0)
# Some layer of a bone is denser than its middle by more: 1.4 times and more in these CTs.
_RISE = 1.1
# Depths are measured on voxels of about this width.
_STEP_MM = 1.5


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
        Nothing is found in voxels wider than 3.5 mm.
    """
    from scipy import ndimage

    if max(spacing_mm) > _WIDEST_MM:
        return []
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

    steps = [max(1, int(_STEP_MM / s)) for s in spacing_mm]
    step_mm = np.multiply(steps, spacing_mm)
    coarse = tuple(slice(None, None, step) for step in steps)
    padded = np.pad(inside[coarse], 1)
    depth = ndimage.distance_transform_edt(padded, sampling=step_mm)[1:-1, 1:-1, 1:-1]
    values = hu[coarse]
    middle = depth >= _MIDDLE_MM
    if middle.sum() * float(np.prod(step_mm)) / 1000 < _LEAST_MIDDLE_ML:
        return False
    if _dense(hu[inside]) < min(_CORTEX_HU, _OF_SKELETON * skeleton):
        return True
    within = float(np.median(values[middle]))
    if not _BLOOD_HU[0] <= within < _BLOOD_HU[1]:
        return False
    width = max(_LAYER_MM, *step_mm)
    layers = [(depth > low) & (depth <= low + width) for low in np.arange(0, _MIDDLE_MM, width)]
    densest = max(float(np.median(values[layer])) for layer in layers if layer.any())
    return densest <= _RISE * within


def _dense(values: NDArray[np.float32]) -> float:
    return float(np.percentile(values, 90))
