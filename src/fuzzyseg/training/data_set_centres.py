"""Class centres of a training set, for losses whose centres are fixed or start somewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.clustering.fixed import fixed_centres
from fuzzyseg.conventions import CT_WINDOW_HU

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fuzzyseg.training.case import Case


def data_set_centres(cases: Sequence[Case], n_classes: int, seed: int = 0) -> NDArray[np.float64]:
    """Mean over the cases of the centres that clustering would fix each case at.

    No label is looked at. Cases count alike, so one patient with a hot bladder does not decide
    where lesions begin for all the others.

    Parameters
    ----------
    cases : sequence of Case
    n_classes : int
        C.
    seed : int
        Of K-means' random starts; its default start draws nothing.

    Returns
    -------
    float64 ndarray of shape (C, D)
        In the units of the cases' normalised images.
    """
    found = np.stack([_centres(case, n_classes, seed) for case in cases])
    return np.asarray(found.mean(0), dtype=np.float64)


def _centres(case: Case, n_classes: int, seed: int) -> NDArray[np.float64]:
    """Centres of one case: found on its linear intensities, told in normalised ones."""
    raw = [np.clip(array, *CT_WINDOW_HU) if n == "ct" else array for n, array in case.raw.items()]
    lows = [float(array.min()) for array in raw]
    widths = [float(array.max()) - low for array, low in zip(raw, lows, strict=True)]
    if min(widths) == 0:
        mean = case.image.mean(axis=(1, 2, 3), dtype=np.float64)
        return np.tile(mean, (n_classes, 1))
    scaled = np.stack([(a - low) / w for a, low, w in zip(raw, lows, widths, strict=True)])
    one = len(scaled) == 1
    found = fixed_centres(
        scaled[0] if one else scaled,
        None,
        n_classes,
        channel_axis=None if one else 0,
        lesions=n_classes == 3,
        seed=seed,
    )
    found = np.array(found, dtype=np.float64).reshape(n_classes, len(scaled))
    for d, (linear, normal) in enumerate(zip(scaled, case.image, strict=True)):
        # Normalisation keeps the order of intensities (by slices, nearly): match their ranks.
        found[:, d] = np.interp(found[:, d], np.sort(linear, None), np.sort(normal, None))
    return found
