"""Volumes for the viewer in the page: NIfTI files, compressed, in the page's own text."""

from __future__ import annotations

import base64
import gzip
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.volume import Segmentation, Volume

_MOST_VOXELS = 20_000_000  # the page would be too large
_MOST_APART = 3  # of a larger study every second or third voxel of a row is shown
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
        (base64 of .nii.gz), "low" and "high"; None if the study is too large for a page even with
        every third voxel.
    """
    volume, memberships = segmentation.volume, segmentation.memberships
    step = _apart(volume)
    if step is None:
        return None
    volume, ct = _thinned(volume, step), None if ct is None else _thinned(ct, step)
    is_ct = volume.modality == "CT"
    layers = []
    if ct is not None:
        layers.append(_ct_layer(ct.array, volume))
    if is_ct:
        layers.append(_ct_layer(volume.array, volume))
    else:
        low, high = float(volume.array.min()), float(volume.array.max())
        slope = (high - low) / 4095 or 1.0
        whole = np.rint((volume.array - low) / slope).astype(np.int16)
        shown = float(np.percentile(volume.array, 99.8))
        layers.append(
            _layer("uptake", "uptake", whole, volume, (low, shown), slope=slope, offset=low)
        )
    for k, name in enumerate(segmentation.class_names):
        if k:
            u = np.rint(_highest(memberships[k], step) * 250).astype(np.uint8)
            u[u < 13] = 0  # under 5%: what nobody looks for costs most of the space
            layers.append(_layer(name, "membership", u, volume, (0.5, 1.0), slope=1 / 250))
    return {"layers": layers}


def _apart(volume: Volume) -> tuple[int, int, int] | None:
    """How far apart voxels are taken along each axis: the two finest are thinned alike."""
    x, y, z = volume.spacing_mm
    coarsest = 2 if z > 0.99 * max(x, y) else int(np.argmax((x, y)))  # slices of equal ones
    for n in range(1, _MOST_APART + 1):
        x, y, z = (1 if axis == coarsest else n for axis in range(3))
        shape = np.ceil(np.divide(volume.array.shape, (x, y, z)))
        if np.prod(shape) <= _MOST_VOXELS:
            return x, y, z
    return None


def _every(array: NDArray[Any], step: tuple[int, int, int]) -> NDArray[Any]:
    return array[:: step[0], :: step[1], :: step[2]]


def _highest(array: NDArray[Any], step: tuple[int, int, int]) -> NDArray[Any]:
    """Take the highest of those that each voxel stands for: a small lesion stays to be seen."""
    if max(step) == 1:
        return array
    missing = [(0, -n % s) for n, s in zip(array.shape, step, strict=True)]
    whole = np.pad(array, missing, mode="edge")
    x, y, z = (n // s for n, s in zip(whole.shape, step, strict=True))
    blocks = whole.reshape(x, step[0], y, step[1], z, step[2])
    return np.asarray(blocks.max(axis=(1, 3, 5)))


def _thinned(volume: Volume, step: tuple[int, int, int]) -> Volume:
    """Keep every so many voxels, where they are."""
    affine = volume.affine @ np.diag([*step, 1.0])
    return replace(volume, array=_every(volume.array, step), affine=affine)


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
