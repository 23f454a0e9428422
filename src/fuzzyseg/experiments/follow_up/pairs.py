"""Simulated patients on two days: segmented, with the truth of what has changed."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.follow_up.alignment import align_days
from fuzzyseg.follow_up.day import Day

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from fuzzyseg.follow_up.alignment import Alignment


@dataclass(frozen=True, eq=False)
class Pair:
    """A simulated patient on two days.

    Parameters
    ----------
    baseline, follow_up : Day
    move : float64 ndarray of shape (4, 4)
        From places of the follow-up to those of the baseline, true but for bends.
    lesions : list of dict
        Of follow_up.json.
    """

    baseline: Day
    follow_up: Day
    move: NDArray[np.float64]
    lesions: list[dict[str, Any]]

    @functools.cached_property
    def alignment(self) -> Alignment:
        """As `compare` finds it."""
        return align_days(self.baseline, self.follow_up)


def read_pairs(first: Path, later: Path, model: str) -> list[Pair]:
    """Segment the patients of two cohorts of `fuzzyseg simulate`.

    Raises
    ------
    InputError
        If `later` holds no follow-ups, or of other patients than `first`.
    """
    folders = [path.parent for path in sorted(later.glob("patient-*/follow_up.json"))]
    if not folders:
        raise InputError(
            f"expected follow-ups in {later}, found none; make them with fuzzyseg simulate "
            "--follow-up"
        )
    return [_pair(first / folder.name, folder, model) for folder in folders]


def _pair(first: Path, later: Path, model: str) -> Pair:
    truth = json.loads((later / "follow_up.json").read_text("utf-8"))
    drawn = json.loads((first / "patient.json").read_text("utf-8"))["patient"]["lesions"]
    centres = [each["centre_mm"][0] for each in truth["lesions"] if each["baseline"]]
    if centres != [each["centre_mm"] for each in drawn]:
        raise InputError(
            f"expected {later} to be the patient of {first} on another day, found other lesions; "
            "give the cohort that was made with the same options but --follow-up"
        )
    move = np.array(truth["baseline_from_follow_up"], np.float64)
    return Pair(segmented(first, model), segmented(later, model), move, truth["lesions"])


def segmented(folder: Path, model: str) -> Day:
    """Segment and measure one day of a simulated patient, as `fuzzyseg segment` does."""
    from fuzzyseg.io import read_study
    from fuzzyseg.quantification import quantify
    from fuzzyseg.registration import register
    from fuzzyseg.resample import align
    from fuzzyseg.segmentation import Settings, segment

    study = read_study(folder / "spect.nii.gz", folder / "ct.nii.gz")
    study = align(register(study))
    found = segment(study, Settings(method="model", model=model))
    return Day.of(found, quantify(found), study.ct)
