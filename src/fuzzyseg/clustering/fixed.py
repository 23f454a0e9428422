"""Class centres that do not move: where fuzzy c-means would lose the lesions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.clustering.fcm import KMeans

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Fractions of the maximum, chosen on simulated patients (docs/clustering.md).
_FOUND = 0.5  # K-means has found lesions if the centre of its highest class lies at least here
_LESION = 0.6  # else the lesion's centre is put here


def fixed_centres(
    image: NDArray[np.float32],
    mask: NDArray[np.bool_] | None,
    n_classes: int,
    *,
    channel_axis: int | None,
    lesions: bool,
    seed: int,
) -> NDArray[np.float64]:
    """Centres (C, D) of an image scaled to [0, 1].

    They are those of K-means, unless its lesion class is no such thing: where lesions are few,
    the centres of three classes go where most voxels are, and divide bone in two. Then
    background and bone are a K-means of two classes, and the lesion's centre is 60% of the
    maximum; in a CT beside the SPECT, a lesion looks like bone.

    Parameters
    ----------
    image : ndarray of shape (*space,), or with D channels along `channel_axis`
    mask : bool ndarray of shape (*space,) or None
    n_classes : int
        C.
    channel_axis : int or None
    lesions : bool
        Whether the classes are background, bone and lesion.
    seed : int
        Of K-means' random starts; its default start draws nothing.
    """

    def k_means(n_clusters: int) -> NDArray[np.float64]:
        model = KMeans(n_clusters=n_clusters, channel_axis=channel_axis, random_state=seed)
        return model.fit(image, mask).cluster_centers_

    centres = k_means(n_classes)
    if not lesions or centres[-1, 0] >= _FOUND:
        return centres
    background, bone = k_means(2)
    lesion = bone.copy()
    lesion[0] = max(_LESION, bone[0])
    return np.vstack([background, bone, lesion])
