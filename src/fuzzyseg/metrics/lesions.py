"""Lesions found, missed and made up: what a physician asks before any overlap.

A lesion is a connected piece of the true mask, a false piece one of the prediction that touches
no lesion. Pieces are connected over faces and edges (18 neighbours), and false-positive and
false-negative volume are those of whole pieces without any overlap, as in autoPET (Gatidis et al.,
Sci Data 2022;9:601).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.metrics._inputs import as_masks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SHARES = (0.0, 0.1, 0.25)  # of a lesion that must be covered to count as found; 0: any voxel


@dataclass(frozen=True, eq=False)
class Detection:
    """Lesions of one patient.

    Parameters
    ----------
    diameter_mm : float64 ndarray of shape (L,)
        Of the sphere of each lesion's volume.
    covered : float64 ndarray of shape (L,)
        Share of each lesion that the prediction covers.
    false_pieces : int
        Pieces of the prediction that touch no lesion.
    false_positive_ml, false_negative_ml : float
        Volume of these; and of lesions that the prediction does not touch.
    prediction_ml, truth_ml : float
    """

    diameter_mm: NDArray[np.float64]
    covered: NDArray[np.float64]
    false_pieces: int
    false_positive_ml: float
    false_negative_ml: float
    prediction_ml: float
    truth_ml: float

    @property
    def lesions(self) -> int:
        """How many there are."""
        return len(self.covered)

    def found(self, share: float = 0.0, *, from_mm: float = 0.0, to_mm: float = np.inf) -> int:
        """Count lesions of which at least this share is covered, and any voxel at all.

        Of those whose diameter is at least `from_mm` and below `to_mm`.
        """
        size = (self.diameter_mm >= from_mm) & (self.diameter_mm < to_mm)
        return int(((self.covered > 0) & (self.covered >= share) & size).sum())

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and lists, for JSON."""
        return {
            "lesions": self.lesions,
            "found": {f"{share:g}": self.found(share) for share in SHARES},
            "false_pieces": self.false_pieces,
            "false_positive_ml": self.false_positive_ml,
            "false_negative_ml": self.false_negative_ml,
            "prediction_ml": self.prediction_ml,
            "truth_ml": self.truth_ml,
            "volume_error_ml": self.prediction_ml - self.truth_ml,
            "diameter_mm": self.diameter_mm.tolist(),
            "covered": self.covered.tolist(),
        }


def detect(
    prediction: NDArray[Any], truth: NDArray[Any], *, spacing_mm: Sequence[float]
) -> Detection:
    """Compare the lesions of two masks.

    Parameters
    ----------
    prediction, truth : integer or bool ndarray of shape (X, Y, Z)
        Masks; what is not 0 is lesion.
    spacing_mm : sequence of 3 floats

    Raises
    ------
    InputError
        If they are no masks on one grid of 3 axes.
    """
    from scipy import ndimage

    predicted, true, spacing = as_masks(prediction, truth, spacing_mm)
    if true.ndim != 3:
        raise InputError(f"expected masks with three axes, found {true.ndim}; pass a volume")
    voxel_ml = float(np.prod(spacing)) / 1000
    touching = ndimage.generate_binary_structure(3, 2)
    lesions, n_lesions = ndimage.label(true, touching)
    pieces, n_pieces = ndimage.label(predicted, touching)
    sizes = np.bincount(lesions.ravel(), minlength=n_lesions + 1)[1:]
    hit = np.bincount(lesions[predicted], minlength=n_lesions + 1)[1:]
    piece_sizes = np.bincount(pieces.ravel(), minlength=n_pieces + 1)[1:]
    piece_hit = np.bincount(pieces[true], minlength=n_pieces + 1)[1:]
    return Detection(
        diameter_mm=np.cbrt(6 * sizes * voxel_ml * 1000 / np.pi),
        covered=hit / np.maximum(sizes, 1),
        false_pieces=int((piece_hit == 0).sum()),
        false_positive_ml=float(piece_sizes[piece_hit == 0].sum() * voxel_ml),
        false_negative_ml=float(sizes[hit == 0].sum() * voxel_ml),
        prediction_ml=float(predicted.sum() * voxel_ml),
        truth_ml=float(true.sum() * voxel_ml),
    )


def froc(
    memberships: Sequence[NDArray[Any]],
    truths: Sequence[NDArray[Any]],
    thresholds: Sequence[float],
    *,
    spacing_mm: Sequence[Sequence[float]],
    share: float = 0.0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Free-response curve: lesions found against false pieces, over a threshold of membership.

    Parameters
    ----------
    memberships, truths : sequence of P ndarrays of shape (X, Y, Z)
        Membership in lesion, and masks of the lesions, of each patient.
    thresholds : sequence of T floats
        A voxel is predicted where its membership is at least this.
    spacing_mm : sequence of P sequences of 3 floats
    share : float
        Of a lesion that must be covered.

    Returns
    -------
    sensitivity, false_pieces : float64 ndarray of shape (T,)
        Share of all lesions that is found (NaN without any), and false pieces a patient.
    """
    sensitivity, false = np.full(len(thresholds), np.nan), np.zeros(len(thresholds))
    for t, threshold in enumerate(thresholds):
        found = [
            detect(u >= threshold, truth, spacing_mm=spacing)
            for u, truth, spacing in zip(memberships, truths, spacing_mm, strict=True)
        ]
        n = sum(d.lesions for d in found)
        if n:
            sensitivity[t] = sum(d.found(share) for d in found) / n
        false[t] = sum(d.false_pieces for d in found) / len(found)
    return sensitivity, false
