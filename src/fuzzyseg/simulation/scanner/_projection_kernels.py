"""Fused numba kernels of the rotate-and-sum projector.

A view is worked through plane by plane, from the detector into the patient, and everything
about a plane (its rotated rows, its transmission, its blur) stays in the second-level cache:
nothing of the volume's size is ever written but the result. The transmission from a plane to
the detector is a running product. All rows run along Z, the contiguous axis, and every inner
loop is one over Z, which vectorises; loops touch at most five arrays, since numba gives up on
vectors when more may overlap.

Only `reassoc`, `contract` and `nsz` are relaxed: no flag changes the state of the process.
"""
# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False

from __future__ import annotations

from typing import Any

import numpy as np

from fuzzyseg.compiled import njit

_OPTIONS: Any = {
    "cache": True,
    "nogil": True,
    "fastmath": {"reassoc", "contract", "nsz"},
    "error_model": "numpy",
}


@njit(**_OPTIONS)
def _corners(t, u, cos, sin, center_x, center_y):
    """Lower voxel and the four bilinear weights at depth t and lateral place u (voxels)."""
    x = center_x + t * cos - u * sin
    y = center_y + t * sin + u * cos
    i, j = int(np.floor(x)), int(np.floor(y))
    fx, fy = np.float32(x - i), np.float32(y - j)
    gx, gy = np.float32(1) - fx, np.float32(1) - fy
    return i, j, (gx * gy, gx * fy, fx * gy, fx * fy)


@njit(**_OPTIONS)
def _gather(volume, corners, row):
    """Row of Z numbers at a place between voxels; 0 outside the volume."""
    i, j, weights = corners
    w00, w01, w10, w11 = weights
    if 0 <= i < volume.shape[0] - 1 and 0 <= j < volume.shape[1] - 1:
        a, b = volume[i, j], volume[i, j + 1]
        c, d = volume[i + 1, j], volume[i + 1, j + 1]
        for z in range(row.size):
            row[z] = w00 * a[z] + w01 * b[z] + w10 * c[z] + w11 * d[z]
        return
    for z in range(row.size):
        row[z] = np.float32(0)
    for corner in range(4):
        p, q = i + corner // 2, j + corner % 2
        if 0 <= p < volume.shape[0] and 0 <= q < volume.shape[1]:
            weight = weights[corner]
            a = volume[p, q]
            for z in range(row.size):
                row[z] += weight * a[z]


@njit(**_OPTIONS)
def _scatter_row(row, corners, volume):
    """Adjoint of _gather: add the row to the four voxel rows around its place."""
    i, j, weights = corners
    for corner in range(4):
        p, q = i + corner // 2, j + corner % 2
        if 0 <= p < volume.shape[0] and 0 <= q < volume.shape[1]:
            weight = weights[corner]
            a = volume[p, q]
            for z in range(row.size):
                a[z] += weight * row[z]


@njit(**_OPTIONS)
def _attenuate(row, mu, transmission, half):
    """Multiply a row by the transmission from its middle to the detector, and move on a plane.

    exp(-x) is taken as one over five terms of exp(x): positive and falling for any x >= 0,
    and exact to 4e-9 for bone in 0.44 cm voxels.
    """
    one = np.float32(1)
    c2, c3 = np.float32(1 / 2), np.float32(1 / 6)
    c4, c5 = np.float32(1 / 24), np.float32(1 / 120)
    for z in range(row.size):
        x = mu[z] * half
        step = one / (one + x * (one + x * (c2 + x * (c3 + x * (c4 + x * c5)))))
        middle = transmission[z] * step
        transmission[z] = middle * step
        row[z] *= middle


@njit(**_OPTIONS)
def _blur_along(padded, taps, width, out):
    """Convolve along Z. `padded` (Z + 2 P,) holds the row with P >= width zeros at either end."""
    pad = (padded.size - out.size) // 2
    centre = padded[pad:]
    for z in range(out.size):
        out[z] = taps[0] * centre[z]
    t = 1
    while t + 1 <= width:  # two pairs of taps a sweep: fewer stores
        k0, k1 = taps[t], taps[t + 1]
        a, b = padded[pad - t :], padded[pad + t :]
        c, d = padded[pad - t - 1 :], padded[pad + t + 1 :]
        for z in range(out.size):
            out[z] += k0 * (a[z] + b[z]) + k1 * (c[z] + d[z])
        t += 2
    if t <= width:
        k0 = taps[t]
        a, b = padded[pad - t :], padded[pad + t :]
        for z in range(out.size):
            out[z] += k0 * (a[z] + b[z])


@njit(**_OPTIONS)
def _blur_across(rows, s, low, high, taps, width, out):
    """Add to out (Z,) the rows low..high - 1 weighted by their distance from row s."""
    t, last = max(low, s - width), min(high, s + width + 1)
    while t + 4 <= last:
        a, b, c, d = rows[t], rows[t + 1], rows[t + 2], rows[t + 3]
        k0, k1 = taps[abs(t - s)], taps[abs(t + 1 - s)]
        k2, k3 = taps[abs(t + 2 - s)], taps[abs(t + 3 - s)]
        for z in range(out.size):
            out[z] += k0 * a[z] + k1 * b[z] + k2 * c[z] + k3 * d[z]
        t += 4
    while t < last:
        a = rows[t]
        k0 = taps[abs(t - s)]
        for z in range(out.size):
            out[z] += k0 * a[z]
        t += 1


@njit(**_OPTIONS)
def forward_view(image, mu, cos, sin, half, taps, widths, low, high, projection):
    """Project one view.

    Parameters
    ----------
    image, mu : float32 ndarray of shape (X, Y, Z)
        Activity, and attenuation in 1/cm.
    cos, sin : float
        Direction from the axis to the detector.
    half : float32
        Half a voxel, in cm.
    taps, widths : ndarray of shape (D, H + 1) and (D,)
        Response of each plane, nearest first, from response.gaussian_taps.
    low, high : int64 ndarray of shape (D,)
        Rows low..high - 1 of each plane are projected.
    projection : float32 ndarray of shape (S, Z)
        Written: sum over planes of activity times transmission, blurred.
    """
    n_rows, n_z = projection.shape
    center_x, center_y = (image.shape[0] - 1) / 2, (image.shape[1] - 1) / 2
    pad = taps.shape[1]
    transmission = np.ones((n_rows, n_z), np.float32)
    rows = np.empty((n_rows, n_z), np.float32)
    padded = np.zeros(n_z + 2 * pad, np.float32)
    row = padded[pad : pad + n_z]
    mu_row = np.empty(n_z, np.float32)
    projection[:] = 0
    for d in range(low.size):
        t = (low.size - 1) / 2 - d
        for s in range(low[d], high[d]):
            corners = _corners(t, s - (n_rows - 1) / 2, cos, sin, center_x, center_y)
            _gather(mu, corners, mu_row)
            _gather(image, corners, row)
            _attenuate(row, mu_row, transmission[s], half)
            _blur_along(padded, taps[d], widths[d], rows[s])
        if high[d] > low[d]:
            for s in range(max(0, low[d] - widths[d]), min(n_rows, high[d] + widths[d])):
                _blur_across(rows, s, low[d], high[d], taps[d], widths[d], projection[s])


@njit(**_OPTIONS)
def back_view(projection, mu, cos, sin, half, taps, widths, low, high, image):
    """Adjoint of forward_view: add the back-projection of (S, Z) to image (X, Y, Z)."""
    n_rows, n_z = projection.shape
    center_x, center_y = (image.shape[0] - 1) / 2, (image.shape[1] - 1) / 2
    pad = taps.shape[1]
    transmission = np.ones((n_rows, n_z), np.float32)
    padded = np.zeros(n_z + 2 * pad, np.float32)
    across = padded[pad : pad + n_z]
    row = np.empty(n_z, np.float32)
    mu_row = np.empty(n_z, np.float32)
    for d in range(low.size):
        t = (low.size - 1) / 2 - d
        for s in range(low[d], high[d]):
            corners = _corners(t, s - (n_rows - 1) / 2, cos, sin, center_x, center_y)
            for z in range(n_z):
                across[z] = np.float32(0)
            _blur_across(projection, s, 0, n_rows, taps[d], widths[d], across)
            _blur_along(padded, taps[d], widths[d], row)
            _gather(mu, corners, mu_row)
            _attenuate(row, mu_row, transmission[s], half)
            _scatter_row(row, corners, image)


@njit(**_OPTIONS)
def turn(volume, cos, sin, turned):
    """Turn a volume (N, N, Z) about its axis until its first axis points to the detector."""
    middle = (turned.shape[0] - 1) / 2
    for d in range(turned.shape[0]):
        for s in range(turned.shape[1]):
            corners = _corners(d - middle, s - middle, cos, sin, middle, middle)
            _gather(volume, corners, turned[d, s])


@njit(**_OPTIONS)
def blend(weights, stack, total):
    """Write to total (P,) the weighted sum of the rows of a stack (N, P), four rows a sweep."""
    block = 4096  # numbers of each row at a time, so that the total stays in the cache
    for start in range(0, total.size, block):
        part = total[start : start + block]
        for i in range(part.size):
            part[i] = np.float32(0)
        n = 0
        while n + 4 <= weights.size:
            a, b = stack[n, start : start + block], stack[n + 1, start : start + block]
            c, d = stack[n + 2, start : start + block], stack[n + 3, start : start + block]
            w0, w1, w2, w3 = weights[n], weights[n + 1], weights[n + 2], weights[n + 3]
            for i in range(part.size):
                part[i] += w0 * a[i] + w1 * b[i] + w2 * c[i] + w3 * d[i]
            n += 4
        while n < weights.size:
            a = stack[n, start : start + block]
            for i in range(part.size):
                part[i] += weights[n] * a[i]
            n += 1
