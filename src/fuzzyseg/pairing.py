"""Whether a SPECT and the CT beside it belong together: whose they are, and how bodies agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.volume import Study, Volume

# Agreement of the outlines below which the images are said not to fit. Simulated patients score
# 0.92 to 0.94 beside their own CT, 0.86 to 0.89 where it is moved by 20 mm, 0.66 to 0.79 by 50 mm,
# and 0.74 to 0.86 beside another's: this finds what is grossly wrong, not a small misalignment.
LOW_AGREEMENT = 0.85
# Outline of the body: in CT, HU between air and fat; in SPECT, this share of the mean of what is
# brighter than the mean, at a resolution of _SMOOTH_MM (standard deviation).
_BODY_HU = -300.0
_BODY_SHARE = 0.08
_FAT_HU = -30.0
# Share of a CT's voxels that lies below that at the least, and the largest value that CTs store.
_FAT_SHARE, _HIGHEST_HU = 0.01, 32767.0
_SMOOTH_MM = 6.0


def check_identity(study: Study, *, allow_mismatch: bool = False) -> tuple[str, ...]:
    """Compare whose images a study holds, by the marks of `Volume.identity`.

    Parameters
    ----------
    study : Study
    allow_mismatch : bool
        Take images of two patients, with a warning.

    Returns
    -------
    tuple of str
        One sentence for what differs, besides the patient, and should not; none where the files
        name none.

    Raises
    ------
    InputError
        If the images are of two patients and `allow_mismatch` is not set.
    """
    if study.spect is None or study.ct is None:
        return ()
    differing = study.spect.identity.conflicts(study.ct.identity)
    if "patient" in differing:
        if not allow_mismatch:
            raise InputError(
                "expected a SPECT and a CT of the same patient, found two Patient "
                "IDs; pass the CT of the same patient, or --allow-mismatch if both "
                "IDs are known to belong to one person"
            )
        return ("The SPECT and the CT have different Patient IDs, which was allowed.",)
    if "frame" in differing:
        return (
            "The SPECT and the CT have different frames of reference: only the "
            "agreement of bone and uptake shows that they match in space.",
        )
    if "study" in differing and not (study.spect.identity.frame and study.ct.identity.frame):
        return ("The SPECT and the CT are from different visits: check that they match in space.",)
    return ()


def check_hu(ct: Volume) -> tuple[str, ...]:
    """Warn of a CT whose values cannot be HU: around and in every body there is air or fat.

    Reconstructions of SPECT have negative values too, but few, or an uptake far above any HU.
    """
    low, high = float(ct.array.min()), float(ct.array.max())
    share = np.count_nonzero(ct.array < _FAT_HU) / ct.array.size
    if low >= _FAT_HU:
        why = f"none where air and fat lie, below {_FAT_HU:g}"
    elif share < _FAT_SHARE:
        why = f"hardly any where air and fat lie, below {_FAT_HU:g} ({100 * share:.2g}% of them)"
    elif high > _HIGHEST_HU:
        why = f"above {_HIGHEST_HU:g}, beyond which no CT goes"
    else:
        return ()
    return (
        f"The CT holds values from {low:.4g} to {high:.4g}, {why}: these are not HU, or too narrow "
        "a window of them, and densities measured in it are meaningless. Give the original CT.",
    )


def warm_level(activity: NDArray[np.float32]) -> float | None:
    """Mean of what is brighter than the mean; None where nothing is."""
    warm = activity[activity > activity.mean(dtype=np.float64)]
    return float(warm.mean(dtype=np.float64)) if warm.size else None


def outline_overlap(spect: Volume, ct: Volume) -> float | None:
    """Dice coefficient of the bodies in a SPECT and in a CT on its grid, within the CT's field.

    Parameters
    ----------
    spect, ct : Volume
        On one grid.

    Returns
    -------
    float or None
        From 0 to 1; None where either shows no body to compare, as within a water phantom's
        field or a CT that is not in HU.
    """
    if ct.unit != "HU":
        return None
    hu, activity = _smoothed(ct), _smoothed(spect)
    warm = warm_level(activity)
    if warm is None:
        return None
    # Outside the CT's field there is the value of air below which no scanner goes.
    box = _box(ct.array > ct.array.min())
    one = _filled(activity[box] > _BODY_SHARE * warm)
    other = _filled(hu[box] > _BODY_HU)
    if not one.any() or not other.any():
        return None
    both = np.count_nonzero(one & other)
    return float(2.0 * both / (np.count_nonzero(one) + np.count_nonzero(other)))


def _smoothed(volume: Volume) -> NDArray[np.float32]:
    from scipy.ndimage import gaussian_filter

    sigma = _SMOOTH_MM / np.array(volume.spacing_mm)
    smoothed: NDArray[np.float32] = gaussian_filter(volume.array, sigma, output=np.float32)
    return smoothed


def _box(mask: NDArray[np.bool_]) -> tuple[slice, ...]:
    """Smallest box around a mask; the whole where it is empty."""
    box = []
    for axis in range(mask.ndim):
        along = np.flatnonzero(mask.any(axis=tuple(a for a in range(mask.ndim) if a != axis)))
        box.append(slice(int(along[0]), int(along[-1]) + 1) if along.size else slice(None))
    return tuple(box)


def _filled(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Fill the holes of each plane, such as lungs, where the last axis runs along the body."""
    from scipy.ndimage import binary_fill_holes

    filled = np.empty_like(mask)
    for k in range(mask.shape[-1]):
        filled[..., k] = binary_fill_holes(mask[..., k])
    return filled
