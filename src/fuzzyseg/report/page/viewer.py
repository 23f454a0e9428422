"""Volumes for the viewer in the page: NIfTI files, compressed, in the page's own text."""

from __future__ import annotations

import base64
import gzip
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.volume import Segmentation, Volume

_MOST_VOXELS = 20_000_000  # the page would be too large
_LEVEL = 4  # of compression: 6 takes three times as long for 2% of the size


def viewer_data(segmentation: Segmentation, ct: Volume | None) -> dict[str, Any] | None:
    """Pack what the viewer shows: image, CT, and each class's membership but background's.

    Parameters
    ----------
    segmentation : Segmentation
    ct : Volume, optional
        On the grid of the segmentation.

    Returns
    -------
    dict or None
        "layers", a list of dict with "name", "kind" ("uptake", "ct", "membership"), "data"
        (base64 of .nii.gz), "low" and "high"; None if the study is too large for a page.
    """
    volume = segmentation.volume
    if volume.array.size > _MOST_VOXELS:
        return None
    is_ct = volume.modality == "CT"
    layers = []
    if ct is not None:
        layers.append(_ct_layer(ct.array, volume))
    if is_ct:
        layers.append(_ct_layer(volume.array, volume))
    else:
        low, high = float(volume.array.min()), float(volume.array.max())
        step = (high - low) / 4095 or 1.0
        whole = np.rint((volume.array - low) / step).astype(np.int16)
        shown = float(np.percentile(volume.array, 99.8))
        layers.append(
            _layer("uptake", "uptake", whole, volume, (low, shown), slope=step, offset=low)
        )
    for k, name in enumerate(segmentation.class_names):
        if k:
            u = np.rint(segmentation.memberships[k] * 250).astype(np.uint8)
            u[u < 13] = 0  # under 5%: what nobody looks for costs most of the space
            layers.append(_layer(name, "membership", u, volume, (0.5, 1.0), slope=1 / 250))
    return {"layers": layers}


def _ct_layer(hu: NDArray[np.float32], volume: Volume) -> dict[str, Any]:
    # Steps of 4 HU: the eye sees no finer, and noise costs space.
    coarse = np.rint(np.clip(hu, -1024, 3071) / 4).astype(np.int16)
    return _layer("CT", "ct", coarse, volume, (-160.0, 640.0), slope=4.0)


def _layer(
    name: str,
    kind: str,
    array: NDArray[Any],
    volume: Volume,
    window: tuple[float, float],
    *,
    slope: float,
    offset: float = 0.0,
) -> dict[str, Any]:
    import nibabel

    image = nibabel.Nifti1Image(array, volume.affine)
    image.header.set_slope_inter(slope, offset)
    packed = gzip.compress(image.to_bytes(), compresslevel=_LEVEL, mtime=0)
    return {
        "name": name,
        "kind": kind,
        "data": base64.b64encode(packed).decode("ascii"),
        "low": window[0],
        "high": window[1],
    }
