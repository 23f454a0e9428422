"""Filters that look around each voxel, for numpy and torch alike, on any number of axes.

Images are (D, *space). Voxels outside the image or the mask are nobody's neighbours: means and
medians are over those there are.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from fuzzyseg.clustering.arrays import cast, double, exp, sort, stack
from fuzzyseg.fuzzy import window_sum

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fuzzyseg.clustering.arrays import Array

_SLAB = 16  # of the first axis, whose windows are in memory at once


def _ones(y: Array, inside: Array | None) -> Array:
    """1 where a voxel counts, (1, *space)."""
    ones = y[:1] * 0.0 + 1.0
    return ones if inside is None else ones * inside


def local_mean(y: Array, inside: Array | None, radius: int, *, itself: bool) -> Array:
    """Mean over a window of 2 radius + 1 voxels, with or without the voxel itself.

    A voxel without neighbours keeps its own value.
    """
    ones, n_space = _ones(y, inside), y.ndim - 1
    count, summed = window_sum(ones, n_space, radius), window_sum(y * ones, n_space, radius)
    if not itself:
        count, summed = count - ones, summed - y * ones
    alone = cast(count < 0.5, y)
    return (summed + alone * y) / (count + alone)


def local_spread(y: Array, inside: Array | None, radius: int) -> Array:
    """Variance of a voxel's neighbours about their mean, added over the channels: (*space,)."""
    wide = double(y)  # in float32 a difference of squares has no digits left
    ones, n_space = _ones(wide, inside), y.ndim - 1

    def others(a: Array) -> Array:
        return window_sum(a, n_space, radius) - a

    wide = (wide - wide.mean()) * ones
    count = others(ones).clip(1.0)
    mean = others(wide) / count
    variance = others(wide * wide) / count - mean * mean
    return cast(variance.clip(0.0).sum(0), y)


def _shift(a: Array, offset: tuple[int, ...]) -> Array:
    """a[j + offset] at j, and 0 where that is outside; the last axes are shifted."""
    moved = a * 0.0
    lead = (slice(None),) * (a.ndim - len(offset))
    lengths = a.shape[a.ndim - len(offset) :]
    if all(abs(d) < n for d, n in zip(offset, lengths, strict=True)):
        to = tuple(slice(max(0, -d), n - max(0, d)) for d, n in zip(offset, lengths, strict=True))
        by = tuple(slice(max(0, d), n - max(0, -d)) for d, n in zip(offset, lengths, strict=True))
        moved[lead + to] = a[lead + by]
    return moved


def _neighbours(
    y: Array, inside: Array | None, radius: int, *, itself: bool = False
) -> Iterator[tuple[tuple[int, ...], Array, Array]]:
    """Offset, y and 1-or-0 of each neighbour in the window."""
    ones = _ones(y, inside)
    for offset in product(range(-radius, radius + 1), repeat=y.ndim - 1):
        if itself or any(offset):
            yield offset, _shift(y, offset), _shift(ones, offset)


def local_median(y: Array, inside: Array | None, radius: int) -> Array:
    """Median over a window of 2 radius + 1 voxels, the voxel itself among them."""
    depth = y.shape[1]
    filtered = y * 1.0
    for first in range(0, depth, _SLAB):
        low, high = max(0, first - radius), min(depth, first + _SLAB + radius)
        part = slice(low, high)
        seen = None if inside is None else inside[part]
        slab = _median(y[:, part], seen, radius)
        n = min(_SLAB, depth - first)
        filtered[:, first : first + n] = slab[:, first - low : first - low + n]
    return filtered


def _median(y: Array, inside: Array | None, radius: int) -> Array:
    high = y.max() + 1.0  # beyond all values: what does not count sorts to the end
    values, counts = [], 0
    for _, shifted, ones in _neighbours(y, inside, radius, itself=True):
        values.append(shifted * ones + high * (1.0 - ones))
        counts = counts + ones[0]
    ranked = sort(stack(values))
    median = y * 0.0
    for n in range(1, len(values) + 1):
        # (count == n) picks the voxels whose middle ranks are these
        median = median + (counts == n) * (0.5 * (ranked[(n - 1) // 2] + ranked[n // 2]))
    return median


def similarity_mean(
    y: Array, inside: Array | None, radius: int, spatial: float, grey: float
) -> Array:
    """Mean of a voxel's neighbours weighted by nearness and likeness (Cai 2007, FGFCM).

    Neighbour l of voxel j has the weight S_jl = exp( -max_axis |x_l - x_j| / spatial
    - |y_l - y_j|^2 / (grey sigma_j^2) ), sigma_j^2 the mean of |y_l - y_j|^2 over the
    neighbours. A voxel without neighbours keeps its value.
    """
    squares, counts = 0.0, 0.0
    for _, shifted, ones in _neighbours(y, inside, radius):
        difference = (shifted - y) * ones
        squares = squares + (difference * difference).sum(0)
        counts = counts + ones[0]
    if isinstance(counts, float):
        return y
    variance = squares / (counts + (counts < 0.5))
    scale = grey * variance + (variance <= 0)  # where all are equal, any scale will do
    weights, weighted = 0.0, 0.0
    for offset, shifted, ones in _neighbours(y, inside, radius):
        difference = shifted - y
        unlike = (difference * difference).sum(0) / scale
        weight = exp(-unlike - max(map(abs, offset)) / spatial) * ones[0]
        weights = weights + weight
        weighted = weighted + weight * shifted
    alone = cast(weights <= 0, y)
    return (weighted + alone * y) / (weights + alone)
