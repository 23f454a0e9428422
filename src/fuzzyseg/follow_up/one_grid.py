"""Both days on one grid, and how well their bones lie on each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.drawing.shown import uptake_window
from fuzzyseg.registration import HOT, relative_uptake
from fuzzyseg.report.page.oriented import Oriented
from fuzzyseg.resample import as_patient, resample
from fuzzyseg.volume import Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.follow_up.comparison import Comparison
    from fuzzyseg.follow_up.day import Day

_BONE_HU = (100.0, 700.0)
_ORANGE, _BLUE = np.array([1.0, 0.5, 0.0]), np.array([0.0, 0.5, 1.0])  # white where both are


@dataclass(frozen=True, eq=False)
class Shown:
    """Both days on one grid along the baseline's axes, lesions by numbers of changes."""

    baseline: Oriented
    follow_up: Oriented


def on_one_grid(comparison: Comparison) -> Shown:
    """Bring both days onto a grid that holds both fields, in one unit and one window."""
    c = comparison
    move = c.alignment.baseline_from_follow_up
    grid = _common_grid(c.baseline.spect, c.follow_up.spect, move)
    scales = c.uptake.scales or (1.0, 1.0)
    numbers = (
        {n: each.number for each in c.changes for n in each.baseline},
        {n: each.number for each in c.changes for n in each.follow_up},
    )
    days = (c.baseline, c.follow_up)
    highest = [uptake_window(d.spect.array)[1] * s for d, s in zip(days, scales, strict=True)]
    # What cannot be compared has a window of its own.
    windows = highest if c.uptake.scales is None else [max(highest)] * 2
    before, after = (
        _oriented(day, m, grid, scale, of_day, top)
        for day, m, scale, of_day, top in zip(
            days, (np.eye(4), move), scales, numbers, windows, strict=True
        )
    )
    return Shown(before, after)


def _oriented(
    day: Day,
    move: NDArray[np.float64],
    grid: Volume,
    scale: float,
    numbers: dict[int, int],
    highest: float,
) -> Oriented:
    affine = move @ day.spect.affine
    table = np.zeros(int(day.lesions.max(initial=0)) + 1, np.float32)
    for own, number in numbers.items():
        table[own] = number
    lesions = Volume(table[day.lesions], affine)
    spect = replace(day.spect, array=day.spect.array * np.float32(scale), affine=affine)
    ct = None if day.ct is None else resample(replace(day.ct, affine=affine), grid).array
    return Oriented(
        resample(spect, grid).array,
        ct,
        np.rint(resample(lesions, grid, order=0).array).astype(np.int32),
        grid.spacing_mm,
        (0.0, highest if highest > 0 else 1.0),
    )


def _common_grid(baseline: Volume, follow_up: Volume, move: NDArray[np.float64]) -> Volume:
    """Extend the baseline's grid, along the patient's axes, to hold the follow-up's field."""
    fixed = as_patient(baseline)
    corners = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in follow_up.shape])).reshape(3, -1)
    matrix = np.linalg.inv(fixed.affine) @ move @ follow_up.affine
    at = matrix[:3, :3] @ corners + matrix[:3, 3:]
    low = np.minimum(np.floor(at.min(axis=1)), 0).astype(int)
    high = np.maximum(np.ceil(at.max(axis=1)) + 1, fixed.shape).astype(int)
    affine = fixed.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ low
    x, y, z = (high - low).tolist()
    return Volume(np.zeros((x, y, z), np.float32), affine)


def alignment_picture(shown: Shown, by: str) -> NDArray[np.uint8]:
    """Draw both days' bones over each other, from the front and from the left.

    Returns
    -------
    uint8 ndarray of shape (rows, columns, 3)
        The baseline orange, the follow-up blue, white where both are.
    """
    views = []
    for axis in (1, 0):
        layers = [_flat(each, by, axis) for each in (shown.baseline, shown.follow_up)]
        colour = layers[0][..., None] * _ORANGE + layers[1][..., None] * _BLUE
        across = 0 if axis == 1 else 1
        spacing = shown.baseline.spacing_mm
        views.append(_upright(colour, spacing[across], spacing[2]))
    gap = np.zeros((views[0].shape[0], 12, 3))
    return np.asarray(255 * np.concatenate([views[0], gap, views[1]], axis=1), np.uint8)


def _flat(day: Oriented, by: str, axis: int) -> NDArray[np.float32]:
    """Bone seen along an axis, from 0 to 1."""
    if by == "CT" and day.ct is not None:
        low, high = _BONE_HU
        bone = np.clip((day.ct - low) / (high - low), 0, 1)
        thick = bone.sum(axis=axis)
        return np.asarray(np.clip(thick / np.percentile(thick, 99.5).clip(1e-6), 0, 1), np.float32)
    relative = relative_uptake(Volume(day.image, np.eye(4)))
    flat = np.zeros(1, np.float32) if relative is None else np.sqrt(relative.max(axis=axis) / HOT)
    return np.asarray(np.clip(flat, 0, 1), np.float32)


def _upright(colour: NDArray[np.float64], across_mm: float, up_mm: float) -> NDArray[np.float64]:
    """Turn (across, up, 3) to rows from the top and columns from the right, square pixels."""
    from scipy import ndimage

    picture = colour[::-1, ::-1].transpose(1, 0, 2)
    mm = min(across_mm, up_mm) / 2
    return np.asarray(ndimage.zoom(picture, (up_mm / mm, across_mm / mm, 1), order=1).clip(0, 1))
