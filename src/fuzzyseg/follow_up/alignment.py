"""Rigid alignment of two days, bone on bone: by their CTs or, without, by their SPECTs."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fuzzyseg.conventions import FWHM_PER_SIGMA
from fuzzyseg.errors import InputError
from fuzzyseg.follow_up.best_shift import best_shifts
from fuzzyseg.registration import (
    EDGE,
    GRID_MM,
    POINTS,
    RESPONSE_MM,
    blurred,
    coarse,
    in_body,
    outstanding_bone,
    outstanding_uptake,
    relative_uptake,
    some,
)
from fuzzyseg.resample import resample
from fuzzyseg.rigid import Correlation, matrix_of, rotation_vector, three

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.follow_up.day import Day
    from fuzzyseg.volume import Volume

    Array = NDArray[np.float32]
    Vector = NDArray[np.float64]
    Images = tuple[Array, Array]  # of the baseline and of the follow-up

BLUR_MM = (30.0, RESPONSE_MM)  # FWHM at which images are compared, coarse to fine
MARGIN_MM = 30.0  # points are compared no nearer than this to the border of the other field
CANDIDATES = 3  # shifts that are looked at more closely,
FEW = 3000  # at so many points
# What is no alignment of one patient: docs/follow-up.md says what pairs of patients reach.
LEAST_AGREEMENT = 0.88
MOST_DEG = 20.0
LEAST_SHARED = 0.3


@dataclass(frozen=True, eq=False)
class Alignment:
    """How the follow-up comes onto the baseline.

    Parameters
    ----------
    by : {"CT", "SPECT"}
        Which images it was found by.
    baseline_from_follow_up : float64 ndarray of shape (4, 4)
        Moves places of the follow-up, mm RAS.
    agreement : float
        Correlation of both days' bone, from -1 to 1.
    shift_mm, turn_deg : (x, y, z)
        What it does to the middle of the skeleton that both show, and its rotation vector.
    shared : float
        Share of the skeleton of the day that shows less of it which the other shows too.
    """

    by: Literal["CT", "SPECT"]
    baseline_from_follow_up: Vector
    agreement: float
    shift_mm: tuple[float, float, float]
    turn_deg: tuple[float, float, float]
    shared: float

    @property
    def doubt(self) -> str:
        """Why it cannot be one patient in one position; empty where it can."""
        if self.agreement < LEAST_AGREEMENT:
            return (
                f"their bones in {self.by} agree too little ({self.agreement:.2f} of 1, "
                f"{LEAST_AGREEMENT} expected)"
            )
        turn = max(map(abs, self.turn_deg))
        if turn > MOST_DEG:
            return f"one would have to be turned by {turn:.0f} degrees"
        if self.shared < LEAST_SHARED:
            return f"they show only {100 * self.shared:.0f}% of the same bones"
        return ""


def align_days(baseline: Day, follow_up: Day) -> Alignment:
    """Find the rigid motion that brings the bones of one day onto those of the other.

    Shifts of any length are tried first, at a resolution of 30 mm (frames of reference of two
    days have nothing in common), then the best are refined, with turns, at 30 and 12 mm.

    Raises
    ------
    InputError
        If an image shows no bone to align.
    """
    days = (baseline, follow_up)
    if all(day.ct is not None for day in days):
        found = [_by_ct(day) for day in days]
        if all(len(some(where)) >= POINTS // 100 for _, _, where in found):
            return _aligned("CT", *found)
    found = [_by_spect(day) for day in days]
    if any(len(some(where)) < POINTS // 100 for _, _, where in found):
        raise InputError(
            "expected bones in both SPECTs to align them by, found too few; compare bone scans"
        )
    return _aligned("SPECT", *found)


Seen = tuple["Volume", "Array", "NDArray[np.bool_]"]


def _by_ct(day: Day) -> Seen:
    """Grid, bone as it stands out in CT, and where that is worth comparing."""
    assert day.ct is not None  # noqa: S101, checked by the caller
    grid = coarse(day.spect)
    bone = outstanding_bone(resample(day.ct, grid))
    return grid, bone, np.abs(bone) > EDGE


def _by_spect(day: Day) -> Seen:
    grid = coarse(day.spect)
    relative = relative_uptake(grid)
    if relative is None:
        return grid, grid.array, np.zeros(grid.shape, bool)
    uptake = outstanding_uptake(relative)
    return grid, uptake, (np.abs(uptake) > EDGE) & in_body(relative)


def _aligned(by: Literal["CT", "SPECT"], baseline: Seen, follow_up: Seen) -> Alignment:
    grid, fixed, where = baseline
    other_grid, moving, other_where = follow_up
    sigmas = [math.sqrt(b**2 - RESPONSE_MM**2) / FWHM_PER_SIGMA / GRID_MM for b in BLUR_MM]
    low, high = (
        (blurred(fixed, sigma), blurred(moving, sigma)) if sigma else (fixed, moving)
        for sigma in sigmas
    )
    starts = best_shifts(low[0][::2, ::2, ::2], low[1][::2, ::2, ::2], CANDIDATES)
    tried = [_Climb.of(low, where, 2.0 * shift) for shift in starts]
    best = max(tried, key=lambda each: each.agreement).on(high)
    matrix, middle = matrix_of(best.position, best.middle), best.middle
    move = np.asarray(grid.affine @ np.linalg.inv(matrix) @ np.linalg.inv(other_grid.affine))
    there = (np.linalg.inv(move) @ grid.affine @ np.append(middle, 1.0))[:3]
    shares = (
        _inside(matrix, some(where), moving.shape).mean(),
        _inside(np.linalg.inv(matrix), some(other_where), fixed.shape).mean(),
    )
    return Alignment(
        by,
        move,
        round(best.agreement, 4),
        three((grid.affine @ np.append(middle, 1.0))[:3] - there),
        three(np.degrees(rotation_vector(move[:3, :3]))),
        round(float(max(shares)), 4),
    )


@dataclass(frozen=True, eq=False)
class _Climb:
    """A position that was climbed to, on places (N, 3) that lie in both fields."""

    position: Vector
    agreement: float
    places: Vector
    middle: Vector

    @classmethod
    def of(cls, images: Images, where: NDArray[np.bool_], shift: Vector) -> _Climb:
        """Climb from a shift, in voxels."""
        start = np.eye(4)
        start[:3, 3] = shift
        candidates = np.argwhere(where).astype(np.float64)
        inner, whole = (
            _inside(start, candidates, images[1].shape, margin)
            for margin in (MARGIN_MM / GRID_MM, 0.0)
        )
        near = inner if inner.sum() >= POINTS // 100 else whole
        places = some(_mask(candidates[near], where.shape))
        position = np.concatenate([shift, np.zeros(3)])
        if len(places) < POINTS // 100:
            return cls(position, -1.0, candidates, candidates.mean(axis=0))
        return cls(position, -1.0, places, places.mean(axis=0)).on(images, FEW)

    def on(self, images: Images, points: int = POINTS) -> _Climb:
        """Climb on from here, by other images and so many of the places."""
        score = Correlation(*images, self.places[:points], self.middle)
        position, agreement = score.highest(self.position)
        return replace(self, position=position, agreement=agreement)


def _mask(index: Vector, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    mask = np.zeros(shape, bool)
    mask[tuple(index.astype(int).T)] = True
    return mask


def _inside(
    matrix: NDArray[np.floating[Any]], index: Vector, shape: tuple[int, ...], margin: float = 0.0
) -> NDArray[np.bool_]:
    """Tell which indices (N, 3), moved by a matrix, lie in a field, a margin away from its end."""
    at = index @ matrix[:3, :3].T + matrix[:3, 3]
    return np.asarray(((at >= margin) & (at <= np.array(shape) - 1 - margin)).all(axis=1))
