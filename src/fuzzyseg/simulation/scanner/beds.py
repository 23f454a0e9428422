"""How a long field is shared between beds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Bed:
    """Slices start..stop - 1 seen by the camera at one place of the table."""

    start: int
    stop: int


def plan_beds(slices: int, slice_cm: float, axial_fov_cm: float, overlap_cm: float) -> list[Bed]:
    """Cover a field with the fewest beds, spread evenly.

    Parameters
    ----------
    slices : int
    slice_cm : float
    axial_fov_cm : float
        Length of a bed.
    overlap_cm : float
        Least overlap of neighbours, in [0, axial_fov_cm).

    Raises
    ------
    InputError
        If a bed is not longer than the overlap.
    """
    length = int(axial_fov_cm / slice_cm)
    if length * slice_cm <= overlap_cm:
        raise InputError(
            f"expected beds longer than their overlap of {overlap_cm} cm, found "
            f"{axial_fov_cm} cm; change the protocol"
        )
    if slices <= length:
        return [Bed(0, slices)]
    overlap = overlap_cm / slice_cm
    number = int(np.ceil((slices - overlap) / (length - overlap)))
    starts = np.round(np.linspace(0, slices - length, number)).astype(int)
    return [Bed(int(start), int(start) + length) for start in starts]


def seconds_per_slice(beds: list[Bed], slices: int, seconds_per_bed: float) -> NDArray[np.float64]:
    """Time each slice is seen in a view, (slices,), in s: overlaps are seen by both beds."""
    seconds = np.zeros(slices)
    for bed in beds:
        seconds[bed.start : bed.stop] += seconds_per_bed
    return seconds
