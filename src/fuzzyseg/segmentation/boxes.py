"""Boxes of images: networks need not look at the air around a patient."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.volume import Volume

    Box = tuple[slice, slice, slice]

MARGIN = 14  # voxels around it: more than half of the 23 that the paper's network sees


def box_around(mask: NDArray[np.bool_], margin: int = MARGIN) -> Box:
    """Box of a mask (X, Y, Z), with voxels added on every side; the whole where it is empty."""
    if not mask.any():
        x, y, z = (slice(0, n) for n in mask.shape)
        return x, y, z
    box = []
    for axis, n in enumerate(mask.shape):
        others = tuple(a for a in range(3) if a != axis)
        found = np.flatnonzero(mask.any(axis=others))
        box.append(slice(max(0, int(found[0]) - margin), min(n, int(found[-1]) + 1 + margin)))
    x, y, z = box
    return x, y, z


def part(volume: Volume, box: Box) -> Volume:
    """Cut a box out of a volume; every voxel stays in its place in the patient."""
    affine = volume.affine.copy()
    affine[:3, 3] += volume.affine[:3, :3] @ [s.start for s in box]
    return replace(volume, array=volume.array[box], affine=affine)


def same_part(box: Box, inner: Volume, outer: Volume) -> Box:
    """Find the box of one grid whose voxels' centres lie in a box of another.

    Parameters
    ----------
    box : (slice, slice, slice)
        Of `inner`.
    inner, outer : Volume
        Two grids whose axes are parallel, in any order and direction.

    Returns
    -------
    (slice, slice, slice)
        Of `outer`; it may be empty.
    """
    corners = np.array(np.meshgrid(*[(s.start - 0.5, s.stop - 0.5) for s in box])).reshape(3, -1)
    matrix = np.linalg.inv(outer.affine) @ inner.affine
    places = matrix[:3, :3] @ corners + matrix[:3, 3:]
    low = np.ceil(places.min(axis=1) - 1e-6).astype(int)
    high = np.floor(places.max(axis=1) + 1e-6).astype(int) + 1
    x, y, z = (
        slice(min(max(0, int(a)), n), min(max(0, int(a), int(b)), n))
        for a, b, n in zip(low, high, outer.shape, strict=True)
    )
    return x, y, z


def background(n_classes: int, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Memberships (C, X, Y, Z) that are 1 in the first class, as the readers' arrays in memory."""
    whole = np.zeros((n_classes, *shape[::-1]), np.float32).transpose(0, 3, 2, 1)
    whole[0] = 1
    return whole
