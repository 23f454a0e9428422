"""Compare a predicted label map with the true one, class by class."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.metrics._inputs import check_spacing, check_tolerance
from fuzzyseg.metrics.lesions import Detection, detect
from fuzzyseg.metrics.overlap import confusion_matrix, overlap_from_matrix
from fuzzyseg.metrics.surface import surface_distances

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

# Eq. 21: tolerance in voxel widths, by class name; a class not listed has 1.
TOLERANCE_VOXELS: Mapping[str, float] = {"lesion": 1.0, "bone": 2.0}


@dataclass(frozen=True)
class ClassScores:
    """Scores of one class; NaN where a score is undefined, and `reason` says why.

    Parameters
    ----------
    label : int
        Value of the class in the label maps.
    name : str
        Its name.
    dsc, recall, precision, iou : float
        Overlap in voxels, see `fuzzyseg.metrics.overlap`.
    surface_dsc : float
        Fraction of both surfaces within `tolerance_mm` of each other.
    tolerance_mm : float
        Tolerance of the surface DSC, in mm.
    hd95_mm : float
        95th percentile of the surface distances, the larger direction, in mm.
    mean_surface_distance_mm : float
        Average symmetric surface distance, in mm.
    prediction_ml, truth_ml : float
        Volumes in millilitres; NaN for a 2-D image.
    reason : str
        Why scores are NaN; empty if none is.
    """

    label: int
    name: str
    dsc: float
    recall: float
    precision: float
    iou: float
    surface_dsc: float
    tolerance_mm: float
    hd95_mm: float
    mean_surface_distance_mm: float
    prediction_ml: float
    truth_ml: float
    reason: str = ""


@dataclass(frozen=True)
class Evaluation:
    """Agreement of a prediction with the truth.

    Parameters
    ----------
    rows : tuple of ClassScores
        One per evaluated class, by rising label.
    spacing_mm : tuple of float
        Voxel spacing along each axis, in mm.
    shape : tuple of int
        Shape of the label maps.
    lesions : Detection or None
        Lesion by lesion, where a class of a volume has that name.
    """

    rows: tuple[ClassScores, ...]
    spacing_mm: tuple[float, ...]
    shape: tuple[int, ...]
    lesions: Detection | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists and dictionaries for JSON; an undefined score is None."""
        return {
            "shape": list(self.shape),
            "spacing_mm": list(self.spacing_mm),
            "classes": [
                {key: None if _is_nan(value) else value for key, value in asdict(row).items()}
                for row in self.rows
            ],
            "lesions": None if self.lesions is None else self.lesions.to_dict(),
        }

    def to_csv_rows(self) -> list[list[str]]:
        """Return a header and one line per class for `csv.writer`; an undefined score is empty."""
        header = [field.name for field in fields(ClassScores)]
        lines = [
            ["" if _is_nan(value) else str(value) for value in asdict(row).values()]
            for row in self.rows
        ]
        return [header, *lines]


def evaluate(
    prediction: NDArray[Any],
    truth: NDArray[Any],
    *,
    spacing_mm: Sequence[float],
    class_names: Sequence[str],
    tolerance_mm: Mapping[str, float] | None = None,
    include_background: bool = False,
    missed_mm: float | None = None,
) -> Evaluation:
    """Score a predicted label map against the true one.

    Parameters
    ----------
    prediction, truth : integer ndarray of shape (X, Y, Z) or (X, Y)
        Labels that index `class_names`.
    spacing_mm : sequence of float
        Voxel spacing along each axis, in mm.
    class_names : sequence of str
        Name of label 0 (background), 1, 2, ...
    tolerance_mm : mapping of str to float, optional
        Tolerance of the surface DSC in mm by class name. A class that is not in it has the
        paper's (eq. 21), see `default_tolerance_mm`.
    include_background : bool, default False
        Whether to score label 0 as well. Its volume and surface depend on the field of view.
    missed_mm : float, optional
        Distances of a structure that is in the truth and not in the prediction, so that missing
        more does not look better in means; challenges take the image's diagonal
        (`diagonal_mm`). By default NaN.

    Raises
    ------
    InputError
        If the maps differ in shape or are not integers, a label has no name, the spacing does
        not fit, names repeat, or a tolerance is negative or for an unknown class.
    """
    prediction, truth = np.asarray(prediction), np.asarray(truth)
    names = tuple(class_names)
    matrix = confusion_matrix(prediction, truth, n_classes=len(names))
    scores = overlap_from_matrix(matrix)
    spacing = check_spacing(spacing_mm, truth.ndim)
    tolerances = _tolerances(names, spacing, tolerance_mm or {})
    voxel_ml = math.prod(spacing) / 1000.0 if truth.ndim == 3 else math.nan

    rows = []
    for label in range(0 if include_background else 1, len(names)):
        distances = surface_distances(prediction == label, truth == label, spacing_mm=spacing)
        predicted, true = int(scores.prediction_voxels[label]), int(scores.truth_voxels[label])
        missed = missed_mm if missed_mm is not None and true and not predicted else None
        rows.append(
            ClassScores(
                label=label,
                name=names[label],
                dsc=float(scores.dsc[label]),
                recall=float(scores.recall[label]),
                precision=float(scores.precision[label]),
                iou=float(scores.iou[label]),
                surface_dsc=distances.dsc(tolerances[label]),
                tolerance_mm=tolerances[label],
                hd95_mm=distances.hausdorff_mm(95.0) if missed is None else missed,
                mean_surface_distance_mm=distances.mean_mm() if missed is None else missed,
                prediction_ml=predicted * voxel_ml,
                truth_ml=true * voxel_ml,
                reason=_reason(predicted, true, truth.ndim),
            )
        )
    lesions = None
    if "lesion" in names[1:] and truth.ndim == 3:
        label = names.index("lesion")
        lesions = detect(prediction == label, truth == label, spacing_mm=spacing)
    return Evaluation(tuple(rows), spacing, truth.shape, lesions)


def diagonal_mm(shape: Sequence[int], spacing_mm: Sequence[float]) -> float:
    """Length of an image's diagonal: the largest distance that there can be in it."""
    return math.hypot(*(n * s for n, s in zip(shape, spacing_mm, strict=True)))


def default_tolerance_mm(name: str, spacing_mm: Sequence[float]) -> float:
    """Tolerance of the surface DSC (eq. 21): one voxel width, two for bone.

    The width of an anisotropic voxel is its longest side, so that a surface that is one voxel
    off along any axis is within one voxel width.

    Parameters
    ----------
    name : str
        Class name; upper and lower case are the same.
    spacing_mm : sequence of float
        Voxel spacing along each axis, in mm.
    """
    return TOLERANCE_VOXELS.get(name.casefold(), 1.0) * max(spacing_mm)


def _tolerances(
    names: tuple[str, ...], spacing: tuple[float, ...], given: Mapping[str, float]
) -> list[float]:
    """Tolerance of every class in mm."""
    if len(set(names)) != len(names):
        raise InputError(f"expected class names that differ, found {list(names)}; rename them")
    if unknown := set(given) - set(names):
        raise InputError(
            f"expected tolerances for classes among {list(names)}, found {sorted(unknown)}; "
            "use the class names as they are"
        )
    return [check_tolerance(given.get(n, default_tolerance_mm(n, spacing))) for n in names]


def _reason(predicted: int, true: int, ndim: int) -> str:
    """Say which scores are undefined and why."""
    reasons = []
    if predicted and not true:
        reasons.append("not in the truth: recall and surface distances are undefined")
    elif true and not predicted:
        reasons.append("not in the prediction: precision and surface distances are undefined")
    elif not true:
        reasons.append("in neither map: overlap and surface scores are undefined")
    if ndim == 2:
        reasons.append("2-D image: volumes are undefined")
    return "; ".join(reasons)


def _is_nan(value: object) -> bool:
    """Say whether a value is a float that is NaN."""
    return isinstance(value, float) and math.isnan(value)
