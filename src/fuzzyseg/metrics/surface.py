"""Distances between two surfaces: surface DSC, HD95, mean surface distance.

Definitions of Nikolov et al. 2021 (doi 10.2196/26151). The surface of a mask is the set of
2 x 2 x 2 neighbourhoods that are neither all inside nor all outside, voxels beyond the image
counting as outside. Each carries the area of its marching-cubes element, so that anisotropic
voxels are weighed right, and its distance is that from its centre to the centre of the
nearest element of the other surface. Masks are 3-D, or 2-D (contours and their lengths).

Empty masks: with both empty every score is NaN. With one empty the surface DSC is 0, since
no part of the other surface is met; a distance to a surface that does not exist is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.metrics._inputs import as_masks, check_tolerance
from fuzzyseg.metrics._search import find_elements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# An element exactly at the tolerance would pass or fail by how the spacing was rounded (three
# steps of 0.1 mm are longer than 0.3 mm), so distances up to this much above it pass.
TOLERANCE_SLACK = 1e-6


@dataclass(frozen=True, eq=False)
class SurfaceDistances:
    """Distance and area of every surface element of a prediction and of the truth.

    Parameters
    ----------
    prediction_to_truth_mm : float64 ndarray of shape (M,)
        Distance from each of the M elements of the prediction to the true surface, in mm.
    truth_to_prediction_mm : float64 ndarray of shape (N,)
        Distance from each of the N elements of the truth to the predicted surface, in mm.
    prediction_areas : float64 ndarray of shape (M,)
        Areas in mm^2; lengths in mm in 2-D.
    truth_areas : float64 ndarray of shape (N,)
        Areas in mm^2; lengths in mm in 2-D.
    """

    prediction_to_truth_mm: NDArray[np.float64]
    truth_to_prediction_mm: NDArray[np.float64]
    prediction_areas: NDArray[np.float64]
    truth_areas: NDArray[np.float64]

    @property
    def has_both(self) -> bool:
        """Whether both masks have a surface."""
        return self.prediction_areas.size > 0 and self.truth_areas.size > 0

    def dsc(self, tolerance_mm: float) -> float:
        """Surface DSC: the fraction of both surfaces within `tolerance_mm` of each other.

        NaN if both masks are empty, 0 if one is. A distance may exceed the tolerance by
        one part in a million (`TOLERANCE_SLACK`).
        """
        limit = _limit(tolerance_mm)
        total = self.prediction_areas.sum() + self.truth_areas.sum()
        if total == 0.0:
            return float("nan")
        met = self.prediction_areas[self.prediction_to_truth_mm <= limit].sum()
        met += self.truth_areas[self.truth_to_prediction_mm <= limit].sum()
        return float(met / total)

    def hausdorff_mm(self, percent: float = 95.0) -> float:
        """Robust Hausdorff distance: the larger of the two directions' percentiles, in mm.

        `percent` of a surface's area is no farther than this from the other surface; 100
        is the classical Hausdorff distance. NaN if a mask is empty.
        """
        if not 0.0 < percent <= 100.0:
            raise InputError(f"expected a percentage in (0, 100], found {percent}; 95 is usual")
        if not self.has_both:
            return float("nan")
        return max(
            _percentile(self.prediction_to_truth_mm, self.prediction_areas, percent),
            _percentile(self.truth_to_prediction_mm, self.truth_areas, percent),
        )

    def mean_prediction_to_truth_mm(self) -> float:
        """Area-weighted mean distance from the prediction to the truth; NaN if one is empty."""
        if not self.has_both:
            return float("nan")
        return float(np.average(self.prediction_to_truth_mm, weights=self.prediction_areas))

    def mean_truth_to_prediction_mm(self) -> float:
        """Area-weighted mean distance from the truth to the prediction; NaN if one is empty."""
        if not self.has_both:
            return float("nan")
        return float(np.average(self.truth_to_prediction_mm, weights=self.truth_areas))

    def mean_mm(self) -> float:
        """Average symmetric surface distance: both surfaces pooled, weighted by area.

        NaN if a mask is empty.
        """
        if not self.has_both:
            return float("nan")
        distances = np.concatenate([self.prediction_to_truth_mm, self.truth_to_prediction_mm])
        areas = np.concatenate([self.prediction_areas, self.truth_areas])
        return float(np.average(distances, weights=areas))


def surface_distances(
    prediction: NDArray[Any], truth: NDArray[Any], *, spacing_mm: Sequence[float]
) -> SurfaceDistances:
    """Measure how far two surfaces are from each other, everywhere.

    Parameters
    ----------
    prediction, truth : bool or integer ndarray of shape (X, Y, Z) or (X, Y)
        Masks; whatever is not 0 is inside. The scores on the result are symmetric in the two.
    spacing_mm : sequence of float
        Voxel spacing along each axis, in mm.

    Returns
    -------
    SurfaceDistances
        All distances and areas; infinite distances where the other mask is empty.

    Raises
    ------
    InputError
        If the masks are not integers on one 2-D or 3-D grid, or the spacing does not fit.
    """
    return _distances(prediction, truth, spacing_mm, np.inf)


def surface_dsc(
    prediction: NDArray[Any],
    truth: NDArray[Any],
    *,
    spacing_mm: Sequence[float],
    tolerance_mm: float,
) -> float:
    """Surface DSC: the fraction of both surfaces within a tolerance of each other.

    DSC_tau = (|S_p within tau of S_t| + |S_t within tau of S_p|) / (|S_p| + |S_t|), |.| an area.
    The same as ``surface_distances(...).dsc(tolerance_mm)``, faster: nothing farther than
    the tolerance is looked for.

    Parameters
    ----------
    prediction, truth : bool or integer ndarray of shape (X, Y, Z) or (X, Y)
        Masks; whatever is not 0 is inside. The score is symmetric in the two.
    spacing_mm : sequence of float
        Voxel spacing along each axis, in mm.
    tolerance_mm : float
        Distance that still counts as agreement, in mm. Compared as
        ``distance <= tolerance_mm * (1 + 1e-6)``.

    Returns
    -------
    float
        In [0, 1]; 0 if one mask is empty, NaN if both are.

    Raises
    ------
    InputError
        If the masks are not integers on one 2-D or 3-D grid, the spacing does not fit, or
        the tolerance is negative or not finite.
    """
    return _distances(prediction, truth, spacing_mm, _limit(tolerance_mm)).dsc(tolerance_mm)


def _limit(tolerance_mm: float) -> float:
    """Longest distance that passes, in mm."""
    return check_tolerance(tolerance_mm) * (1.0 + TOLERANCE_SLACK)


def _distances(
    prediction: NDArray[Any], truth: NDArray[Any], spacing_mm: Sequence[float], limit_mm: float
) -> SurfaceDistances:
    """Surface distances up to a limit; longer ones are infinite."""
    predicted, true, spacing = as_masks(prediction, truth, spacing_mm)
    a, b = find_elements(predicted, true, spacing, limit_mm)
    return SurfaceDistances(a.distances, b.distances, a.areas, b.areas)


def _percentile(
    distances: NDArray[np.float64], areas: NDArray[np.float64], percent: float
) -> float:
    """Smallest distance that `percent` of the area does not exceed, in mm."""
    order = np.argsort(distances)
    covered = np.cumsum(areas[order])
    # The slack keeps a share that is met exactly from being missed by rounding.
    index = np.searchsorted(covered, covered[-1] * percent / 100.0 * (1.0 - 1e-12))
    return float(distances[order[index]])
