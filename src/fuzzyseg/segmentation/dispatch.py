"""Segmentation of a volume, by whichever method."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.segmentation.choice import resolved
from fuzzyseg.segmentation.classical import cluster
from fuzzyseg.segmentation.intensities import check_segmentable
from fuzzyseg.segmentation.settings import Settings, check_read, check_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from fuzzyseg.volume import Segmentation, Volume


def segment(
    volume: Volume,
    settings: Settings | None = None,
    ct: Volume | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Segmentation:
    """Segment a volume.

    Parameters
    ----------
    volume : Volume
        SPECT (any modality but CT), or a CT by itself.
    settings : Settings
    ct : Volume, optional
        CT on the grid of `volume` (`fuzzyseg.resample`), used together with it.
    progress : callable, optional
        Called with (done, total) by a network.

    Returns
    -------
    Segmentation
        Memberships sum to 1 in every voxel; what the mask of a clustering leaves out is
        background.

    Raises
    ------
    InputError
        If the volume is too small, constant or not finite, a setting is out of range, the
        CT is on another grid or given beside another CT, or the model wants other images.
    """
    settings = settings or Settings()
    check_segmentable(volume)
    check_settings(settings)
    if ct is not None:
        _check_ct(volume, ct)
    settings = resolved(settings, volume, ct)
    check_read(settings)
    if settings.method == "model":
        from fuzzyseg.segmentation.network import segment_with_model

        return segment_with_model(volume, settings, ct, progress=progress)
    return cluster(volume, settings, ct)


def _check_ct(volume: Volume, ct: Volume) -> None:
    if volume.modality == "CT" or ct.modality != "CT":
        raise InputError(
            f"expected a SPECT and a CT, found modalities {volume.modality} and {ct.modality}; "
            "give the emission study first and the CT beside it"
        )
    if ct.shape != volume.shape or not np.allclose(ct.affine, volume.affine, atol=1e-3):
        raise InputError(
            f"expected a CT on the SPECT's grid {volume.shape}, found {ct.shape}; "
            "use fuzzyseg.resample.resample(ct, spect)"
        )
