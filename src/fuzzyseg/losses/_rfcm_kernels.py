"""Fused numba kernels of eqs. (6), (11) and (15), for what torch would do in many passes.

Plain numpy in and out, one thread. They work on a few voxels at a time, so that everything but
the image itself stays in the innermost caches. Each inner loop is a function of its own on
few flat arrays, or numba would not vectorise it. Sums run in the image's type within these
rows and in float64 between them.

Neighbours are added up in a copy of the plane with a frame of zeros, as flat numbers: the rows
before and after are `width` away, and only the last step leaves the frame out.
"""
# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False

from __future__ import annotations

from typing import Any

import numpy as np

from fuzzyseg.compiled import njit

_jit: Any = njit(
    cache=True,
    nogil=True,
    fastmath={"reassoc", "contract", "nsz"},  # to vectorise sums; NaN and infinity stay
    error_model="numpy",
)
_CHUNK = 2048  # voxels worked on together, in whole rows


@_jit
def _add(a, total):
    for i in range(total.size):
        total[i] += a[i]


@_jit
def _sum_of_two(a, b, total):
    for i in range(total.size):
        total[i] = a[i] + b[i]


@_jit
def _sum_of_three(a, b, c, total):
    for i in range(total.size):
        total[i] = a[i] + b[i] + c[i]


@_jit
def _frame(total, a, n_x, out):
    """Write total - a into rows that have a zero on either side."""
    for row in range(a.size // n_x):
        source, target = np.uint64(row * n_x), np.uint64(row * (n_x + 2) + 1)
        for x in range(n_x):
            i = source + np.uint64(x)
            out[target + np.uint64(x)] = total[i] - a[i]


@_jit
def _finish_box(total, own, n_x, near):
    """Add up along rows what is summed across them, the frame and the voxel itself left out."""
    for row in range(near.size // n_x):
        source, target = np.uint64(row * (n_x + 2)), np.uint64(row * n_x)
        for x in range(n_x):
            i = source + np.uint64(x)
            j, k = i + np.uint64(1), i + np.uint64(2)
            near[target + np.uint64(x)] = total[i] + total[j] + total[k] - own[j]


@_jit
def _finish_faces(total, own, n_x, near):
    """Add to what is summed across rows the voxels before and after, the frame left out."""
    for row in range(near.size // n_x):
        source, target = np.uint64(row * (n_x + 2)), np.uint64(row * n_x)
        for x in range(n_x):
            i = source + np.uint64(x)
            j, k = i + np.uint64(1), i + np.uint64(2)
            near[target + np.uint64(x)] = total[j] + own[i] + own[k]


@_jit
def _distance(y, v, cost):
    for i in range(y.size):
        cost[i] = (y[i] - v) * (y[i] - v)


@_jit
def _add_distance(y, v, cost):
    for i in range(y.size):
        cost[i] += (y[i] - v) * (y[i] - v)


@_jit
def _weigh(uq, cost, summed, first):
    """Multiply by u^q and add up over the classes, beginning with the first."""
    if first:
        for i in range(uq.size):
            summed[i] = cost[i] = uq[i] * cost[i]
    else:
        for i in range(uq.size):
            cost[i] *= uq[i]
            summed[i] += cost[i]


@_jit
def _weigh_with_neighbours(uq, near, twice_beta, cost, summed, first):
    """Do the same after adding 2 beta near; return the sum of u^q near."""
    spatial = near.dtype.type(0)
    if first:
        for i in range(uq.size):
            part = uq[i] * near[i]
            spatial += part
            summed[i] = cost[i] = uq[i] * cost[i] + twice_beta * part
    else:
        for i in range(uq.size):
            part = uq[i] * near[i]
            spatial += part
            cost[i] = uq[i] * cost[i] + twice_beta * part
            summed[i] += cost[i]
    return float(spatial)


@_jit
def _sum(a):
    total = a.dtype.type(0)
    for i in range(a.size):
        total += a[i]
    return float(total)


@_jit
def _through_softmax(weighted, f, summed, out):
    for i in range(out.size):
        out[i] = weighted[i] - f[i] * summed[i]


@_jit
def _over_membership(weighted, f, out):
    for i in range(out.size):
        out[i] = weighted[i] / f[i] if f[i] > 0 else 0


@_jit
def _fill_others(uq, b, z, n_x, step, sums, others):
    """Write sum_{m != k} u_m^q of a plane into a framed plane for each class k."""
    width = n_x + 2
    for start in range(0, uq.shape[3], step):
        stop = min(start + step, uq.shape[3])
        total = sums[: stop - start]
        # Slices of the whole array: numba takes those of a slice as not contiguous.
        _sum_of_two(uq[b, 0, z, start:stop], uq[b, 1, z, start:stop], total)
        for k in range(2, uq.shape[1]):
            _add(uq[b, k, z, start:stop], total)
        row = (start // n_x + 1) * width
        for k in range(uq.shape[1]):
            _frame(total, uq[b, k, z, start:stop], n_x, others[z % 3, k, row:])


@_jit
def _neighbours(before, here, after, n_x, whole, scratch, near):
    """Add up the neighbours of some rows, from framed planes that begin a row before them."""
    width = n_x + 2
    size = near.size // n_x * width
    total = scratch[1, :size]
    if whole:
        rows = scratch[0, : size + 2 * width]
        _sum_of_three(before, here, after, rows)
        _sum_of_three(rows, rows[width:], rows[2 * width :], total)
        _finish_box(total, here[width:], n_x, near)
    else:
        _sum_of_three(before[width:], here, after[width:], total)
        _add(here[2 * width :], total)
        _finish_faces(total, here[width:], n_x, near)


@_jit
def rfcm(f, uq, y, v, n_x, beta, whole, kind):
    """Return the sum over all voxels, and turn `uq` into its gradient divided by q.

    Parameters
    ----------
    f, uq : ndarray of shape (B, C, Z, Y X)
        Memberships, and these to the power q; two arrays, contiguous.
    y : ndarray of shape (B, D, Z, Y X)
    v : ndarray of shape (B, C, D)
    n_x : int
        X, the length of a row.
    whole : bool
        All neighbours, or those that share a face.
    kind : int
        0: no gradient; 1: with respect to f, for q > 1; 2: to the logits.
    """
    n_batch, n_classes, n_z, plane_size = f.shape
    number = f.dtype.type
    step = max(1, _CHUNK // n_x) * n_x
    width = n_x + 2
    # Framed planes of z - 1, z and z + 1 in turns, and one of zeros for outside the image.
    others = np.zeros((min(3, n_z), n_classes, (plane_size // n_x + 2) * width), f.dtype)
    zeros = np.zeros(others.shape[2], f.dtype)
    costs = np.empty((n_classes, step), f.dtype)
    nears, sums = np.empty(step, f.dtype), np.empty(step, f.dtype)
    scratch = np.empty((2, (step // n_x + 2) * width), f.dtype)
    value = 0.0
    for b in range(n_batch):
        if beta:
            _fill_others(uq, b, 0, n_x, step, sums, others)
        for z in range(n_z):
            if beta and z + 1 < n_z:  # the next plane, before this one is overwritten
                _fill_others(uq, b, z + 1, n_x, step, sums, others)
            for start in range(0, plane_size, step):
                stop = min(start + step, plane_size)
                near, summed = nears[: stop - start], sums[: stop - start]
                for k in range(n_classes):
                    u, cost = uq[b, k, z, start:stop], costs[k, : stop - start]
                    _distance(y[b, 0, z, start:stop], v[b, k, 0], cost)
                    for d in range(1, y.shape[1]):
                        _add_distance(y[b, d, z, start:stop], v[b, k, d], cost)
                    if beta:
                        row = start // n_x * width
                        before = others[(z - 1) % 3, k, row:] if z else zeros[row:]
                        after = others[(z + 1) % 3, k, row:] if z + 1 < n_z else zeros[row:]
                        here = others[z % 3, k, row:]
                        _neighbours(before, here, after, n_x, whole, scratch, near)
                        spatial = _weigh_with_neighbours(
                            u, near, number(2 * beta), cost, summed, k == 0
                        )
                        value -= beta * spatial  # the gradient has it twice, the value once
                    else:
                        _weigh(u, cost, summed, k == 0)
                value += _sum(summed)
                for k in range(n_classes):
                    u, fk = uq[b, k, z, start:stop], f[b, k, z, start:stop]
                    if kind == 1:
                        _over_membership(costs[k, : stop - start], fk, u)
                    elif kind == 2:
                        _through_softmax(costs[k, : stop - start], fk, summed, u)
    return value


@_jit
def _sum_of_products(a, b):
    total = a.dtype.type(0)
    for i in range(a.size):
        total += a[i] * b[i]
    return float(total)


@_jit
def weights_and_moments(uq, y, out):
    """Write sum_j u_jk^q and sum_j u_jk^q y_j, eq. (6), into `out` of shape (B, C, 1 + D).

    Parameters
    ----------
    uq : ndarray of shape (B, C, V), contiguous
    y : ndarray of shape (B, D, V), contiguous
    """
    for b in range(uq.shape[0]):
        for k in range(uq.shape[1]):
            for start in range(0, uq.shape[2], _CHUNK):
                stop = min(start + _CHUNK, uq.shape[2])
                u = uq[b, k, start:stop]
                out[b, k, 0] += _sum(u)
                for d in range(y.shape[1]):
                    out[b, k, d + 1] += _sum_of_products(u, y[b, d, start:stop])


@_jit
def _weigh_wrong(classes, k, uq, summed):
    """Keep u^q where another class than k is right; -1, no label, is no class."""
    for i in range(uq.size):
        wrong = (classes[i] >= 0) & (classes[i] != k)
        uq[i] = uq[i] if wrong else uq.dtype.type(0)
        summed[i] += uq[i]


@_jit
def _subtract_product(f, summed, out):
    for i in range(out.size):
        out[i] -= f[i] * summed[i]


@_jit
def _divide(f, out):
    for i in range(out.size):
        out[i] = out[i] / f[i] if f[i] > 0 else 0


@_jit
def fcm_label(f, uq, classes, kind):
    """Return the sum over all voxels and classes, and turn `uq` into its gradient divided by q.

    Parameters
    ----------
    f, uq : ndarray of shape (B, C, V)
        Memberships, and these to the power q; two arrays, contiguous.
    classes : ndarray of shape (B, 1, V)
        The right class, -1 where there is no label, in the type of f.
    kind : int
        As in `rfcm`.
    """
    number = f.dtype.type
    sums = np.empty(_CHUNK, f.dtype)
    value = 0.0
    for b in range(f.shape[0]):
        for start in range(0, f.shape[2], _CHUNK):
            stop = min(start + _CHUNK, f.shape[2])
            summed = sums[: stop - start]
            summed[:] = 0
            for k in range(f.shape[1]):
                _weigh_wrong(classes[b, 0, start:stop], number(k), uq[b, k, start:stop], summed)
            value += _sum(summed)
            for k in range(f.shape[1]):
                u, fk = uq[b, k, start:stop], f[b, k, start:stop]
                if kind == 1:
                    _divide(fk, u)
                elif kind == 2:
                    _subtract_product(fk, summed, u)
    return value
