"""What lies around lesions: to which a voxel is nearest, and bone that is far from all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# A membership further from a lesion than the resolution of SPECT is no longer of that lesion.
REACH_MM = 10.0
# Bone that the blur of a lesion does not reach, and the least volume of it that is a reference.
AWAY_MM, LEAST_BONE_ML = 20.0, 10.0


def nearest_lesion(
    labels: NDArray[np.integer[Any]], spacing_mm: Sequence[float], far_mm: float = AWAY_MM
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Find each voxel's nearest lesion, and how far it is in mm.

    Returns
    -------
    owner : int32 ndarray of shape (X, Y, Z)
        Its number; 0 further than `far_mm` from all.
    distance_mm : float32 ndarray of shape (X, Y, Z)
        Infinite further than `far_mm`.
    """
    from scipy import ndimage

    owner = np.zeros(labels.shape, np.int32)
    distance = np.full(labels.shape, np.inf, np.float32)
    margin = np.ceil(far_mm / np.asarray(spacing_mm)).astype(int)
    found = np.nonzero(labels)
    if not len(found[0]):
        return owner, distance
    x, y, z = (
        slice(max(0, int(i.min()) - m), int(i.max()) + m + 1)
        for i, m in zip(found, margin, strict=True)
    )
    part = labels[x, y, z]
    away, place = ndimage.distance_transform_edt(part == 0, spacing_mm, return_indices=True)
    near = away <= far_mm
    owner[x, y, z] = np.where(near, part[tuple(place)], 0)
    distance[x, y, z] = np.where(near, away, np.inf)
    return owner, distance


def bone_reference(
    image: NDArray[np.float32],
    bone: NDArray[np.bool_],
    distance_mm: NDArray[np.float32],
    voxel_ml: float,
) -> float | None:
    """Median of an image in bone further than `AWAY_MM` from lesions; None where too little is."""
    values = image[bone & (distance_mm > AWAY_MM)]
    return float(np.median(values)) if values.size * voxel_ml >= LEAST_BONE_ML else None
