"""A case as if the scanner had seen only a part of the body."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.inference.preprocess import normalise_spect

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.training.case import Case
    from fuzzyseg.training.config import Config

LENGTH_MM = (250.0, 600.0)  # from less than one bed position to two


def part_of(case: Case, plane: int, config: Config, rng: np.random.Generator) -> tuple[Case, int]:
    """Cut a case to a part along the body, its SPECT normalised as if that were all.

    Parameters
    ----------
    case : Case
    plane : int
        Index along the last axis of a transverse plane that stays in.
    config : Config
    rng : Generator

    Returns
    -------
    case : Case
        Without places of interest, which belong to the whole; the same one where it is no longer
        than the part would be.
    start : int
        Its first plane in the whole.
    """
    n_planes = case.labels.shape[2]
    length = max(1, round(rng.uniform(*LENGTH_MM) / case.spacing_mm[2]))
    if length >= n_planes:
        return case, 0
    first = int(rng.integers(max(0, plane - length + 1), min(plane, n_planes - length) + 1))
    part = slice(first, first + length)
    image = case.image[..., part].astype(np.float32)
    n_cut = case.air[0] * length / n_planes
    for number, channel in enumerate(config.channels):
        if channel == "spect":
            image[number] = _again(image[number], config, (n_cut, case.low[number]))
    return (
        dataclasses.replace(
            case,
            raw={name: array[..., part] for name, array in case.raw.items()},
            image=image,
            labels=case.labels[..., part],
            activity=None if case.activity is None else case.activity[..., part],
            known={"labelled": case.labelled},
        ),
        first,
    )


def _again(
    spect: NDArray[np.float32], config: Config, air: tuple[float, float]
) -> NDArray[np.float32]:
    """Normalise what was normalised as part of a larger volume: scales and offsets cancel."""
    linear = np.sinh(spect) if config.spect == "asinh" else spect
    return normalise_spect(linear, config.spect, air)
