"""The shape of a lesion: a stretched, dented ball with lobes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.simulation.phantom.grid import Grid

    Box = tuple[slice, slice, slice]


def draw_lump(
    rng: np.random.Generator, grid: Grid, centre: NDArray[np.float64], diameter: float
) -> tuple[Box, NDArray[np.float32]]:
    """Draw a lumpy ellipsoid with up to two lobes.

    Returns
    -------
    box : three slices
        Voxels around it.
    depth : float32 ndarray
        At samples of these voxels, radius over that of the surface: 1 there, 0 at the centre.
    """
    step = np.array(grid.spacing_mm)
    radius = diameter / 2
    first = np.floor((centre - 2.0 * radius - grid.origin_mm) / step).astype(int)
    last = np.ceil((centre + 2.0 * radius - grid.origin_mm) / step).astype(int) + 1
    first, last = np.maximum(first, 0), np.minimum(last, grid.shape)
    x, y, z = (slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    box = (x, y, z)
    fine = _samples(grid, radius)
    axes = [
        grid.axis(i, fine)[box[i].start * fine : box[i].stop * fine] - centre[i] for i in range(3)
    ]
    p = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    rotation, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    stretch = np.exp(rng.normal(0.0, 0.22, 3))
    stretch /= np.prod(stretch) ** (1 / 3)
    q = p @ rotation / stretch / radius
    r = np.linalg.norm(q, axis=-1) + 1e-9
    # Bumps: a few random directions push the surface out or in by up to a quarter.
    bumps = rng.standard_normal((6, 3))
    bumps /= np.linalg.norm(bumps, axis=1, keepdims=True)
    push = rng.uniform(-0.18, 0.22, 6)
    edge = 1 + np.exp(3.0 * ((q / r[..., None]) @ bumps.T - 1)) @ push
    depth = r / edge
    for _ in range(rng.integers(0, 3)):
        offset = rng.standard_normal(3)
        offset *= rng.uniform(0.5, 0.9) / np.linalg.norm(offset)
        lobe = np.linalg.norm(q - offset, axis=-1) / rng.uniform(0.45, 0.7)
        depth = np.minimum(depth, lobe)
    return box, np.asarray(depth, dtype=np.float32)


def _samples(grid: Grid, radius: float) -> int:
    """Count the samples a voxel along each axis for a ball of this radius, mm."""
    return max(1, math.ceil(max(grid.spacing_mm) / min(1.5, radius / 2)))


def filled(depth: NDArray[np.float32], level: float, box: Box) -> NDArray[np.float32]:
    """Share of each voxel of the box that lies deeper than `level`."""
    x, y, z = (s.stop - s.start for s in box)
    f = depth.shape[0] // x
    inside = (depth < level).reshape(x, f, y, f, z, f)
    return np.asarray(inside.mean(axis=(1, 3, 5), dtype=np.float32))
