"""The couch under the patient, with its mattress, and a head rest: in the CT, and no bone.

They are thin shells of carbon fibre or plastic (-300 to 1000 HU in a voxel that they fill) over
foam; shapes and numbers are set by eye after CTs of several scanners.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.simulation.phantom.ct.ct_settings import CTDraw
    from fuzzyseg.simulation.phantom.grid import Grid

_BODY = 0.5  # over water: a voxel with less is not yet patient
_FOAM, _MATTRESS = 0.06, 0.04  # over water
_SHELL = 1.25
_CORE_MM = {"curved": 28.0, "flat": 22.0}
_SAG_MM = {"curved": 45.0, "flat": 0.0}
_CROWN_MM = 175.0  # head rest: from the vertex down
_WIDEST_HEAD_MM = 230.0


def couch_ratio(
    rng: np.random.Generator, ratio: NDArray[np.float32], grid: Grid, draw: CTDraw
) -> NDArray[np.float32]:
    """Attenuation over water's of couch, mattress and head rest, (X, Y', Z), from row 0 of y.

    Parameters
    ----------
    rng : Generator
    ratio : float32 ndarray of shape (X, Y, Z)
        The patient in the CT: it lies on what is drawn, and keeps every voxel it fills.
    grid : Grid
        +y is the front.
    draw : CTDraw

    Returns
    -------
    float32 ndarray of shape (X, Y', Z)
        0 where there is nothing; Y' rows reach as high as the highest piece.
    """
    shell_mm, height = float(rng.uniform(2.0, 5.0)), float(rng.uniform(10.0, 35.0))
    brightness = float(rng.uniform(0.6, 1.6))
    if draw.couch == "none":
        return np.zeros((ratio.shape[0], 0, ratio.shape[2]), np.float32)
    body = ratio > _BODY
    middle = 0.5 * (grid.axis(0)[0] + grid.axis(0)[-1])
    x = grid.axis(0)[:, None] - middle - rng.normal(0, 6.0)
    y = grid.axis(1)[None, :]
    wide = np.clip(x / (draw.couch_width_mm / 2), -1.15, 1.15)
    back = _back_mm(body, np.abs(x[:, 0]) < 0.35 * draw.couch_width_mm, grid)
    top = back - draw.couch_gap_mm - height + _SAG_MM[draw.couch] * wide**2
    core = _CORE_MM[draw.couch]
    inside = np.abs(wide) <= 1.0
    slab = _profile(y, top, core, shell_mm, grid.spacing_mm[1], brightness) * inside
    mattress = np.clip((y - top) / grid.spacing_mm[1] + 0.5, 0, 1)
    mattress = mattress * np.clip((top + height - y) / grid.spacing_mm[1] + 0.5, 0, 1)
    slab = np.maximum(slab, _MATTRESS * mattress * inside).astype(np.float32)
    rows = int(np.searchsorted(grid.axis(1), float(top.max()) + height + 5))
    found = np.repeat(slab[:, :rows, None], ratio.shape[2], axis=2)
    if draw.head_rest:
        found = _head_rest(found, body, grid, brightness, shell_mm)
    # Where the patient is, nothing else is; skin presses the mattress down.
    found[body[:, : found.shape[1]]] = 0
    return found


def _back_mm(body: NDArray[np.bool_], over: NDArray[np.bool_], grid: Grid) -> float:
    """Height of the back where it lies lowest over the couch, but for a few slices."""
    under: NDArray[np.bool_] = np.any(np.compress(over, body, axis=0), axis=0)
    there: NDArray[np.bool_] = np.any(under, axis=0)
    if not np.count_nonzero(there):
        return float(grid.axis(1)[0])
    lowest = under.argmax(axis=0)[there]
    return float(grid.axis(1)[0] + grid.spacing_mm[1] * np.quantile(lowest, 0.05))


def _profile(
    y: NDArray[np.float64],
    top: NDArray[np.float64],
    core: float,
    shell: float,
    step: float,
    bright: float,
) -> NDArray[np.float64]:
    """Two shells around foam, (X, Y)."""

    def between(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
        """Share of each voxel that lies between two heights."""
        below = np.minimum(high, y + step / 2) - np.maximum(low, y - step / 2)
        return np.asarray(np.clip(below / step, 0, 1))

    skins = between(top - shell, top) + between(top - core - shell, top - core)
    return np.asarray(_SHELL * bright * skins + _FOAM * between(top - core, top - shell))


def _head_rest(
    couch: NDArray[np.float32],
    body: NDArray[np.bool_],
    grid: Grid,
    bright: float,
    shell: float,
) -> NDArray[np.float32]:
    """Add a cradle: a shell of plastic behind and beside the head, on foam."""
    step = grid.spacing_mm
    top = np.flatnonzero(body.any(axis=(0, 1)))
    if not len(top):
        return couch
    last = int(top[-1])
    first = max(last - round(_CROWN_MM / step[2]), 0)
    head: NDArray[np.bool_] = np.asarray(body[..., first:last].any(axis=2))
    across, rows = (np.flatnonzero(np.any(head, axis=axis)) for axis in (1, 0))
    if not len(across) or len(across) * step[0] > _WIDEST_HEAD_MM:  # arms overhead
        return couch
    cx = grid.axis(0)[across].mean()
    half = 0.5 * len(across) * step[0] + 12.0
    back = grid.axis(1)[rows[0]] - 8.0
    cy = back + half
    x, y = np.meshgrid(grid.axis(0), grid.axis(1), indexing="ij")
    radius = np.hypot(x - cx, y - cy)
    wall = np.clip((shell / 2 - np.abs(radius - half)) / step[0] + 0.5, 0, 1)
    foam = _FOAM * (radius < half) * (radius > half - 14)
    cradle = np.where(y < back + 0.9 * half, np.maximum(1.1 * bright * wall, foam), 0)
    tall = max(couch.shape[1], int(np.searchsorted(grid.axis(1), back + 0.9 * half)) + 1)
    found = np.zeros((couch.shape[0], min(tall, body.shape[1]), couch.shape[2]), np.float32)
    found[:, : couch.shape[1]] = couch
    over = found[:, :, first:]
    np.maximum(over, cradle[:, : found.shape[1], None], out=over)
    return found
