"""Landmarks of a segmented skeleton: its midline, waist and shoulders.

Bone beside the spine is missing in two places, the waist (between the iliac crests and the ribs)
and the neck (above the shoulders). Where both are in the field, their distance is the measure of
the trunk, and levels of the spine follow as shares of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# From the midline: ribs, shoulders and pelvis are there, and neither spine nor arms.
BESIDE_MM = (60.0, 120.0)
_GAP_MM = 20.0  # least height of a waist or a neck
_BLOCK_ML = 40.0  # least bone beside the spine of a pelvis, and of a rib cage
_EMPTY_MM2 = 60.0  # a slice with less bone beside the spine shows none
_NO_GAPS = "waist and neck are not both in the field"
_TRUNK_MM = (280.0, 600.0)  # from the crests to the top of the shoulders, of adults


@dataclass(frozen=True)
class Skeleton:
    """Landmarks in mm, RAS.

    Parameters
    ----------
    midline_mm : float
        x of the plane of symmetry.
    crest_mm, shoulder_mm : float
        z of the tops of the iliac crests and of the shoulders.
    spine_mm : float
        y of the lumbar spine.
    """

    midline_mm: float
    crest_mm: float
    shoulder_mm: float
    spine_mm: float

    @property
    def trunk_mm(self) -> float:
        """From the crests to the shoulders."""
        return self.shoulder_mm - self.crest_mm

    def relative(self, place_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Places (..., 3) as distance beside the midline, before the spine, above the crests.

        In lengths of the trunk.
        """
        x, y, z = np.moveaxis(place_mm, -1, 0)
        away = (np.abs(x - self.midline_mm), y - self.spine_mm, z - self.crest_mm)
        return np.stack(away, axis=-1) / self.trunk_mm


def find_landmarks(places_mm: NDArray[np.float64], voxel_ml: float) -> Skeleton | str:
    """Find the landmarks of a skeleton.

    Parameters
    ----------
    places_mm : float64 ndarray of shape (N, 3)
        Centres of the voxels of bone and lesion, RAS.
    voxel_ml : float

    Returns
    -------
    Skeleton, or str
        Why there is none.
    """
    if len(places_mm) * voxel_ml < 2 * _BLOCK_ML:
        return "too little bone was found to determine sites"
    x, y, z = places_mm.T
    midline = float(np.median(x))
    away = np.abs(x - midline)
    step = float(np.cbrt(1000 * voxel_ml))
    edges = np.arange(z.min() - step, z.max() + 2 * step, step)
    beside = (away > BESIDE_MM[0]) & (away < BESIDE_MM[1])
    ml = np.histogram(z[beside], edges)[0] * voxel_ml
    empty = 1000 * ml / step < _EMPTY_MM2
    gaps = _runs(empty, round(_GAP_MM / step))
    for below, above in gaps:
        if ml[:below].sum() >= _BLOCK_ML and ml[above:].sum() >= _BLOCK_ML:
            break
    else:
        return _NO_GAPS
    necks = [start for start, _ in gaps if start > above]
    if not necks:
        return _NO_GAPS
    crest, shoulder = float(edges[below]), float(edges[necks[0]])
    if not _TRUNK_MM[0] <= shoulder - crest <= _TRUNK_MM[1]:
        return "no trunk of an adult's length is in the field"
    lumbar = (away < 20) & (z > crest) & (z < edges[above])
    spine = float(np.median(y[lumbar])) if lumbar.any() else float(np.median(y))
    return Skeleton(midline, crest, shoulder, spine)


def _runs(flags: NDArray[np.bool_], least: int) -> list[tuple[int, int]]:
    """Find starts and ends of the runs of true flags that are long enough."""
    change = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(int)))
    return [(int(a), int(b)) for a, b in change.reshape(-1, 2) if b - a >= least]
