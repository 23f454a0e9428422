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

from fuzzyseg.compiled import njit

_OPTIONS: Any = {
    "cache": True,
    "nogil": True,
    "fastmath": {"reassoc", "contract", "nsz"},
    "error_model": "numpy",
}
# Used once: put into the caller's code before it is compiled, rather than compiled twice.
_INLINE: Any = {**_OPTIONS, "inline": "always"}
_IN_ORDER: Any = {**_OPTIONS, "fastmath": {"contract", "nsz"}}
_BLOCK = 2048  # voxels worked on together, in whole rows: their lines fit the innermost cache
_ROWS = 8  # at least, where neighbours count: two more are read on either side
_APART = 64  # numbers between lines: at powers of two they would share cache sets
_TINY = 1e-30  # smallest cost, as in fuzzy.memberships
FIELDS = {"none": 0, "doubt": 1, "error": 2}  # what is summed over neighbours, as in `Rule`
_ERROR = 2


@njit(**_OPTIONS)
def _power(x, q):
    """x^q; the compiler takes the choice out of the loop around it."""
    if q == 2:
        return x * x
    if q == 1:
        return x
    return x**q


@njit(**_IN_ORDER)
def _single_kernel(line, rate, kernel):
    """`_gaussian_kernel` in float32: 1 - K to 2e-7 of itself."""
    shift = np.float32(12582912)  # 1.5 * 2^23: adding it rounds to an integer, in the low bits
    minus, one = np.float32(-rate), np.float32(1)
    for j in range(line.size):
        x = max(minus * np.float32(line[j]), np.float32(-87))
        t = x * np.float32(1.44269504) + shift
        n = t - shift
        r = x - n * np.float32(0.69314718)
        p = np.float32(1 / 5040)
        p = p * r + np.float32(1 / 720)
        p = p * r + np.float32(1 / 120)
        p = p * r + np.float32(1 / 24)
        p = p * r + np.float32(1 / 6)
        p = p * r + np.float32(1 / 2)
        p = p * r * r + r
        bits = (np.float32(t).view(np.int32) << 23) + 0x3F800000
        two_to_n = np.int32(bits).view(np.float32)
        kernel[j] = two_to_n + two_to_n * p
        line[j] = (one - two_to_n) - two_to_n * p


@njit(**_IN_ORDER)
def _double_kernel(line, rate, kernel):
    """`_gaussian_kernel` in float64: 1 - K to 1e-14 of itself."""
    shift = 6755399441055744.0  # 1.5 * 2^52
    for j in range(line.size):
        x = max(-rate * np.float64(line[j]), -700.0)
        t = x * 1.4426950408889634 + shift
        n = t - shift
        r = x - n * 0.693147180369123816490 - n * 1.90821492927058770002e-10
        p = 1 / 479001600
        p = p * r + 1 / 39916800
        p = p * r + 1 / 3628800
        p = p * r + 1 / 362880
        p = p * r + 1 / 40320
        p = p * r + 1 / 5040
        p = p * r + 1 / 720
        p = p * r + 1 / 120
        p = p * r + 1 / 24
        p = p * r + 1 / 6
        p = p * r + 1 / 2
        p = p * r * r + r
        bits = (np.float64(t).view(np.int64) << 52) + 0x3FF0000000000000
        two_to_n = np.int64(bits).view(np.float64)
        kernel[j] = two_to_n + two_to_n * p
        line[j] = (1.0 - two_to_n) - two_to_n * p


@njit(**_OPTIONS)
def _gaussian_kernel(line, rate, kernel):
    """Write K = exp(-rate d) of distances d in a line to kernel, and 1 - K over them.

    exp(x) = 2^n exp(r), n whole and |r| <= log(2) / 2. A polynomial gives exp(r) - 1, so that
    1 - K keeps its digits where K is nearly 1.
    """
    if line.itemsize == 4:
        _single_kernel(line, rate, kernel)
    else:
        _double_kernel(line, rate, kernel)


@njit(**_OPTIONS)
def _distances(y, first, centre, base, slope, extra, out):
    """Write |y - v|^2 of voxels from `first` on to out; and base + slope * map, if there is one."""
    number = out.dtype.type
    for d in range(centre.size):
        values, c = y[d, first : first + out.size], number(centre[d])
        if d > 0:
            for j in range(out.size):
                out[j] += (values[j] - c) * (values[j] - c)
        elif extra.size:
            a, b, add = number(base), number(slope), extra[first : first + out.size]
            for j in range(out.size):
                out[j] = (values[j] - c) * (values[j] - c) + (a + b * add[j])
        else:
            for j in range(out.size):
                out[j] = (values[j] - c) * (values[j] - c)


@njit(**_OPTIONS)
def _costs(y, first, n, v, rate, base, slope, extra, kernel, cost):
    """Costs without neighbours of n voxels, to cost (C, n); with rate > 0, K to kernel (C, n)."""
    for k in range(v.shape[0]):
        a, b = (base[k], slope[k]) if extra.size else (0.0, 0.0)
        _distances(y, first, v[k], a, b, extra, cost[k, :n])
        if rate > 0:
            _gaussian_kernel(cost[k, :n], rate, kernel[k, :n])


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


@njit(**_OPTIONS)
def _doubt(old, q, out):
    """(1 - u)^q of one class."""
    one, exponent = out.dtype.type(1), out.dtype.type(q)
    for j in range(out.size):
        out[j] = _power(one - old[j], exponent)


@njit(**_OPTIONS)
def _error(old, away, q, out):
    """(1 - u)^q times the distance of one class."""
    one, exponent = out.dtype.type(1), out.dtype.type(q)
    for j in range(out.size):
        out[j] = _power(one - old[j], exponent) * away[j]


@njit(**_INLINE)
def _field(near, u, plane, y, first, inside, v, q, line, out):
    """Write a field to out (C, P + margins), from `u[:, plane]`, whose voxels are `first` and on.

    "doubt": (1 - u_k)^q; "error": that times |y - v_k|^2.
    """
    size, margin = u.shape[2], (out.shape[1] - u.shape[2]) // 2
    for start in range(0, size, _BLOCK):
        n = min(_BLOCK, size - start)
        block = out[:, margin + start : margin + start + n]
        for k in range(u.shape[0]):
            old = u[k, plane, start : start + n]
            if near == _ERROR:
                away = line[:n]
                _distances(y, first + start, v[k], 0.0, 0.0, inside[:0], away)
                _error(old, away, q, block[k])
            else:
                _doubt(old, q, block[k])
        _keep_inside(inside, first + start, n, block)


@njit(**_OPTIONS)
def _neighbours(lower, here, upper, weights, width, near, far, out):
    """Weighted sum of a field over the neighbours of out.size voxels, in whole rows.

    Parameters
    ----------
    lower, here, upper : ndarray of shape (n + 2 width + 2,)
        Of three planes, from a row and a voxel before the first voxel on.
    weights : tuple of three numbers
        Of neighbours one, two and three steps away along the axes.
    near, far : ndarray of shape (n + 2 width + 2,)
        Scratch.
    """
    one, two, three = weights
    n, x, y = out.size, 1, width
    for j in range(here.size):  # weights of steps within the plane
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


@njit(**_OPTIONS)
def _add_neighbours(old, near, twice, q, cost):
    """Add the neighbours' sums to the costs of one class; return the objective of the old u."""
    number = cost.dtype.type
    factor, exponent, objective = number(twice), number(q), number(0)
    for j in range(cost.size):
        objective += _power(old[j], exponent) * (cost[j] + near[j])
        cost[j] += factor * near[j]
    return objective


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


@njit(**_OPTIONS)
def _raise(line, exponent):
    """Take a line to a power, in place."""
    number = line.dtype.type(exponent)
    if exponent == 0:
        line[:] = 1
    elif exponent != 1:
        for j in range(line.size):
            line[j] = _power(line[j], number)


@njit(**_OPTIONS)
def _spread(u, sums, n, p, s, total):
    """u^p h^s, normalised over the classes, to u (C, n), from u and h = sums (C, n)."""
    one, tiny = u.dtype.type(1), u.dtype.type(_TINY)
    for j in range(n):
        total[j] = tiny
    for k in range(u.shape[0]):
        new, h = u[k, :n], sums[k, :n]
        _raise(new, p)
        _raise(h, s)
        for j in range(n):
            new[j] *= h[j]
            total[j] += new[j]
    for j in range(n):
        total[j] = one / total[j]
    for k in range(u.shape[0]):
        new = u[k, :n]
        for j in range(n):
            new[j] *= total[j]


@njit(**_OPTIONS)
def _add_sums(new, cost, kernel, y, first, q, w, sums):
    """Add to sums (D + 1,) those of one class; return sum u^q cost. w (n,) becomes the weights."""
    number = w.dtype.type
    exponent, objective, total, moment = number(q), number(0), number(0), number(0)
    values = y[0, first : first + w.size]
    if kernel.size:
        for j in range(w.size):
            uq = _power(new[j], exponent)
            w[j] = uq * kernel[j]
            objective += uq * cost[j]
            total += w[j]
            moment += w[j] * values[j]
    else:
        for j in range(w.size):
            w[j] = _power(new[j], exponent)
            objective += w[j] * cost[j]
            total += w[j]
            moment += w[j] * values[j]
    sums[0] += moment
    for d in range(1, y.shape[0]):
        values, moment = y[d, first : first + w.size], number(0)
        for j in range(w.size):
            moment += w[j] * values[j]
        sums[d] += moment
    sums[y.shape[0]] += total
    return objective


@njit(**_OPTIONS)
def _untypical(new, inside, first, q):
    """Sum (1 - u)^q of one class over the voxels within the mask."""
    number = new.dtype.type
    one, exponent, total = number(1), number(q), number(0)
    if inside.size:
        keep = inside[first : first + new.size]
        for j in range(new.size):
            total += keep[j] * _power(one - new[j], exponent)
    else:
        for j in range(new.size):
            total += _power(one - new[j], exponent)
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
        Field of the neighbours, of `FIELDS`.
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
    n_classes, n_channels = v.shape
    depth, width = shape[0], shape[2]
    size = shape[1] * width
    rows = max(_BLOCK // width, _ROWS if near else 1) * width
    sums = np.zeros((n_classes, n_channels + 2))
    length = max(rows, _BLOCK) + 2 * width + 2 + _APART
    lines = np.empty((4 * n_classes + 4, length), u.dtype)
    cost, fresh = lines[:n_classes], lines[n_classes : 2 * n_classes]
    kernel, window = lines[2 * n_classes : 3 * n_classes], lines[3 * n_classes : 4 * n_classes]
    total, beside, one_line, other_line = lines[-4], lines[-3], lines[-2], lines[-1]
    margin = 2 * width + 2
    ring = np.zeros((3 if near else 1, n_classes, size + margin if near else 1), u.dtype)
    reach = radius if radius else 0
    depth_of_window = 2 * reach + 1
    heaps = np.zeros((depth_of_window, n_classes, size if reach else 1), u.dtype)
    flat = np.empty((n_classes, size if reach else 1), u.dtype)
    row = np.empty(width + 2 * reach, u.dtype)
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
                first = entering * size
                _field(near, source, plane, y, first, inside, v, q, one_line, target)
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
                        one_line,
                        other_line,
                        neighbours,
                    )
                    sums[k, n_channels + 1] += _add_neighbours(
                        u[k, z, first : first + n], neighbours, twice, q, cost[k, :n]
                    )
                if not update:
                    continue
            _memberships(cost, n, q, eta, total, fresh)
            if reach:
                for k in range(n_classes):
                    h = window[k, :n]
                    for j in range(n):
                        h[j] = 0
                    for d in range(depth_of_window):
                        heap_line = heaps[d, k, first : first + n]
                        for j in range(n):
                            h[j] += heap_line[j]
                _spread(fresh, window, n, p, s, total)
            _keep_inside(inside, voxel, n, fresh)
            for k in range(n_classes):
                new = fresh[k, :n]
                if store:
                    kept = u[k, z, first : first + n]
                    for j in range(n):
                        kept[j] = new[j]
                shares = kernel[k, : n if rate > 0 else 0]
                objective = _add_sums(new, cost[k], shares, y, voxel, q, total[:n], sums[k])
                if not near:
                    sums[k, n_channels + 1] += objective
                if eta.size:
                    sums[k, n_channels + 1] += eta[k] * _untypical(new, inside, voxel, q)
    return sums
