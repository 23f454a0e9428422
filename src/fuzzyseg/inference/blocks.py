"""A volume as overlapping blocks whose borders are blended, for networks of volumes."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Box = tuple[slice, slice, slice]


def boxes(shape: tuple[int, int, int], block: int, overlap: int) -> list[Box]:
    """Cover a volume with boxes of at most `block` voxels a side.

    Parameters
    ----------
    shape : (int, int, int)
    block : int
    overlap : int
        Voxels that neighbours share at least; less than `block`.

    Returns
    -------
    list of (slice, slice, slice)
        A single one where the volume is no larger than a block.
    """
    axes = []
    for length in shape:
        n = max(math.ceil((length - overlap) / (block - overlap)), 1)
        starts = np.linspace(0, max(length - block, 0), n).round().astype(int)
        axes.append([slice(int(s), min(int(s) + block, length)) for s in starts])
    return [(x, y, z) for x, y, z in itertools.product(*axes)]


def weights(box: Box, shape: tuple[int, int, int], overlap: int) -> NDArray[np.float32]:
    """Weight of a box's voxels: 1 inside, falling linearly over the overlap with neighbours.

    At the faces of the volume, where there is no neighbour, it stays 1.
    """
    ramps = []
    for part, length in zip(box, shape, strict=True):
        n = part.stop - part.start
        rising = np.arange(1, n + 1, dtype=np.float32) / np.float32(overlap + 1)
        ramp = np.ones(n, dtype=np.float32)
        if part.start > 0:
            ramp = np.minimum(ramp, rising)
        if part.stop < length:
            ramp = np.minimum(ramp, rising[::-1])
        ramps.append(ramp)
    x, y, z = ramps
    return np.asarray(x[:, None, None] * y[:, None] * z, dtype=np.float32)
