"""Fused numba kernels of fuzzy c-means and its spatially robust form.

One pass over the image does one whole iteration: costs, memberships, the objective and the
sums that give the next centres. The image goes through blocks that stay in the innermost
cache, one line of scratch memory for each class and quantity.

Two things make the loops vectorise. All lines of a block lie in one array, `_LINE` numbers
apart, so that the compiler sees that they don't overlap. And the number of classes and the
common exponents are constants while compiling: `classes` is a tuple with an entry a class,
and `kind` one with q entries for q = 1, 2, 3, or none for any other q; their length is part
of the type, so each combination in use is compiled by itself, at first use, and cached on
disk.

Sums run in the image's dtype inside a block and in float64 between blocks. Only `reassoc`,
`contract` and `nsz` are relaxed: enough to vectorise sums, and no flag that changes the state
of the process.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_OPTIONS: Any = {
    "cache": True,
    "nogil": True,
    "fastmath": {"reassoc", "contract", "nsz"},
    "error_model": "numpy",
}
_BLOCK = 4096  # voxels worked on together, in whole rows for images
_LINE = _BLOCK + 64  # distance of scratch lines; no power of two, or lines share cache sets
MAX_ROW = _BLOCK  # longest image row
_TINY = 1e-30  # smallest cost, as in fuzzy.memberships


@njit(**_OPTIONS)
def _at(line, j):
    """Index of number j of a line; unsigned, which spares loops a check for negative ones."""
    return np.uint64(line * _LINE + j)


@njit(**_OPTIONS)
def _copy(source, target):
    """Write source to target, of one size; numba's slice assignment does not vectorise."""
    for j in range(target.size):
        target[j] = source[j]


@njit(**_OPTIONS)
def _power(u, q, kind):
    """u^q, as fuzzy.power."""
    if len(kind) == 1:
        return u
    if len(kind) == 2:
        return u * u
    if len(kind) == 3:
        return u * u * u
    return u**q


@njit(**_OPTIONS)
def _memberships(lines, classes, n, q, kind):
    """Eq. (5), as fuzzy.memberships: costs in lines C..2C-1 to memberships in lines 0..C-1."""
    number = lines.dtype.type
    n_classes = len(classes)
    exponent = number(1 / (q - 1) if q > 1 else 1)
    for j in range(n):
        lowest = number(1)  # for q = 2 the sum of reciprocals is finite without a scale
        if len(kind) != 2:
            lowest = lines[_at(n_classes, j)]
            for k in range(1, len(classes)):
                lowest = min(lowest, lines[_at(n_classes + k, j)])
            lowest += number(_TINY)
        total = number(0)
        for k in range(len(classes)):
            ratio = lowest / (lines[_at(n_classes + k, j)] + number(_TINY))
            if len(kind) == 1:
                ratio = number(1) if ratio == number(1) else number(0)
            elif len(kind) == 3:
                ratio = np.sqrt(ratio)
            elif len(kind) == 0:
                ratio = ratio**exponent
            lines[_at(k, j)] = ratio
            total += ratio
        total = number(1) / total
        for k in range(len(classes)):
            lines[_at(k, j)] *= total


@njit(**_OPTIONS)
def _distances(y, first, v, lines, classes, n):
    """Squared distances of n voxels of y (D, N) to the centres v (C, D), to lines C..2C-1."""
    number = lines.dtype.type
    for k in range(len(classes)):
        start = (len(classes) + k) * _LINE
        line = lines[start : start + n]
        for d in range(v.shape[1]):
            values = y[d, first : first + n]
            centre = number(v[k, d])
            if d == 0:
                for j in range(n):
                    line[j] = (values[j] - centre) * (values[j] - centre)
            else:
                for j in range(n):
                    line[j] += (values[j] - centre) * (values[j] - centre)


@njit(**_OPTIONS)
def _add_sums(sums, y, first, weight, lines, classes, n, q, kind):
    """Add to sums (C, D + 2) the block's sum of w u^q y_d for each d, and of w u^q."""
    n_channels = y.shape[0]
    number = lines.dtype.type
    for k in range(len(classes)):
        line = lines[k * _LINE : k * _LINE + n]
        if weight.size:
            w = weight[first : first + n]
            for j in range(n):
                line[j] = _power(line[j], q, kind) * w[j]
        else:
            for j in range(n):
                line[j] = _power(line[j], q, kind)
        total = number(0)
        for j in range(n):
            total += line[j]
        sums[k, n_channels] += total
        for d in range(n_channels):
            values = y[d, first : first + n]
            total = number(0)
            for j in range(n):
                total += line[j] * values[j]
            sums[k, d] += total


@njit(**_OPTIONS)
def _harden(lines, classes, labels):
    """Class of the largest membership in lines 0..C-1; ties go to the lower class."""
    for j in range(labels.size):
        best = lines[_at(0, j)]
        label = np.int8(0)
        for k in range(1, len(classes)):
            u = lines[_at(k, j)]
            label = np.int8(k) if u > best else label
            best = max(u, best)
        labels[j] = label


@njit(**_OPTIONS)
def fcm_pass(y, weight, classes, v, q, kind, u_out, labels_out):
    """One iteration of fuzzy c-means.

    Parameters
    ----------
    y : ndarray of shape (D, N)
    weight : ndarray of shape (N,), or (0,) for weights of 1
    classes, kind : tuple
        See the module's docstring.
    v : float64 ndarray of shape (C, D)
    q : float
    u_out : ndarray of shape (C, N) to write memberships to, or (C, 0) to keep none
    labels_out : int8 ndarray of shape (N,), or (0,)

    Returns
    -------
    float64 ndarray of shape (C, D + 2)
        Columns: sum of w u^q y_d for each channel, sum of w u^q, sum of w u^q |y - v|^2.
    """
    n_classes, n_channels = v.shape
    number = y.dtype.type
    sums = np.zeros((n_classes, n_channels + 2))
    lines = np.empty(2 * n_classes * _LINE, y.dtype)
    for first in range(0, y.shape[1], _BLOCK):
        n = min(_BLOCK, y.shape[1] - first)
        _distances(y, first, v, lines, classes, n)
        _memberships(lines, classes, n, q, kind)
        if u_out.shape[1]:
            for k in range(n_classes):
                _copy(lines[k * _LINE :], u_out[k, first : first + n])
        if labels_out.size:
            _harden(lines, classes, labels_out[first : first + n])
        _add_sums(sums, y, first, weight, lines, classes, n, q, kind)
        for k in range(n_classes):
            uq = lines[k * _LINE : k * _LINE + n]
            cost = lines[(n_classes + k) * _LINE : (n_classes + k) * _LINE + n]
            total = number(0)
            for j in range(n):
                total += uq[j] * cost[j]
            sums[k, n_channels + 1] += total
    return sums


@njit(**_OPTIONS)
def harden(u, classes, labels):
    """Write to labels (N,) the class of the largest membership in u (C, N)."""
    lines = np.empty(len(classes) * _LINE, u.dtype)
    for first in range(0, labels.size, _BLOCK):
        n = min(_BLOCK, labels.size - first)
        for k in range(len(classes)):
            _copy(u[k, first : first + n], lines[k * _LINE : k * _LINE + n])
        _harden(lines, classes, labels[first : first + n])


@njit(**_OPTIONS)
def histogram(y, low, high, n_bins):
    """Count, sum and sum of squares of y (N,) in each of n_bins equal bins from low to high."""
    moments = np.zeros((3, n_bins))
    scale = n_bins / (high - low)
    for j in range(y.size):
        value = np.float64(y[j])
        b = min(np.int64((value - low) * scale), n_bins - 1)
        moments[0, b] += 1
        moments[1, b] += value
        moments[2, b] += value * value
    return moments


@njit(**_OPTIONS)
def _others(u, z, first, n, width, q, kind, classes, others):
    """Rows of S - u_k^q in plane z of u (C, Z, P), S the sum over all classes.

    To lines of `others`, 3 _LINE apart: from the row before voxel `first` to the row after
    `first + n`. Rows outside the plane are zero.
    """
    size = u.shape[2]
    low, high = max(first - width, 0), min(first + n + width, size)
    offset = low - first + width
    for k in range(len(classes)):
        line = others[3 * k * _LINE : 3 * (k + 1) * _LINE]
        line[:offset] = 0
        line[offset + high - low : n + 2 * width] = 0
        _copy(u[k, z, low:high], line[offset : offset + high - low])
    for j in range(offset, offset + high - low):
        total = u.dtype.type(0)
        for k in range(len(classes)):
            total += _power(others[_at(3 * k, j)], q, kind)
        for k in range(len(classes)):
            others[_at(3 * k, j)] = total - _power(others[_at(3 * k, j)], q, kind)


@njit(**_OPTIONS)
def _in_plane(rows, column, out, n, width, corners):
    """Sum of a plane's numbers in and next to each of n voxels in whole rows, to out (>= n,).

    `rows` (>= n + 2 width,) starts a row early. With corners: the 3 x 3 square; without: the
    4 neighbours. `column` (>= n + 2,) is scratch, zero in its first entry.
    """
    upper, here, lower = rows, rows[width:], rows[2 * width :]
    left, middle, right = column, column[1:], column[2:]
    if corners:
        for j in range(n):
            middle[j] = upper[j] + here[j] + lower[j]
        _copy(middle, out[:n])
    else:
        _copy(here, middle[:n])
        for j in range(n):
            out[j] = upper[j] + lower[j]
    if width == 1:
        return
    middle[n] = 0
    for j in range(width, n, width):  # two rows meet here, but their ends are no neighbours
        out[j - 1] -= middle[j]
        out[j] -= middle[j - 1]
    for j in range(n):
        out[j] += left[j] + right[j]


@njit(**_OPTIONS)
def _costs(lines, carry, classes, n, weight, corners, q, kind):
    """Add the spatial term to the costs of n voxels; return their part of the objective.

    Parameters
    ----------
    lines : ndarray, 5 C lines of _LINE
        From C on: squared distances, which become the costs of eq. (5). From 2C on: the
        previous memberships. From 3C on: what the following plane gives to this one. From 4C
        on: what the following plane gives within itself.
    carry : ndarray, 2 C lines of _LINE
        What the planes up to this one give to this one; from C on, what this one gives to
        the following. Both move on by one plane.
    weight : number
        beta.
    """
    number = lines.dtype.type
    n_classes = len(classes)
    own = number(1) if corners else number(0)  # a square holds the voxel itself: take it out
    objective = number(0)
    for j in range(n):
        total = number(0)
        for k in range(n_classes):
            total += _power(lines[_at(2 * n_classes + k, j)], q, kind)
        for k in range(n_classes):
            uq = _power(lines[_at(2 * n_classes + k, j)], q, kind)
            toward = lines[_at(3 * n_classes + k, j)]
            near = weight * (carry[_at(k, j)] + toward - own * (total - uq))
            objective += uq * (lines[_at(n_classes + k, j)] + near)
            lines[_at(n_classes + k, j)] += number(2) * near
            carry[_at(k, j)] = carry[_at(n_classes + k, j)] + lines[_at(4 * n_classes + k, j)]
            carry[_at(n_classes + k, j)] = toward
    return objective


@njit(**_OPTIONS)
def rfcm_pass(
    y, u, inside, classes, v, q, kind, beta, corners, shape, below, above, start, stop, update
):
    """One iteration of robust fuzzy c-means over planes start..stop, in place.

    Every voxel sees its neighbours' memberships of the previous iteration: what a plane gives
    to the next is summed within the plane before the plane is overwritten. A plane is one
    line of P = Y * X numbers, so that loops are long, and is worked through in whole rows.

    Parameters
    ----------
    y : ndarray of shape (D, Z * P)
    u : ndarray of shape (C, Z, P)
        Memberships of the previous iteration; overwritten by the new ones.
    inside : ndarray of shape (Z * P,), or (0,) for no mask
        1 within the mask; where 0, the memberships in every class become 0.
    classes, kind : tuple
        See the module's docstring.
    v : float64 ndarray of shape (C, D)
    q, beta : float
    corners : bool
        26 (8) neighbours if true, else 6 (4).
    shape : tuple of int
        (Z, Y, X), X <= MAX_ROW.
    below, above : ndarray of shape (C, 1, P)
        Previous memberships of planes start - 1 and stop; zeros at the image's end.
    update : bool
        False leaves the memberships as they are: only the objective is wanted.

    Returns
    -------
    float64 ndarray of shape (C, D + 2)
        Columns: sum of u^q y_d with the new u for each channel, sum of u^q with the new u,
        and the objective of the previous u at v (its sum over rows is J).
    """
    n_classes, n_channels = v.shape
    width = shape[2]
    size = shape[1] * width
    block = _BLOCK // width * width
    n_blocks = (size + block - 1) // block
    sums = np.zeros((n_classes, n_channels + 2))
    carry = np.zeros((n_blocks, 2 * n_classes * _LINE), u.dtype)
    lines = np.zeros(5 * n_classes * _LINE, u.dtype)
    others = np.zeros(3 * n_classes * _LINE, u.dtype)
    column = np.zeros(_LINE, u.dtype)
    no_weight = np.empty(0, u.dtype)
    weight = u.dtype.type(beta)
    for z in range(start - 2, stop):  # the first two rounds only fill `carry`
        for b in range(n_blocks):
            first = b * block
            n = min(block, size - first)
            if z + 1 < start:
                _others(below, 0, first, n, width, q, kind, classes, others)
            elif z + 1 < stop:
                _others(u, z + 1, first, n, width, q, kind, classes, others)
            else:
                _others(above, 0, first, n, width, q, kind, classes, others)
            for k in range(n_classes):
                rows = others[3 * k * _LINE : 3 * (k + 1) * _LINE]
                toward = lines[(3 * n_classes + k) * _LINE :]
                within = lines[(4 * n_classes + k) * _LINE :]
                _in_plane(rows, column, within, n, width, corners)
                _copy(within if corners else rows[width:], toward[:n])
            if z >= start:
                voxel = z * size + first
                _distances(y, voxel, v, lines, classes, n)
                for k in range(n_classes):
                    old = (2 * n_classes + k) * _LINE
                    _copy(u[k, z, first : first + n], lines[old : old + n])
            objective = _costs(lines, carry[b], classes, n, weight, corners, q, kind)
            if z >= start:
                sums[0, n_channels + 1] += objective
            if z >= start and update:
                _memberships(lines, classes, n, q, kind)
                for k in range(n_classes):
                    new = lines[k * _LINE : k * _LINE + n]
                    if inside.size:
                        keep = inside[voxel : voxel + n]
                        for j in range(n):
                            new[j] *= keep[j]
                    _copy(new, u[k, z, first : first + n])
                _add_sums(sums, y, voxel, no_weight, lines, classes, n, q, kind)
    return sums
