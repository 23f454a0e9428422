"""Scores of one patient: classes, lesion by lesion, and along the threshold of membership."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.conventions import CLASSES
from fuzzyseg.experiments.accuracy.predictions import Prediction, predict_patient
from fuzzyseg.io import read_nifti
from fuzzyseg.metrics import detect, evaluate
from fuzzyseg.quantification.around import nearest_lesion
from fuzzyseg.quantification.extent import places_mm
from fuzzyseg.quantification.measuring import Measuring
from fuzzyseg.quantification.pieces import components

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from fuzzyseg.metrics import Evaluation

# Of the curve: fine where few pieces are left.
THRESHOLDS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.996)
AROUND_MM = 15.0  # a predicted voxel further from all lesions belongs to none
_BONE_MM = 40.0  # bone this near is what a lesion is compared with
_FINDING_MM = 25.0  # a false piece further from the middle of all findings lies on none
NO_FINDING = "none of these"


@dataclass(frozen=True)
class Lesion:
    """One lesion of the truth.

    Parameters
    ----------
    diameter_mm : float
        Of the sphere of its volume.
    contrast : float
        Mean SPECT in it over the median in bone around; NaN without bone around.
    kind : str
        Of the lesion drawn there: sclerotic, isodense, mixed, lytic.
    covered : float
        Share that is predicted.
    dsc : float
        With the predicted voxels that are nearer to it than to others, within 15 mm.
    """

    diameter_mm: float
    contrast: float
    kind: str
    covered: float
    dsc: float


@dataclass(frozen=True, eq=False)
class PatientScores:
    """Everything that tables and pictures need of one patient and one model."""

    name: str
    evaluation: Evaluation
    lesions: tuple[Lesion, ...]
    found_at: NDArray[np.float64]  # lesions of 10 mm and more found at each of THRESHOLDS
    false_at: NDArray[np.float64]  # and false pieces
    listed_found: int = 0  # lesions of 10 mm and more, by those that `fuzzyseg segment` lists
    listed: tuple[tuple[float, bool], ...] = ()  # of each of these its mL, and if it is a lesion
    false_on: tuple[str, ...] = ()  # what each false piece of the labels lies on
    findings: tuple[str, ...] = ()  # that are no lesions, a name for each of their parts

    @property
    def false_pieces(self) -> int:
        """Pieces of the prediction that touch no lesion."""
        return self.evaluation.lesions.false_pieces if self.evaluation.lesions else 0

    @property
    def listed_false(self) -> int:
        """What is listed and touches no lesion."""
        return sum(not true for _, true in self.listed)

    @property
    def of_10_mm(self) -> int:
        """Lesions of 10 mm and more."""
        return sum(lesion.diameter_mm >= 10 for lesion in self.lesions)

    def dsc(self, label: int) -> tuple[float, float]:
        """DSC of a class, and its true volume in ml."""
        row = self.evaluation.rows[label - 1]
        return row.dsc, row.truth_ml


def score_patient(folder: Path, prediction: Prediction) -> PatientScores:
    """Compare a prediction with the truth of a patient that `fuzzyseg simulate` wrote."""
    truth = read_nifti(folder / "labels.nii.gz")
    labels = truth.array.astype(np.uint8)
    spacing = truth.spacing_mm
    spect = read_nifti(folder / "spect.nii.gz", "NM").array
    drawn = json.loads((folder / "patient.json").read_text(encoding="utf-8"))["patient"]
    found = [detect(prediction.lesion >= t, labels == 2, spacing_mm=spacing) for t in THRESHOLDS]
    parts = finding_parts(drawn.get("findings", []))
    default = Measuring()
    listed = components(
        prediction.labels == 2, truth.affine, merge_mm=default.merge_mm, min_ml=default.min_ml
    )
    true = set(np.unique(listed.labels[labels == 2]).tolist())
    ml = listed.voxels * truth.voxel_volume_ml
    return PatientScores(
        name=folder.name,
        evaluation=evaluate(prediction.labels, labels, spacing_mm=spacing, class_names=CLASSES),
        lesions=tuple(
            each_lesion(
                prediction.labels == 2, labels, spect, truth.affine, drawn.get("lesions", [])
            )
        ),
        found_at=np.array([d.found(from_mm=10.0) for d in found], float),
        false_at=np.array([d.false_pieces for d in found], float),
        listed_found=detect(listed.labels > 0, labels == 2, spacing_mm=spacing).found(from_mm=10.0),
        listed=tuple((float(size), number in true) for number, size in enumerate(ml, start=1)),
        false_on=tuple(each_false_piece(prediction.labels == 2, labels == 2, truth.affine, parts)),
        findings=tuple(name for name, _ in parts),
    )


def finding_parts(findings: Sequence[dict[str, Any]]) -> list[tuple[str, list[float]]]:
    """Names and centres, in mm, of the parts of what is no lesion: each fracture of a row."""
    return [(one["name"], mm) for one in findings for mm in one.get("centres_mm", [])]


def each_false_piece(
    predicted: NDArray[np.bool_],
    truth: NDArray[np.bool_],
    affine: NDArray[np.float64],
    parts: Sequence[tuple[str, Sequence[float]]],
) -> list[str]:
    """Tell what each piece of a prediction that touches no lesion lies on.

    Parameters
    ----------
    predicted, truth : bool ndarray of shape (X, Y, Z)
    affine : ndarray of shape (4, 4)
        Voxels to mm.
    parts : sequence of (name, centre in mm)
        What is no lesion. A piece lies on the one whose centre is nearest to one of its voxels.

    Returns
    -------
    list of str
        A name for each; `NO_FINDING` if no centre is within 25 mm.
    """
    pieces = components(predicted, affine).labels
    names = []
    for number in np.setdiff1d(np.unique(pieces[predicted]), pieces[truth]):
        voxels = places_mm(np.argwhere(pieces == number), affine)
        far = [float(np.linalg.norm(voxels - mm, axis=1).min()) for _, mm in parts]
        near = int(np.argmin(far)) if far else 0
        names.append(parts[near][0] if far and far[near] <= _FINDING_MM else NO_FINDING)
    return names


def each_lesion(
    predicted: NDArray[np.bool_],
    labels: NDArray[np.uint8],
    spect: NDArray[np.float32],
    affine: NDArray[np.float64],
    drawn: Sequence[dict[str, Any]],
) -> list[Lesion]:
    """Measure each connected piece of the true lesions.

    Parameters
    ----------
    predicted : bool ndarray of shape (X, Y, Z)
        Lesions of a model.
    labels : uint8 ndarray of shape (X, Y, Z)
        Truth: 0 background, 1 bone, 2 lesion.
    spect : float32 ndarray of shape (X, Y, Z)
    affine : ndarray of shape (4, 4)
        Voxels to mm.
    drawn : sequence of dict
        The simulator's lesions, with "centre_mm" and "kind"; the nearest tells a piece's kind.
    """
    from scipy import ndimage

    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    lesion = labels == 2
    pieces, _ = ndimage.label(lesion, ndimage.generate_binary_structure(3, 2))
    owner, _ = nearest_lesion(pieces, spacing, AROUND_MM)
    margin = np.ceil(_BONE_MM / spacing).astype(int)
    found = []
    for number, box in enumerate(ndimage.find_objects(pieces), start=1):
        wide = tuple(
            slice(max(s.start - m, 0), s.stop + m) for s, m in zip(box, margin, strict=True)
        )
        own, theirs = pieces[wide] == number, predicted[wide] & (owner[wide] == number)
        bone = labels[wide] == 1
        size = int(own.sum())
        around = np.median(spect[wide][bone]) if bone.any() else np.nan
        corner = np.array([s.start for s in wide])
        centre = places_mm(np.argwhere(own) + corner, affine).mean(0)
        found.append(
            Lesion(
                diameter_mm=float(np.cbrt(6 * size * spacing.prod() / np.pi)),
                contrast=float(spect[wide][own].mean() / around) if around > 0 else float("nan"),
                kind=_kind(centre, drawn),
                covered=float(predicted[wide][own].mean()),
                dsc=float(2 * (own & theirs).sum() / (size + theirs.sum())),
            )
        )
    return found


def _kind(centre: NDArray[np.float64], drawn: Sequence[dict[str, Any]]) -> str:
    if not drawn:
        return "unknown"
    far = [np.linalg.norm(centre - one["centre_mm"]) for one in drawn]
    return str(drawn[int(np.argmin(far))]["kind"])


def scored(model: str, keep: Path, shift_mm: float, folder: Path) -> PatientScores:
    """Predict and score one patient."""
    return score_patient(folder, predict_patient(model, folder, keep, shift_mm))
