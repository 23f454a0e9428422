"""The family of spatial fuzzy c-means, each by its equations, plainly, in float64 numpy and scipy.

What the tests hold the kernels to, and what the benchmark is against. One step takes y
(D, *space), u and v (C, D) and returns the objective, the new memberships and the new centres.
The objective is at the new memberships and the old centres, but at the old memberships where
these enter their neighbours' costs. `inside` is 1 within a mask, or None.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from scipy import ndimage


def distances(y: Any, v: Any) -> Any:
    return np.stack([((y - c.reshape(-1, *(1,) * (y.ndim - 1))) ** 2).sum(0) for c in v])


def taps(n_space: int, weights: Any, radius: int = 1) -> Any:
    """Filter of neighbours, by the number of axes between them and the middle."""
    filled = np.zeros((2 * radius + 1,) * n_space)
    for index in np.ndindex(filled.shape):
        apart = sum(i != radius for i in index)
        filled[index] = weights(apart, index) if apart else 0.0
    return filled


def around(a: Any, filter_: Any) -> Any:
    """Correlate the last axes of a with a symmetric filter; beyond the image there is 0."""
    n = filter_.ndim
    flat = a.reshape(-1, *a.shape[a.ndim - n :])
    return np.stack([ndimage.convolve(x, filter_, mode="constant") for x in flat]).reshape(a.shape)


def fuzzy_memberships(cost: Any, q: float, inside: Any = None) -> Any:
    u = cost ** (-1 / (q - 1))
    u = u / u.sum(0)
    return u if inside is None else u * inside


def weighted_centres(w: Any, y: Any) -> Any:
    return np.array([[(k * c).sum() / k.sum() for c in y] for k in w])


def fcm(y: Any, u: Any, v: Any, q: float = 2, inside: Any = None) -> Any:
    d = distances(y, v)
    u = fuzzy_memberships(d, q, inside)
    return (u**q * d).sum(), u, weighted_centres(u**q, y)


def fcm_s(y: Any, u: Any, v: Any, q: float = 2, alpha: float = 1.0, inside: Any = None) -> Any:
    ones = np.ones(y.shape[1:]) if inside is None else inside * 1.0
    box = taps(y.ndim - 1, lambda *_: 1.0)
    count = np.maximum(around(ones, box), 1)
    d = distances(y, v)
    cost = d + alpha * around(d * ones, box) / count
    u = fuzzy_memberships(cost, q, inside)
    mean = around(y * ones, box) / count
    return (u**q * cost).sum(), u, weighted_centres(u**q, (y + alpha * mean) / (1 + alpha))


def windows(y: Any, inside: Any, radius: int) -> Any:
    """Windows of y (D, *space), flat, last; NaN where there is no voxel."""
    seen = y if inside is None else np.where(inside, y, np.nan)
    wide = np.pad(seen, [(0, 0)] + [(radius, radius)] * (y.ndim - 1), constant_values=np.nan)
    axes = tuple(range(1, y.ndim))
    view = np.lib.stride_tricks.sliding_window_view(wide, (2 * radius + 1,) * len(axes), axes)
    return view.reshape(*y.shape, -1)


def mean_filter(y: Any, inside: Any = None, radius: int = 1) -> Any:
    ones = np.ones(y.shape[1:]) if inside is None else inside * 1.0
    box = np.ones((2 * radius + 1,) * (y.ndim - 1))
    return around(y * ones, box) / np.maximum(around(ones, box), 1)


def median_filter(y: Any, inside: Any = None, radius: int = 1) -> Any:
    seen = windows(y, inside, radius)
    seen = np.where(np.isnan(seen).all(-1, keepdims=True), 0.0, seen)
    return np.nanmedian(seen, axis=-1)


def fcm_s12(y: Any, b: Any, v: Any, q: float = 2, alpha: float = 1.0, inside: Any = None) -> Any:
    """FCM_S1 and FCM_S2, b the filtered image."""
    cost = distances(y, v) + alpha * distances(b, v)
    u = fuzzy_memberships(cost, q, inside)
    return (u**q * cost).sum(), u, weighted_centres(u**q, (y + alpha * b) / (1 + alpha))


def enfcm_image(y: Any, alpha: float = 1.0, inside: Any = None) -> Any:
    ones = np.ones(y.shape[1:]) if inside is None else inside * 1.0
    box = taps(y.ndim - 1, lambda *_: 1.0)
    count = around(ones, box)
    mean = np.where(count > 0, around(y * ones, box) / np.maximum(count, 1), y)
    return (y + alpha * mean) / (1 + alpha)


def fgfcm_image(
    y: Any, spatial: float = 3.0, grey: float = 6.0, inside: Any = None, radius: int = 1
) -> Any:
    seen = windows(y, inside, radius)
    offsets = list(itertools.product(range(-radius, radius + 1), repeat=y.ndim - 1))
    far = np.array([max(map(abs, o)) for o in offsets])
    seen = seen[..., far > 0]
    squares = ((seen - y[..., None]) ** 2).sum(0)
    variance = np.nanmean(squares, axis=-1)[..., None]
    unlike = np.divide(squares, grey * variance, out=np.zeros_like(squares), where=variance > 0)
    s = np.exp(-far[far > 0] / spatial - unlike)
    s = np.where(np.isnan(squares), 0.0, s)
    return (s * np.nan_to_num(seen)).sum(-1) / s.sum(-1)


def flicm(y: Any, u: Any, v: Any, q: float = 2, inside: Any = None) -> Any:
    ones = 1.0 if inside is None else inside
    near = taps(y.ndim - 1, lambda _, i: 1 / (1 + np.hypot.reduce(np.array(i) - 1)))
    d = distances(y, v)
    cost = d + around(ones * (1 - u) ** q * d, near)
    objective = (u**q * cost).sum()
    u = fuzzy_memberships(cost, q, inside)
    return objective, u, weighted_centres(u**q, y)


def kfcm(y: Any, u: Any, v: Any, q: float = 2, sigma: float = 0.6, inside: Any = None) -> Any:
    k = np.exp(-distances(y, v) / sigma**2)
    u = fuzzy_memberships(1 - k, q, inside)
    return (u**q * (1 - k)).sum(), u, weighted_centres(u**q * k, y)


def kfcm_s(
    y: Any, u: Any, v: Any, q: float = 2, sigma: float = 0.6, alpha: float = 0.05,
    inside: Any = None,
) -> Any:  # fmt: skip
    ones = 1.0 if inside is None else inside
    box = taps(y.ndim - 1, lambda *_: 1.0)
    k = np.exp(-distances(y, v) / sigma**2)
    cost = 1 - k + alpha / box.sum() * around(ones * (1 - u) ** q, box)
    objective = (u**q * cost).sum()
    u = fuzzy_memberships(cost, q, inside)
    return objective, u, weighted_centres(u**q * k, y)


def sfcm(
    y: Any, u: Any, v: Any, q: float = 2, p: float = 1, s: float = 1, radius: int = 2,
    inside: Any = None,
) -> Any:  # fmt: skip
    d = distances(y, v)
    u = fuzzy_memberships(d, q, inside)
    h = around(u, np.ones((2 * radius + 1,) * (y.ndim - 1)))
    u = u**p * h**s
    u = u / np.maximum(u.sum(0), 1e-300)
    u = u if inside is None else u * inside
    return (u**q * d).sum(), u, weighted_centres(u**q, y)


def pcm(y: Any, u: Any, v: Any, eta: Any, q: float = 2, inside: Any = None) -> Any:
    ones = 1.0 if inside is None else inside
    scale = np.asarray(eta).reshape(-1, *(1,) * (y.ndim - 1))
    d = distances(y, v)
    u = ones / (1 + (d / scale) ** (1 / (q - 1)))
    objective = (u**q * d).sum() + (scale * ones * (1 - u) ** q).sum()
    return objective, u, weighted_centres(u**q, y)


def rfcm(
    y: Any, u: Any, v: Any, q: float = 2, beta: float = 5e-4, gamma: float = 0.0, z: Any = 0.0,
    inside: Any = None,
) -> Any:  # fmt: skip
    """RFCM, and with gamma and a prior z (*space,) RFCM_CT: pairs of classes one by one."""
    box = taps(y.ndim - 1, lambda *_: 1.0)
    prior = np.stack([(z if k == 0 else 1 - z) * np.ones(y.shape[1:]) for k in range(len(v))])
    near = np.zeros_like(u)
    for k in range(len(v)):
        for m in range(len(v)):
            if m != k:
                near[k] += around(u[m] ** q, box)
    d = distances(y, v)
    objective = (u**q * (d + beta * near + gamma * prior)).sum()
    u = fuzzy_memberships(d + 2 * beta * near + gamma * prior, q, inside)
    return objective, u, weighted_centres(u**q, y)
