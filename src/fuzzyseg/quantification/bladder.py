"""How full the bladder looks: hot, thick, near the midline, and no lesion.

A full bladder hides lesions of the pelvis beside it. No file says where it is: it is taken to be
the largest piece, within 40 mm of the body's midline, of what is more than twice as hot as bone and
no lesion, once all that is thinner than 16 mm is taken away. Kidneys lie further to the side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.volume import Volume

FULL_ML = 100.0  # of what is that hot; of 15 simulated bladders of 41 to 180 mL, 2 are
_TO_BONE = 2.0
_THIN_MM = 8.0  # to be taken away from each side
_MIDLINE_MM = 40.0


class Bladder(NamedTuple):
    """How large it looks, mL, and its mean over that of bone."""

    volume_ml: float
    to_bone: float


def find_bladder(
    volume: Volume, lesions: NDArray[np.int32], bone_reference: float | None
) -> Bladder | None:
    """Find what looks like the bladder; None where nothing does, or bone is not known.

    Parameters
    ----------
    volume : Volume
        The emission image.
    lesions : int32 ndarray of shape (X, Y, Z)
        Numbers of lesions, 0 elsewhere.
    bone_reference : float or None
        Of healthy bone, in the image's unit.
    """
    from scipy import ndimage

    if bone_reference is None or bone_reference <= 0:
        return None
    hot = (volume.array > _TO_BONE * bone_reference) & (lesions == 0)
    if not hot.any():
        return None
    box = ndimage.find_objects(hot.astype(np.uint8))[0]
    steps = max(1, round(_THIN_MM / min(volume.spacing_mm)))
    hot = np.pad(hot[box], steps)
    pieces, count = ndimage.label(ndimage.binary_erosion(hot, iterations=steps))
    if not count:
        return None
    body = np.argwhere(volume.array[::4, ::4, ::4] > bone_reference / 10)
    midline = float((4 * body @ volume.affine[0, :3]).mean() + volume.affine[0, 3])
    start = np.array([part.start for part in box]) - steps
    centres = ndimage.center_of_mass(pieces > 0, pieces, range(1, count + 1))
    across = [float((c + start) @ volume.affine[0, :3] + volume.affine[0, 3]) for c in centres]
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)[1:]
    central = [k for k in range(count) if abs(across[k] - midline) < _MIDLINE_MM]
    if not central:
        return None
    largest = 1 + max(central, key=lambda k: int(sizes[k]))
    whole = ndimage.binary_dilation(pieces == largest, iterations=steps) & hot
    inner = tuple(slice(steps, n - steps) for n in whole.shape)
    values = volume.array[box][whole[inner]]
    mean = float(values.mean(dtype=np.float64))
    return Bladder(values.size * volume.voxel_volume_ml, mean / bone_reference)
