"""What clustering sees of a volume: scaled intensities, and the voxels that count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.conventions import CT_WINDOW_HU
from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.volume import Volume

_BONE_HU = 200.0  # with a CT, voxels from here on count although they took up nothing
_UNSURE_HU = 100.0  # this far below that it is no bone, this far above it surely is
MIN_VOXELS = 3  # along each axis: planes, neighbours and previews need as many


def check_segmentable(volume: Volume) -> None:
    """Raise InputError if a volume is too small, not finite, or constant."""
    if min(volume.shape) < MIN_VOXELS:
        raise InputError(
            f"expected at least {MIN_VOXELS} voxels along every axis, found shape {volume.shape} "
            f"in {volume.source or 'the volume'}; give a complete reconstructed volume"
        )
    low, high = float(volume.array.min()), float(volume.array.max())
    if not np.isfinite([low, high]).all():
        bad = int(np.count_nonzero(~np.isfinite(volume.array)))
        raise InputError(
            f"expected finite intensities, found {bad} voxels that are NaN or infinite in "
            f"{volume.source or 'the volume'}; repair the file, or export it again"
        )
    if low == high:
        raise InputError(
            f"expected an image with contrast, found the value {low:g} everywhere in "
            f"{volume.source or 'the volume'}; check that the right series was given"
        )


def scaled(volume: Volume) -> NDArray[np.float32]:
    """Intensities (X, Y, Z) in [0, 1]: CT within its window, all else from minimum to maximum."""
    array = volume.array
    if volume.modality == "CT":
        low, high = CT_WINDOW_HU
        unclipped = (array - np.float32(low)) / np.float32(high - low)
        return unclipped.clip(0, 1)
    low, high = float(array.min()), float(array.max())
    return (array - np.float32(low)) / np.float32(high - low)


def uptake_mask(uptake: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Voxels of a SPECT that are not air.

    K-means finds background, bone and lesion; a second K-means splits that background, in
    which air is one of the two. With the air in, most voxels would be air, and fuzzy c-means
    would spend a class on it (docs/clustering.md).
    """
    from fuzzyseg.clustering import KMeans

    labels = KMeans(n_clusters=3).fit_predict(uptake)
    background = uptake[labels == 0]
    low, high = float(background.min()), float(background.max())
    if low == high:  # an image of so few values has no air to leave out
        return np.ones(uptake.shape, dtype=np.bool_)
    split = KMeans(n_clusters=2, init=[low, high]).fit(background)
    return np.asarray(uptake > split.cluster_centers_.mean())


def with_bone(mask: NDArray[np.bool_], ct: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Add to a mask the voxels that a CT, scaled to its window, shows as bone."""
    low, high = CT_WINDOW_HU
    return np.asarray(mask | (ct >= (_BONE_HU - low) / (high - low)))


def bone_prior(ct: NDArray[np.float32]) -> NDArray[np.float32]:
    """How surely a CT, scaled to its window, shows bone: 0 up to 100 HU, 1 from 300 HU on."""
    low, high = CT_WINDOW_HU
    hounsfield = low + (high - low) * ct
    sure: NDArray[np.float32] = (hounsfield - (_BONE_HU - _UNSURE_HU)) / (2 * _UNSURE_HU)
    return sure.clip(0, 1)
