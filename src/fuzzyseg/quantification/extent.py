"""Where a lesion is and how long: from its voxels alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Points beyond this are thinned to their convex hull before all pairs are measured.
_MANY = 1000


def places_mm(index: NDArray[np.intp], affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Centres in mm, (N, 3), of voxels (N, 3)."""
    return np.asarray(index @ affine[:3, :3].T + affine[:3, 3])


def longest_diameter_mm(places: NDArray[np.float64], voxel_ml: float) -> float:
    """Longest distance between two voxels' centres, and one edge of a voxel.

    The edge is that of a cube of the voxel's volume: a single voxel is as long as that.

    Parameters
    ----------
    places : float64 ndarray of shape (N, 3)
        Centres of the voxels, mm.
    voxel_ml : float
    """
    from scipy.spatial.distance import pdist

    edge = float(np.cbrt(1000 * voxel_ml))
    if len(places) == 1:
        return edge
    return float(pdist(_outermost(places)).max()) + edge


def _outermost(places: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.spatial import ConvexHull, QhullError

    if len(places) <= _MANY:
        return places
    try:
        return np.asarray(places[ConvexHull(places).vertices])
    except QhullError:  # all in one plane: joggle
        return np.asarray(places[ConvexHull(places, qhull_options="QJ").vertices])


def at_border(index: NDArray[np.intp], shape: tuple[int, ...]) -> bool:
    """Tell whether voxels (N, 3) reach the first or last plane of an image along any axis."""
    return bool((index == 0).any() or (index == np.array(shape) - 1).any())
