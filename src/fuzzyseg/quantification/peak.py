"""SUVpeak: the mean over a sphere of 1 mL, placed where it is highest.

The sphere (12.4 mm across) may be centred on any voxel of the lesion and reach beyond it, as in
PERCIST [1]_; Vanderhoek et al. [2]_ show how much other choices change. A voxel at its surface
counts by the share of it that lies inside, so that the voxels' size matters little. At the border
of the image the mean is over what there is.

References
----------
.. [1] Wahl RL, Jacene H, Kasamon Y, Lodge MA. From RECIST to PERCIST. J Nucl Med
   2009;50 Suppl 1:122S.
.. [2] Vanderhoek M, Perlman SB, Jeraj R. Impact of the definition of peak standardized uptake
   value on quantification of treatment response. J Nucl Med 2012;53:4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

PEAK_ML = 1.0
_FINE = 7  # points along each axis of a voxel by which its share inside is counted


def sphere_weights(affine: NDArray[np.float64], volume_ml: float = PEAK_ML) -> NDArray[np.float64]:
    """Share of each voxel around a voxel's centre that lies in a sphere about it.

    Returns
    -------
    float64 ndarray of odd lengths
    """
    matrix = affine[:3, :3]
    radius = float(np.cbrt(3000 * volume_ml / (4 * np.pi)))
    # A sphere reaches as far along an index as its radius by the length of the inverse's row.
    reach = np.ceil(radius * np.linalg.norm(np.linalg.inv(matrix), axis=1) - 0.5).astype(int)
    axes = [(np.arange((2 * n + 1) * _FINE) + 0.5) / _FINE - n - 0.5 for n in np.maximum(reach, 0)]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    squared = sum((m[0] * x + m[1] * y + m[2] * z) ** 2 for m in matrix)
    inside = squared <= radius**2
    sizes = [len(a) // _FINE for a in axes]
    split = inside.reshape(sizes[0], _FINE, sizes[1], _FINE, sizes[2], _FINE)
    return np.asarray(split.mean(axis=(1, 3, 5)))


def peak(
    image: NDArray[np.float32],
    index: NDArray[np.intp],
    weights: NDArray[np.float64],
) -> float:
    """Highest mean of a sphere about any of the voxels of a lesion.

    Parameters
    ----------
    image : ndarray of shape (X, Y, Z)
    index : ndarray of shape (N, 3)
        Voxels of the lesion.
    weights : float64 ndarray
        Of `sphere_weights`.
    """
    from scipy import ndimage

    reach = np.array(weights.shape) // 2
    low = np.maximum(index.min(axis=0) - reach, 0)
    high = np.minimum(index.max(axis=0) + reach + 1, image.shape)
    x, y, z = (slice(a, b) for a, b in zip(low, high, strict=True))
    part = image[x, y, z].astype(np.float64)
    sums = ndimage.correlate(part, weights, mode="constant")
    there = ndimage.correlate(np.ones_like(part), weights, mode="constant")
    own = tuple((index - low).T)
    return float((sums[own] / there[own]).max())
