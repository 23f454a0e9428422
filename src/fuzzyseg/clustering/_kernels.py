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

They stay in one file: numba's cache of a kernel does not notice changes in other files.

Sums run in the image's dtype inside a block and in float64 between blocks. Only `reassoc`,
`contract` and `nsz` are relaxed: enough to vectorise sums, and no flag that changes the state
of the process.
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
# Reassociation would turn one reciprocal a voxel into a division a class.
_IN_ORDER: Any = {**_OPTIONS, "fastmath": {"contract", "nsz"}}
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


@njit(**_IN_ORDER)
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
        values = y[0, first : first + n]
        total, moment = number(0), number(0)
        if weight.size:
            w = weight[first : first + n]
            for j in range(n):
                line[j] = _power(line[j], q, kind) * w[j]
                total += line[j]
                moment += line[j] * values[j]
        else:
            for j in range(n):
                line[j] = _power(line[j], q, kind)
                total += line[j]
                moment += line[j] * values[j]
        sums[k, n_channels] += total
        sums[k, 0] += moment
        for d in range(1, n_channels):
            values = y[d, first : first + n]
            moment = number(0)
            for j in range(n):
                moment += line[j] * values[j]
            sums[k, d] += moment


@njit(**_OPTIONS)
def fcm(y, weight, classes, v, q, kind, tol, max_iter, move, u_out):
    """Fuzzy c-means: alternate eqs. (5) and (6) until no centre moves more than `tol`.

    Parameters
    ----------
    y : ndarray of shape (D, N)
    weight : ndarray of shape (N,), or (0,) for weights of 1
    classes, kind : tuple
        See the module's docstring.
    v : float64 ndarray of shape (C, D)
        Start centres; overwritten by the last ones. One of a class without any membership stays.
    q : float
    tol : float64 ndarray of shape (D,)
    max_iter : int
    move : bool
        False leaves the centres as they are, and so takes one iteration.
    u_out : ndarray of shape (C, N) to write memberships to, or (C, 0) to keep none

    Returns
    -------
    float64 ndarray of shape (n_iter,)
        The objective at each iteration's memberships, before its centres move.
    bool
        The tolerance was met.
    """
    n_classes, n_channels = v.shape
    number = y.dtype.type
    history = np.empty(max_iter)
    sums = np.empty((n_classes, n_channels + 1))
    lines = np.empty(2 * n_classes * _LINE, y.dtype)
    for i in range(max_iter):
        sums[:] = 0
        history[i] = 0
        for first in range(0, y.shape[1], _BLOCK):
            n = min(_BLOCK, y.shape[1] - first)
            _distances(y, first, v, lines, classes, n)
            _memberships(lines, classes, n, q, kind)
            if u_out.shape[1]:
                for k in range(n_classes):
                    _copy(lines[k * _LINE :], u_out[k, first : first + n])
            _add_sums(sums, y, first, weight, lines, classes, n, q, kind)
            for k in range(n_classes):
                uq = lines[k * _LINE : k * _LINE + n]
                cost = lines[(n_classes + k) * _LINE : (n_classes + k) * _LINE + n]
                total = number(0)
                for j in range(n):
                    total += uq[j] * cost[j]
                history[i] += total
        at_rest = True
        for k in range(n_classes):
            for d in range(n_channels):
                if move and sums[k, n_channels] > 0:
                    centre = sums[k, d] / sums[k, n_channels]
                    at_rest = at_rest and abs(centre - v[k, d]) <= tol[d]
                    v[k, d] = centre
        if at_rest:
            return history[: i + 1], True
    return history, False


@njit(**_OPTIONS)
def harden(u, classes, labels):
    """Write to labels (N,) the class of the largest membership in u (C, N); ties: the lower."""
    lines = np.empty(len(classes) * _LINE, u.dtype)
    for first in range(0, labels.size, _BLOCK):
        n = min(_BLOCK, labels.size - first)
        for k in range(len(classes)):
            _copy(u[k, first : first + n], lines[k * _LINE : k * _LINE + n])
        line = labels[first : first + n]
        for j in range(n):
            best = lines[_at(0, j)]
            label = np.int8(0)
            for k in range(1, len(classes)):
                u_k = lines[_at(k, j)]
                label = np.int8(k) if u_k > best else label
                best = max(u_k, best)
            line[j] = label


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
def _others(u, z, classes, q, kind, corners, width, lines, out):
    """For plane z of u (C, Z, P), S - u_k^q of each class and S, the sum over all classes.

    To out (C + 1, P + 2 width), whose first and last row stay empty. With corners: the sum of
    S - u_k^q over each voxel and its neighbours in the row. `lines` is C + 1 lines of scratch.
    """
    n_classes, _, size = u.shape
    block = _BLOCK // width * width
    for first in range(0, size, block):
        n = min(block, size - first)
        for k in range(n_classes):
            old = u[k, z, first : first + n]
            line = lines[k * _LINE + 1 : (k + 1) * _LINE]
            for j in range(n):
                line[j] = _power(old[j], q, kind)
        for j in range(1, n + 1):
            total = lines.dtype.type(0)
            for k in range(len(classes)):
                total += lines[_at(k, j)]
            for k in range(len(classes)):
                lines[_at(k, j)] = total - lines[_at(k, j)]
            lines[_at(n_classes, j)] = total
        _copy(lines[n_classes * _LINE + 1 :], out[n_classes, width + first : width + first + n])
        for k in range(n_classes):
            sums = out[k, width + first : width + first + n]
            left, middle, right = lines[k * _LINE :], lines[k * _LINE + 1 :], lines[k * _LINE + 2 :]
            if not corners or width == 1:
                _copy(middle, sums)
                continue
            left[0] = middle[n] = 0
            for j in range(n):
                sums[j] = left[j] + middle[j] + right[j]
            for j in range(width, n, width):  # two rows meet here: their ends are no neighbours
                sums[j - 1] = left[j - 1] + middle[j - 1]
                sums[j] = middle[j] + right[j]


@njit(**_OPTIONS)
def _across(below, here, above, corners, width, out):
    """Sum of rows of three planes of `_others` to out; all of shape (n + 2 width,).

    With corners: of all three. Without: of the outer two, and both neighbours in the row; not
    in the first and the last row.
    """
    if corners:
        for j in range(here.size):
            out[j] = below[j] + here[j] + above[j]
        return
    for j in range(here.size):
        out[j] = below[j] + above[j]
    if width == 1:
        return
    left, middle, right = here, out[1:], here[2:]
    for j in range(right.size):
        middle[j] += left[j] + right[j]
    for j in range(width, here.size, width):  # ends of two rows
        out[j - 1] = below[j - 1] + above[j - 1] + here[j - 2]
        out[j] = below[j] + above[j] + here[j + 1]


@njit(**_OPTIONS)
def _costs(old, middle, side, total, width, weight, corners, q, kind, cost):
    """Add the spatial term of one class to the costs of n voxels; return their objective.

    Parameters
    ----------
    old : ndarray of shape (n,)
        Previous memberships.
    middle, side : ndarray of shape (n + 2 width,)
        What S - u^q sums to over those neighbours that are in the voxel's row (of any plane),
        and over those a row away; from a row before the first voxel to a row after the last.
    total : ndarray of shape (n,)
        S. With corners, `middle` holds the voxel itself: it is taken out.
    weight : number
        beta.
    cost : ndarray of shape (n,)
        Squared distances, which become the costs of eq. (5).
    """
    number = cost.dtype.type
    here, upper, lower = middle[width:], side, side[2 * width :]
    own = number(1) if corners else number(0)
    objective = number(0)
    for j in range(old.size):
        uq = _power(old[j], q, kind)
        near = upper[j] + here[j] + lower[j] - own * (total[j] - uq)
        near = weight * max(near, number(0))  # rounding must not make a cost negative
        objective += uq * (cost[j] + near)
        cost[j] += near + near
    return objective


@njit(**_OPTIONS)
def rfcm_pass(
    y, u, inside, extra, base, slope, classes, v, q, kind, beta, corners, shape, below, above,
    start, stop, update,
):  # fmt: skip
    """One iteration of robust fuzzy c-means over planes start..stop, in place.

    Every voxel sees its neighbours' memberships of the previous iteration: a ring of three
    planes keeps S - u_k^q after u is overwritten. The sum over neighbours is taken along x
    when a plane enters the ring, then along z, then along y. A plane is one line of P = Y * X
    numbers, so that loops are long, and is worked through in whole rows.

    Parameters
    ----------
    y : ndarray of shape (D, Z * P)
    u : ndarray of shape (C, Z, P)
        Memberships of the previous iteration; overwritten by the new ones.
    inside : ndarray of shape (Z * P,), or (0,) for no mask
        1 within the mask; where 0, the memberships in every class become 0.
    extra : ndarray of shape (Z * P,), or (0,)
    base, slope : float64 ndarray of shape (C,), where there is `extra`
        Squared distances are raised by base + slope * extra.
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
    sums = np.zeros((n_classes, n_channels + 2))
    lines = np.zeros(2 * n_classes * _LINE, u.dtype)
    across = np.zeros(3 * _LINE, u.dtype)
    ring = np.zeros((3, n_classes + 1, size + 2 * width), u.dtype)  # of planes z - 1, z, z + 1
    no_weight = np.empty(0, u.dtype)
    weight = u.dtype.type(beta)
    for z in range(start - 2, stop):  # the first two rounds only fill `ring`
        source, plane = u, z + 1
        if z + 1 < start:
            source, plane = below, 0
        elif z + 1 == stop:
            source, plane = above, 0
        lower, here, upper = ring[(z + 2) % 3], ring[z % 3], ring[(z + 1) % 3]
        _others(source, plane, classes, q, kind, corners, width, lines, upper)
        if z < start:
            continue
        for first in range(0, size, block):
            n = min(block, size - first)
            end = first + n + 2 * width
            voxel = z * size + first
            middle = across[: n + 2 * width]
            _distances(y, voxel, v, lines, classes, n)
            if extra.size:
                for k in range(n_classes):
                    a, b = u.dtype.type(base[k]), u.dtype.type(slope[k])
                    line = lines[(n_classes + k) * _LINE : (n_classes + k) * _LINE + n]
                    values = extra[voxel : voxel + n]
                    for j in range(n):
                        line[j] += a + b * values[j]
            total = here[n_classes, first + width : end - width]
            for k in range(n_classes):
                side = here[k, first:end]
                _across(lower[k, first:end], side, upper[k, first:end], corners, width, middle)
                cost = lines[(n_classes + k) * _LINE : (n_classes + k) * _LINE + n]
                sums[k, n_channels + 1] += _costs(
                    u[k, z, first : first + n],
                    middle,
                    middle if corners else side,
                    total,
                    width,
                    weight,
                    corners,
                    q,
                    kind,
                    cost,
                )
            if update:
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
