"""Numba kernels of the CT: a rigid and breathing warp, and parallel-beam projection of slices."""
# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False

from __future__ import annotations

from typing import Any

import numpy as np

from fuzzyseg.compiled import njit

_OPTIONS: Any = {"cache": True, "nogil": True, "error_model": "numpy"}


@njit(**_OPTIONS)
def warp(hu, bone, lesion, matrix, lift, fall, front, out, bone_out, lesion_out):
    """Look up every voxel of the CT at p' = M p + (0, fall[y, z], lift[y, z]), in voxels.

    `lift[z] front[y]` moves along z and `fall[z] front[y]` along y. CT numbers and bone are
    interpolated, lesions taken from the nearest voxel.
    """
    n, m, k = hu.shape
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            x0 = matrix[0, 0] * i + matrix[0, 1] * j + matrix[0, 3]
            y0 = matrix[1, 0] * i + matrix[1, 1] * j + matrix[1, 3]
            z0 = matrix[2, 0] * i + matrix[2, 1] * j + matrix[2, 3]
            for l in range(out.shape[2]):  # noqa: E741
                x = x0 + matrix[0, 2] * l
                y = y0 + matrix[1, 2] * l + fall[l] * front[j]
                z = z0 + matrix[2, 2] * l + lift[l] * front[j]
                # The outermost voxels go on beyond the edge of the volume.
                x, y = min(max(x, 0.0), n - 1.001), min(max(y, 0.0), m - 1.001)
                z = min(max(z, 0.0), k - 1.001)
                a, b, c = int(x), int(y), int(z)
                f, g, h = np.float32(x - a), np.float32(y - b), np.float32(z - c)
                w00, w01 = (1 - f) * (1 - g), (1 - f) * g
                w10, w11 = f * (1 - g), f * g
                low = w00 * hu[a, b, c] + w01 * hu[a, b + 1, c]
                low += w10 * hu[a + 1, b, c] + w11 * hu[a + 1, b + 1, c]
                top = w00 * hu[a, b, c + 1] + w01 * hu[a, b + 1, c + 1]
                top += w10 * hu[a + 1, b, c + 1] + w11 * hu[a + 1, b + 1, c + 1]
                out[i, j, l] = low + h * (top - low)
                if low < -500 and top < -500:  # no bone in air or lung
                    bone_out[i, j, l] = False
                else:
                    low = w00 * bone[a, b, c] + w01 * bone[a, b + 1, c]
                    low += w10 * bone[a + 1, b, c] + w11 * bone[a + 1, b + 1, c]
                    top = w00 * bone[a, b, c + 1] + w01 * bone[a, b + 1, c + 1]
                    top += w10 * bone[a + 1, b, c + 1] + w11 * bone[a + 1, b + 1, c + 1]
                    bone_out[i, j, l] = low + h * (top - low) >= 0.5
                lesion_out[i, j, l] = lesion[int(x + 0.5), int(y + 0.5), int(z + 0.5)]


@njit(**_OPTIONS)
def forward(water, mineral, cos, sin, out):
    """Sum two images along parallel rays, out (2, A, S) in pixels; two rays share a pixel."""
    n, m = water.shape
    middle = (out.shape[2] - 1) / 2
    for i in range(n):
        for j in range(m):
            w, d = water[i, j], mineral[i, j]
            if w < 0.02:
                continue
            x, y = i - (n - 1) / 2, j - (m - 1) / 2
            for angle in range(cos.size):
                s = x * cos[angle] + y * sin[angle] + middle
                low = int(s)
                part = np.float32(s - low)
                out[0, angle, low] += (1 - part) * w
                out[0, angle, low + 1] += part * w
                if d > 0:
                    out[1, angle, low] += (1 - part) * d
                    out[1, angle, low + 1] += part * d


@njit(**_OPTIONS)
def back(filtered, variance, every, cos, sin, inside, image, spread):
    """Back-project: `filtered` (A, S) over all angles, `variance` over one in `every`."""
    n, m = image.shape
    middle = (filtered.shape[1] - 1) / 2
    for i in range(n):
        for j in range(m):
            if not inside[i, j]:
                continue
            x, y = i - (n - 1) / 2, j - (m - 1) / 2
            total, noise = np.float32(0), np.float32(0)
            for angle in range(cos.size):
                s = x * cos[angle] + y * sin[angle] + middle
                low = int(s)
                part = np.float32(s - low)
                total += (1 - part) * filtered[angle, low] + part * filtered[angle, low + 1]
                if angle % every == 0:
                    noise += variance[angle, low]
            image[i, j] = total
            spread[i, j] = noise


@njit(**_OPTIONS)
def add_upsampled(volume, coarse, factor):
    """Add a coarse volume, interpolated, to one `factor` (x, y, z) times finer, in place."""
    n, m, k = volume.shape
    p, q, r = coarse.shape
    for i in range(n):
        x = min(max((i + 0.5) / factor[0] - 0.5, 0.0), p - 1.0)
        a = min(int(x), max(p - 2, 0))
        a1, f = min(a + 1, p - 1), np.float32(x - a)
        for j in range(m):
            y = min(max((j + 0.5) / factor[1] - 0.5, 0.0), q - 1.0)
            b = min(int(y), max(q - 2, 0))
            b1, g = min(b + 1, q - 1), np.float32(y - b)
            for l in range(k):  # noqa: E741
                z = min(max((l + 0.5) / factor[2] - 0.5, 0.0), r - 1.0)
                c = min(int(z), max(r - 2, 0))
                c1, h = min(c + 1, r - 1), np.float32(z - c)
                low = (1 - g) * coarse[a, b, c] + g * coarse[a, b1, c]
                low = (1 - f) * low + f * ((1 - g) * coarse[a1, b, c] + g * coarse[a1, b1, c])
                top = (1 - g) * coarse[a, b, c1] + g * coarse[a, b1, c1]
                top = (1 - f) * top + f * ((1 - g) * coarse[a1, b, c1] + g * coarse[a1, b1, c1])
                volume[i, j, l] += low + h * (top - low)
