"""What random volumes are made of: blurred, smooth and grown fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def near(mask: NDArray[np.bool_], voxels: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Grow a mask by this many voxels along each axis: a box."""
    from scipy import ndimage

    size = [2 * round(v) + 1 for v in voxels]
    return np.asarray(ndimage.maximum_filter(mask.view(np.uint8), size), dtype=np.bool_)


def zoomed(field: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Bring a coarse field to a shape, linearly, axis by axis.

    The same as `scipy.ndimage.zoom` with order=1, grid_mode=True, mode="nearest", which computes
    every voxel by itself and takes ten times as long.
    """
    for axis, (coarse, fine) in enumerate(zip(field.shape, shape, strict=True)):
        at = ((np.arange(fine) + 0.5) * coarse / fine - 0.5).clip(0, coarse - 1)
        weights = np.maximum(1 - np.abs(at[:, None] - np.arange(coarse)), 0).astype(np.float32)
        field = np.moveaxis(np.tensordot(weights, field, (1, axis)), 0, axis)
    return np.ascontiguousarray(field)


def gaussian(array: NDArray[Any], sigma: NDArray[np.float64]) -> NDArray[np.float32]:
    """Blur by a Gaussian; sigma of each axis in voxels."""
    from scipy import ndimage

    found = ndimage.gaussian_filter(array, sigma, output=np.float32, truncate=3.0)
    return np.asarray(found, dtype=np.float32)


def smooth_field(
    shape: tuple[int, ...],
    spacing_mm: Sequence[float] | NDArray[np.float64],
    grain_mm: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Draw standard normal values some `grain_mm` apart, and interpolate between them."""
    coarse = [
        max(2, int(np.ceil(n * s / grain_mm)) + 1) for n, s in zip(shape, spacing_mm, strict=True)
    ]
    return zoomed(rng.standard_normal(coarse).astype(np.float32), shape)


def log_uniform(limits: tuple[float, float], rng: np.random.Generator) -> float:
    """Draw between two numbers above 0, evenly on a logarithmic scale."""
    return float(np.exp(rng.uniform(*np.log(limits))))
