"""What a CT shows under a lesion, on the CT's own voxels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.io.hounsfield import AIR_HU

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.volume import Volume


def values_under(
    labels: NDArray[np.int32],
    number: int,
    index: NDArray[np.intp],
    affine: NDArray[np.float64],
    ct: Volume,
) -> NDArray[np.float32]:
    """HU of the voxels of a CT whose centres lie in a lesion, but for padding.

    Parameters
    ----------
    labels : int32 ndarray of shape (X, Y, Z)
        Numbers of lesions, on a grid of their own.
    number : int
        Which lesion.
    index : ndarray of shape (N, 3)
        Its voxels.
    affine : float64 ndarray of shape (4, 4)
        Of the labels' grid.
    ct : Volume

    Returns
    -------
    float32 ndarray of shape (M,)
        Empty where the CT does not cover the lesion. Voxels at -1024 HU are left out: readers
        make them of what lies outside the circle of reconstruction.
    """
    to_ct = np.linalg.inv(ct.affine) @ affine
    low, high = index.min(axis=0) - 0.5, index.max(axis=0) + 0.5
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1)
    found = to_ct[:3, :3] @ corners + to_ct[:3, 3:]
    first = np.maximum(np.ceil(found.min(axis=1)), 0).astype(int)
    last = np.minimum(np.floor(found.max(axis=1)) + 1, ct.shape).astype(int)
    if (last <= first).any():
        return np.zeros(0, np.float32)
    at_ct = np.indices(last - first).reshape(3, -1) + first[:, None]
    back = np.linalg.inv(to_ct)
    nearest = np.rint(back[:3, :3] @ at_ct + back[:3, 3:]).astype(int)
    inside = ((nearest >= 0) & (nearest < np.array(labels.shape)[:, None])).all(axis=0)
    inside[inside] = labels[tuple(nearest[:, inside])] == number
    found = ct.array[tuple(at_ct[:, inside])]
    return np.asarray(found[found > AIR_HU])
