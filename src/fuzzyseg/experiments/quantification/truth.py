"""What is true of a simulated patient, and a segmentation that is true."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.conventions import CLASSES
from fuzzyseg.io import read_nifti
from fuzzyseg.volume import Provenance, Segmentation

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from fuzzyseg.volume import Volume


@dataclass(frozen=True, eq=False)
class Truth:
    """On the grid of the SPECT.

    Parameters
    ----------
    labels : uint8 ndarray of shape (X, Y, Z)
    activity : float32 ndarray of shape (X, Y, Z)
        In the unit of the SPECT.
    drawn : list of dict
        Each lesion's bone ("region") and centre, mm RAS ("centre_mm").
    """

    labels: NDArray[np.uint8]
    activity: NDArray[np.float32]
    drawn: list[dict[str, Any]]


def read_truth(folder: Path) -> Truth:
    """Read it from the folder of a patient that `fuzzyseg simulate` made."""
    drawn = json.loads((folder / "patient.json").read_text("utf-8"))["patient"]["lesions"]
    labels = read_nifti(folder / "labels.nii.gz").array.astype(np.uint8)
    return Truth(labels, read_nifti(folder / "activity.nii.gz").array, drawn)


def true_segmentation(truth: Truth, volume: Volume) -> Segmentation:
    """Segment an image by the true labels: what a perfect method would give."""
    u = np.stack([truth.labels == k for k in range(3)]).astype(np.float32)
    return Segmentation(u, truth.labels, CLASSES, volume, Provenance("truth"))
