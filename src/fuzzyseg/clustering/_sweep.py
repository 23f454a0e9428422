"""One fused numba kernel for the whole family: local distances, neighbours, a kernel function.

`sweep` does one iteration of any method that `fuzzyseg.clustering.rule.Rule` can describe:

1. costs: squared distances to the centres, or 1 - K with a Gaussian kernel K, plus a map;
2. plus a weighted sum over each voxel's neighbours of a field, made of previous memberships;
3. memberships by eq. (5), or typicalities; where asked, spread over a window;
4. the sums that give the next centres, and the objective.

Methods differ in numbers only: all share the machine code, compiled once for each precision at
first use and cached on disk. Which loops run is decided once a block of voxels, never inside a
loop, so each loop is short, has few arrays and vectorises.

A plane is a line of P = Y * X numbers. Planes of fields have a margin of one row and one voxel
at both ends, which stay 0: neighbours in rows and planes are at fixed distances, and only row
ends need care.

It stays in one file: numba's cache of a kernel does not notice changes in other files.
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
# Used once: put into the caller's code before it is compiled, rather than compiled twice.
_INLINE: Any = {**_OPTIONS, "inline": "always"}
_IN_ORDER: Any = {**_OPTIONS, "fastmath": {"contract", "nsz"}}
_BLOCK = 2048  # voxels worked on together, in whole rows: their lines fit the caches
_TINY = 1e-30  # smallest cost, as in fuzzy.memberships
OTHERS, DOUBT, ERROR = 1, 2, 3  # fields: what neighbours have in other classes, ...


@njit(**_OPTIONS)
def _power(line, q, out):
    """Write line^q to out."""
    if q == 1:
        for j in range(out.size):
            out[j] = line[j]
    elif q == 2:
        for j in range(out.size):
            out[j] = line[j] * line[j]
    else:
        exponent = line.dtype.type(q)
        for j in range(out.size):
            out[j] = line[j] ** exponent


@njit(**_IN_ORDER)
def _decay(line, rate, out):
    """Write exp(-rate * line) to out, line >= 0; to 2e-11, by a polynomial that vectorises."""
    shift = 6755399441055744.0  # 1.5 * 2^52: adding it rounds to an integer, in the low bits
    for j in range(out.size):
        x = max(-rate * np.float64(line[j]), -700.0)
        t = x * 1.4426950408889634 + shift
        whole = t - shift
        r = x - whole * 0.693147180369123816490 - whole * 1.90821492927058770002e-10
        p = 1.0 / 40320
        p = p * r + 1.0 / 5040
        p = p * r + 1.0 / 720
        p = p * r + 1.0 / 120
        p = p * r + 1.0 / 24
        p = p * r + 1.0 / 6
        p = p * r + 0.5
        p = p * r + 1.0
        p = p * r + 1.0
        bits = np.float64(p).view(np.int64) + (np.float64(t).view(np.int64) << 52)
        out[j] = np.int64(bits).view(np.float64)


@njit(**_OPTIONS)
def _distances(y, first, centre, rate, kernel, out):
    """Write |y - v|^2 of voxels from `first` on to out; with rate > 0: K to kernel, 1 - K to out.

    K = exp(-rate |y - v|^2).
    """
    number = out.dtype.type
    for d in range(centre.size):
        values = y[d, first : first + out.size]
        c = number(centre[d])
        if d == 0:
            for j in range(out.size):
                out[j] = (values[j] - c) * (values[j] - c)
        else:
            for j in range(out.size):
                out[j] += (values[j] - c) * (values[j] - c)
    if rate > 0:
        _decay(out, rate, kernel)
        for j in range(out.size):
            out[j] = number(1) - kernel[j]


@njit(**_OPTIONS)
def _costs(y, first, n, v, rate, base, slope, extra, kernel, cost):
    """Costs without neighbours of n voxels, to cost (C, n): distances, plus base + slope * map."""
    number = cost.dtype.type
    for k in range(v.shape[0]):
        line = cost[k, :n]
        _distances(y, first, v[k], rate, kernel[k, :n], line)
        if extra.size:
            a, b, values = number(base[k]), number(slope[k]), extra[first : first + n]
            for j in range(n):
                line[j] += a + b * values[j]


@njit(**_IN_ORDER)
def _memberships(cost, n, q, eta, total, u):
    """Memberships (C, n) of costs (C, n) by eq. (5), or, with eta (C,), typicalities."""
    number = cost.dtype.type
    exponent = number(1 / (q - 1) if q > 1 else 1)
    tiny, one = number(_TINY), number(1)
    if eta.size:
        for k in range(cost.shape[0]):
            c, new, scale = cost[k, :n], u[k, :n], number(eta[k])
            if q == 2:
                for j in range(n):
                    new[j] = scale / (scale + c[j])
            else:
                for j in range(n):
                    new[j] = one / (one + (c[j] / scale) ** exponent)
        return
    for j in range(n):
        total[j] = number(0)
    if q == 2:
        for k in range(cost.shape[0]):
            c, new = cost[k, :n], u[k, :n]
            for j in range(n):
                new[j] = one / (c[j] + tiny)
                total[j] += new[j]
    else:
        lowest = u[0, :n]
        for j in range(n):
            lowest[j] = cost[0, j]
        for k in range(1, cost.shape[0]):
            c = cost[k, :n]
            for j in range(n):
                lowest[j] = min(lowest[j], c[j])
        for k in range(cost.shape[0] - 1, -1, -1):  # the first line, which is `lowest`, last
            c, new = cost[k, :n], u[k, :n]
            if q == 1:
                for j in range(n):
                    new[j] = one if c[j] <= lowest[j] else number(0)
                    total[j] += new[j]
            else:
                for j in range(n):
                    new[j] = ((lowest[j] + tiny) / (c[j] + tiny)) ** exponent
                    total[j] += new[j]
    for j in range(n):
        total[j] = one / total[j]
    for k in range(cost.shape[0]):
        new = u[k, :n]
        for j in range(n):
            new[j] *= total[j]


@njit(**_OPTIONS)
def _keep_inside(inside, first, n, lines):
    """Multiply lines (C, n) by the mask, if there is one."""
    if inside.size:
        keep = inside[first : first + n]
        for k in range(lines.shape[0]):
            line = lines[k, :n]
            for j in range(n):
                line[j] *= keep[j]


@njit(**_INLINE)
def _field(near, u, plane, y, z, inside, v, q, rate, width, line, kernel, out):
    """Write a field of plane z to out (C, P + 2 width + 2), from `u[:, plane]`, inside its margin.

    OTHERS: sum_{m != k} u_m^q; DOUBT: (1 - u_k)^q; ERROR: that times |y - v_k|^2.
    """
    number = out.dtype.type
    n_classes, size, margin = u.shape[0], u.shape[2], width + 1
    for first in range(0, size, _BLOCK):
        n = min(_BLOCK, size - first)
        total = line[0, :n]
        if near == OTHERS:
            for j in range(n):
                total[j] = number(0)
        for k in range(n_classes):
            old = u[k, plane, first : first + n]
            new = out[k, margin + first : margin + first + n]
            if near == OTHERS:
                _power(old, q, new)
                for j in range(n):
                    total[j] += new[j]
            else:
                rest = line[1, :n]
                for j in range(n):
                    rest[j] = number(1) - old[j]
                _power(rest, q, new)
                if near == ERROR:
                    _distances(y, z * size + first, v[k], rate, kernel[0, :n], rest)
                    for j in range(n):
                        new[j] *= rest[j]
        if near == OTHERS:
            for k in range(n_classes):
                new = out[k, margin + first : margin + first + n]
                for j in range(n):
                    new[j] = total[j] - new[j]
        else:
            _keep_inside(inside, z * size + first, n, out[:, margin + first :])


@njit(**_INLINE)
def _neighbours(lower, here, upper, weights, width, line, out):
    """Weighted sum of a field over the neighbours of out.size voxels, in whole rows.

    Parameters
    ----------
    lower, here, upper : ndarray of shape (n + 2 width + 2,)
        Of three planes, from a row and a voxel before the first voxel on.
    weights : tuple of three numbers
        Of neighbours one, two and three steps away along the axes.
    line : ndarray of shape (2, >= n + 2 width + 2)
        Scratch.
    """
    one, two, three = weights
    n, x, y = out.size, 1, width
    near, far = line[0, : here.size], line[1, : here.size]  # weights of steps within the plane
    for j in range(here.size):
        outer = lower[j] + upper[j]
        near[j] = one * here[j] + two * outer
        far[j] = two * here[j] + three * outer
    below, above = lower[y + x :], upper[y + x :]
    n0, n1, n2, n3 = near[x:], near[y:], near[y + x + x :], near[y + y + x :]
    f0, f1, f2, f3 = far, far[x + x :], far[y + y :], far[y + y + x + x :]
    for j in range(n):
        out[j] = one * (below[j] + above[j]) + n0[j] + n1[j] + n2[j] + n3[j]
    for j in range(n):
        out[j] += f0[j] + f1[j] + f2[j] + f3[j]
    for start in range(0, n, width):  # at row ends, voxels beyond are of the next row
        for end in range(2):
            j = start if end == 0 else start + width - 1
            out[j] = one * (below[j] + above[j]) + n0[j] + n3[j]
            if end == 1 and width > 1:  # the last one: its row's neighbour before it
                out[j] += n1[j] + f0[j] + f2[j]
            if end == 0 and width > 1:
                out[j] += n2[j] + f1[j] + f3[j]


@njit(**_INLINE)
def _window(plane, radius, width, row, column, out):
    """Sum of a plane (P,) over (2 radius + 1)^2 voxels around each, to out (P,)."""
    number = out.dtype.type
    height = plane.size // width
    row[:] = 0
    for i in range(height):
        target = row[radius : radius + width]
        for j in range(width):
            target[j] = number(0)
        for k in range(max(0, i - radius), min(height, i + radius + 1)):
            source = plane[k * width : (k + 1) * width]
            for j in range(width):
                target[j] += source[j]
        sums = column[:width]
        for j in range(width):
            sums[j] = number(0)
        for d in range(2 * radius + 1):
            shifted = row[d : d + width]
            for j in range(width):
                sums[j] += shifted[j]
        final = out[i * width : (i + 1) * width]
        for j in range(width):
            final[j] = sums[j]


@njit(**_INLINE)
def _spread(u, sums, n, p, s, total, line):
    """u^p h^s, normalised over the classes, to u (C, n), from u and h = sums (C, n)."""
    number = u.dtype.type
    for j in range(n):
        total[j] = number(0)
    for k in range(u.shape[0]):
        new, h = u[k, :n], sums[k, :n]
        power = line[:n]
        if p == 0:
            for j in range(n):
                new[j] = number(1)
        elif p != 1:
            _power(new, p, power)
            for j in range(n):
                new[j] = power[j]
        if s == 1:
            for j in range(n):
                new[j] *= h[j]
        elif s != 0:
            _power(h, s, power)
            for j in range(n):
                new[j] *= power[j]
        for j in range(n):
            total[j] += new[j]
    for j in range(n):
        total[j] = number(1) / (total[j] + number(_TINY))
    for k in range(u.shape[0]):
        new = u[k, :n]
        for j in range(n):
            new[j] *= total[j]


@njit(**_OPTIONS)
def _dot(a, b):
    """Sum of products, in the arrays' precision: of a block at most."""
    total = a.dtype.type(0)
    for j in range(a.size):
        total += a[j] * b[j]
    return total


@njit(**_OPTIONS)
def sweep(
    y, u, inside, v, q, rate, base, slope, extra, eta, near, weights, twice, radius, p, s,
    shape, below, above, start, stop, update, store,
):  # fmt: skip
    """One iteration of a rule over planes start..stop.

    Every voxel sees its neighbours' memberships of the previous iteration: a ring of planes
    keeps their field after u is overwritten.

    Parameters
    ----------
    y : ndarray of shape (D, Z * P)
    u : ndarray of shape (C, Z, P)
        Memberships of the previous iteration; overwritten by the new ones if `store`.
    inside : ndarray of shape (Z * P,), or (0,) for no mask
        1 within the mask; where 0, memberships in every class become 0.
    v : float64 ndarray of shape (C, D)
    q, rate : float
        Fuzzy exponent; 1 / sigma^2 of the kernel, 0 for squared distances.
    base, slope : float64 ndarray of shape (C,)
    extra : ndarray of shape (Z * P,), or (0,)
        Costs are raised by base + slope * extra.
    eta : float64 ndarray of shape (C,), or (0,) for memberships
    near : int
        Field of the neighbours, 0 for none.
    weights : tuple of three numbers of y's dtype
        Of neighbours one, two and three steps away; in the objective. Costs have `twice` that.
    radius : int
        Of the window that memberships are spread over; 0 for none.
    p, s : float
        Exponents of memberships and of their sum over the window.
    shape : tuple of int
        (Z, Y, X).
    below, above : ndarray of shape (C, 1, P)
        Previous memberships of planes start - 1 and stop, where there are such.
    update : bool
        False only evaluates the objective.

    Returns
    -------
    float64 ndarray of shape (C, D + 2)
        Columns: sum of w y_d for each channel and of w, with w = u^q (times K) of the new u;
        and the objective: with neighbours that of the previous u, else that of the new one.
    """
    number = u.dtype.type
    n_classes, n_channels = v.shape
    depth, width = shape[0], shape[2]
    size = shape[1] * width
    rows = max(_BLOCK // width, 1) * width
    sums = np.zeros((n_classes, n_channels + 2))
    length = max(rows, _BLOCK) + 2 * width + 2
    cost = np.empty((n_classes, length), u.dtype)
    kernel = np.empty((n_classes, length), u.dtype)
    fresh = np.empty((n_classes, length), u.dtype)
    line = np.empty((2, length), u.dtype)
    beside = np.empty(length, u.dtype)
    total = np.empty(length, u.dtype)
    margin = 2 * width + 2
    ring = np.zeros((3 if near else 1, n_classes, size + margin if near else 1), u.dtype)
    reach = radius if radius else 0
    depth_of_window = 2 * reach + 1
    heaps = np.zeros((depth_of_window, n_classes, size if reach else 1), u.dtype)
    flat = np.empty((n_classes, size if reach else 1), u.dtype)
    row = np.empty(width + 2 * reach, u.dtype)
    window = np.empty((n_classes, length), u.dtype)
    ahead = 1 if near else reach
    for z in range(start - 2 * ahead, stop):  # the first rounds only fill rings
        entering = z + ahead
        if near:
            target, source, plane = ring[entering % 3], u, entering
            if entering < start:
                source, plane = below, 0
            elif entering == stop:
                source, plane = above, 0
            if entering < 0 or entering >= depth:
                target[:] = 0
            else:
                _field(
                    near, source, plane, y, entering, inside, v, q, rate, width, line, kernel,
                    target,
                )  # fmt: skip
        if reach:
            heap = heaps[entering % depth_of_window]
            if entering < 0 or entering >= depth:
                heap[:] = 0
            else:
                for first in range(0, size, rows):
                    n = min(rows, size - first)
                    voxel = entering * size + first
                    _costs(y, voxel, n, v, rate, base, slope, extra, kernel, cost)
                    _memberships(cost, n, q, eta, total, fresh)
                    _keep_inside(inside, voxel, n, fresh)
                    for k in range(n_classes):
                        source, copy = fresh[k, :n], flat[k, first : first + n]
                        for j in range(n):
                            copy[j] = source[j]
                for k in range(n_classes):
                    _window(flat[k], reach, width, row, beside, heap[k])
        if z < start:
            continue
        for first in range(0, size, rows):
            n = min(rows, size - first)
            voxel = z * size + first
            _costs(y, voxel, n, v, rate, base, slope, extra, kernel, cost)
            if near:
                end = first + n + margin
                for k in range(n_classes):
                    neighbours = beside[:n]
                    _neighbours(
                        ring[(z + 2) % 3, k, first:end],
                        ring[z % 3, k, first:end],
                        ring[(z + 1) % 3, k, first:end],
                        weights,
                        width,
                        line,
                        neighbours,
                    )
                    c, old = cost[k, :n], total[:n]
                    _power(u[k, z, first : first + n], q, old)
                    sums[k, n_channels + 1] += _dot(old, c) + _dot(old, neighbours)
                    factor = number(twice)
                    for j in range(n):
                        c[j] += factor * neighbours[j]
                if not update:
                    continue
            _memberships(cost, n, q, eta, total, fresh)
            if reach:
                for k in range(n_classes):
                    h = window[k, :n]
                    for j in range(n):
                        h[j] = number(0)
                    for d in range(depth_of_window):
                        heap_line = heaps[d, k, first : first + n]
                        for j in range(n):
                            h[j] += heap_line[j]
                _spread(fresh, window, n, p, s, total, beside)
            _keep_inside(inside, voxel, n, fresh)
            for k in range(n_classes):
                new, w, c = fresh[k, :n], total[:n], cost[k, :n]
                if store:
                    kept = u[k, z, first : first + n]
                    for j in range(n):
                        kept[j] = new[j]
                _power(new, q, w)
                if not near:
                    sums[k, n_channels + 1] += _dot(w, c)
                if eta.size:  # of voxels within the mask only
                    rest, power = line[0, :n], line[1, :n]
                    for j in range(n):
                        rest[j] = number(1) - new[j]
                    _power(rest, q, power)
                    if inside.size:
                        sums[k, n_channels + 1] += eta[k] * _dot(power, inside[voxel : voxel + n])
                    else:
                        amount = number(0)
                        for j in range(n):
                            amount += power[j]
                        sums[k, n_channels + 1] += eta[k] * amount
                if rate > 0:
                    w_k = kernel[k, :n]
                    for j in range(n):
                        w[j] *= w_k[j]
                for d in range(n_channels):
                    sums[k, d] += _dot(w, y[d, voxel : voxel + n])
                weight = number(0)
                for j in range(n):
                    weight += w[j]
                sums[k, n_channels] += weight
    return sums
