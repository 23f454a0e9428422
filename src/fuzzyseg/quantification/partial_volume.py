"""Partial-volume correction from memberships and the resolution of the image.

A_j = sum_i G_ji T_i, with T_i the true mean of region i, A_j the mean measured in region j, and
G_ji the share of what region j holds that blur brings from region i: the geometric transfer
matrix [1]_. Its solution T makes a piecewise constant image s = sum_i T_i u_i, and every voxel is
corrected by s / (h * s), h the response: region-based voxel-wise correction [2]_. Regions may be
fuzzy: u_i are memberships.

References
----------
.. [1] Rousset OG, Ma Y, Evans AC. Correction for partial volume effects in PET: principle and
   validation. J Nucl Med 1998;39:904.
.. [2] Thomas BA, Erlandsson K, Modat M, et al. The importance of appropriate partial volume
   correction for PET quantification in Alzheimer's disease. Eur J Nucl Med Mol Imaging
   2011;38:1104.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fuzzyseg.conventions import FWHM_PER_SIGMA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

REACH_FWHM = 2.0  # beyond this many FWHM, a Gaussian reaches nothing
NO_RESOLUTION = "the image's resolution was not given (--resolution-mm)"
_LEAST_VOXELS = 0.5  # less of a class in a box has no mean


def blurred(
    image: NDArray[np.floating], fwhm_mm: float, spacing_mm: Sequence[float]
) -> NDArray[np.float64]:
    """Blur an image with a Gaussian, its values going on beyond the border."""
    from scipy import ndimage

    sigma = [fwhm_mm / FWHM_PER_SIGMA / s for s in spacing_mm]
    found = ndimage.gaussian_filter(image.astype(np.float64), sigma, mode="nearest")
    return np.asarray(found, np.float64)


def region_means(
    image: NDArray[np.floating],
    regions: Sequence[NDArray[np.floating]],
    fwhm_mm: float,
    spacing_mm: Sequence[float],
) -> NDArray[np.float64]:
    """Correct the means of regions by the geometric transfer matrix.

    Parameters
    ----------
    image : ndarray of shape (X, Y, Z)
    regions : sequence of R ndarrays of shape (X, Y, Z)
        Memberships, which sum to 1 in every voxel; none is empty.
    fwhm_mm : float
        Resolution of the image.
    spacing_mm : sequence of 3 floats

    Returns
    -------
    float64 ndarray of shape (R,)
        Least squares where the regions cannot be told apart at this resolution.
    """
    spread = [blurred(region, fwhm_mm, spacing_mm) for region in regions]
    sizes = np.array([region.sum(dtype=np.float64) for region in regions])
    matrix = np.array([[np.vdot(own, other) for other in spread] for own in regions])
    measured = np.array([np.vdot(own, image) for own in regions])
    return np.asarray(np.linalg.lstsq(matrix / sizes[:, None], measured / sizes)[0], np.float64)


def corrected(
    image: NDArray[np.floating],
    regions: Sequence[NDArray[np.floating]],
    fwhm_mm: float,
    spacing_mm: Sequence[float],
) -> NDArray[np.float64]:
    """Correct every voxel by what blur did to the image of the regions' means.

    Parameters and regions as for `region_means`. A voxel where that image is not above 0, since
    a mean was corrected to below it, keeps its value.
    """
    means = np.maximum(region_means(image, regions, fwhm_mm, spacing_mm), 0)
    flat = np.sum([m * region for m, region in zip(means, regions, strict=True)], axis=0)
    spread = blurred(flat, fwhm_mm, spacing_mm)
    ratio = np.divide(flat, spread, out=np.ones_like(spread), where=spread > 0)
    return np.asarray(image * ratio, np.float64)


class Recovered(NamedTuple):
    """Sums over a lesion, corrected: values times voxels.

    By its region's mean from the geometric transfer matrix, and voxel by voxel.
    """

    by_matrix: float
    by_voxel: float


def recovered(
    image: NDArray[np.floating],
    memberships: NDArray[np.floating],
    own: NDArray[np.bool_],
    k: int,
    fwhm_mm: float,
    spacing_mm: Sequence[float],
) -> Recovered:
    """Correct a lesion's uptake in a box around it, by what is in that box.

    The lesion, all other lesions, and every other class are regions: so bone and soft tissue have
    the means that they have beside this lesion.

    Parameters
    ----------
    image : ndarray of shape (X, Y, Z)
        Wider than the lesion by `REACH_FWHM` FWHM where the image goes on.
    memberships : ndarray of shape (C, X, Y, Z)
    own : bool ndarray of shape (X, Y, Z)
        Voxels whose membership in lesion is this lesion's.
    k : int
        Class of lesions.
    fwhm_mm : float
    spacing_mm : sequence of 3 floats
    """
    mine = np.where(own, memberships[k], 0)
    if not mine.any():
        return Recovered(0.0, 0.0)
    others = [u for c, u in enumerate(memberships) if c != k]
    regions = [mine, *(u for u in (memberships[k] - mine, *others) if u.sum() >= _LEAST_VOXELS)]
    mean = region_means(image, regions, fwhm_mm, spacing_mm)[0]
    fixed = corrected(image, regions, fwhm_mm, spacing_mm)
    return Recovered(float(mean * mine.sum(dtype=np.float64)), float(np.vdot(fixed, mine)))
