"""How well a segmentation agrees with the truth, and statistics over patients."""

from fuzzyseg.metrics.evaluation import (
    ClassScores,
    Evaluation,
    default_tolerance_mm,
    diagonal_mm,
    evaluate,
)
from fuzzyseg.metrics.lesions import Detection, detect, froc
from fuzzyseg.metrics.over_patients import summarise
from fuzzyseg.metrics.overlap import Overlap, confusion_matrix, overlap, overlap_from_matrix
from fuzzyseg.metrics.paired import PairedTest, paired_t_test, wilcoxon_test
from fuzzyseg.metrics.statistics import (
    Interval,
    Mean,
    bootstrap_interval,
    plain_mean,
    volume_weighted_mean,
)
from fuzzyseg.metrics.surface import SurfaceDistances, surface_distances, surface_dsc

__all__ = [
    "ClassScores",
    "Detection",
    "Evaluation",
    "Interval",
    "Mean",
    "Overlap",
    "PairedTest",
    "SurfaceDistances",
    "bootstrap_interval",
    "confusion_matrix",
    "default_tolerance_mm",
    "detect",
    "diagonal_mm",
    "evaluate",
    "froc",
    "overlap",
    "overlap_from_matrix",
    "paired_t_test",
    "plain_mean",
    "summarise",
    "surface_distances",
    "surface_dsc",
    "volume_weighted_mean",
    "wilcoxon_test",
]
