"""Scores of many patients in one: means, bootstrap intervals, lesions by diameter."""

from __future__ import annotations

import math
from dataclasses import asdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from fuzzyseg.errors import InputError
from fuzzyseg.metrics.lesions import SHARES
from fuzzyseg.metrics.statistics import bootstrap_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fuzzyseg.metrics.evaluation import Evaluation
    from fuzzyseg.metrics.lesions import Detection

DIAMETERS_MM = (0.0, 10.0, 15.0, math.inf)  # ends of the bins


def summarise(patients: Sequence[Evaluation]) -> dict[str, Any]:
    """Average the scores of patients.

    Parameters
    ----------
    patients : sequence of Evaluation
        Of the same classes.

    Returns
    -------
    dict
        "patients", how many; "classes", by name "dsc" (weighted by true volume, eq. 22),
        "surface_dsc", "hd95_mm" and "mean_surface_distance_mm" (plain means); "lesions", if
        patients were looked at for these: "n", "found" by the share that must be covered (pooled
        over lesions), "found_by_diameter_mm" (any overlap), "false_pieces" a patient,
        "false_positive_ml", "false_negative_ml", "volume_error_ml". Each figure has "estimate",
        "low" and "high" (95% bootstrap interval over patients), "n" patients that count and
        "left_out", whose score does not exist: a structure that a patient lacks or that the
        prediction missed has no distances. What cannot be computed is None, with a "reason".

    Raises
    ------
    InputError
        If there are no patients, or their classes differ.
    """
    names = {tuple(row.name for row in patient.rows) for patient in patients}
    if len(names) != 1:
        raise InputError(
            f"expected patients of the same classes, found {len(patients)} patients with "
            f"{len(names)} lists of classes; evaluate those with the same classes together"
        )
    found: dict[str, Any] = {"patients": len(patients), "classes": {}}
    for rows in zip(*(patient.rows for patient in patients), strict=True):
        plain = ("surface_dsc", "hd95_mm", "mean_surface_distance_mm")
        found["classes"][rows[0].name] = {
            "dsc": _interval([r.dsc for r in rows], [r.truth_ml for r in rows])
        } | {name: _interval([getattr(r, name) for r in rows]) for name in plain}
    lesions = [patient.lesions for patient in patients if patient.lesions is not None]
    if lesions:
        found["lesions"] = _lesions(lesions)
    return found


def _lesions(patients: Sequence[Detection]) -> dict[str, Any]:
    def pooled(found: Callable[[Detection], int], of: Callable[[Detection], int]) -> dict[str, Any]:
        """Share of all lesions: that of each patient, weighted by how many it has."""
        counts = [of(d) for d in patients]
        shares = [found(d) / n if n else math.nan for d, n in zip(patients, counts, strict=True)]
        return _interval(shares, counts)

    by_diameter = {}
    for low, high in pairwise(DIAMETERS_MM):
        name = f"{low:g} to {high:g}" if high < math.inf else f"{low:g} and more"

        def inside(d: Detection, low: float = low, high: float = high) -> int:
            return int(((d.diameter_mm >= low) & (d.diameter_mm < high)).sum())

        def hit(d: Detection, low: float = low, high: float = high) -> int:
            return d.found(from_mm=low, to_mm=high)

        by_diameter[name] = {"lesions": sum(map(inside, patients))} | pooled(hit, inside)
    means = ("false_pieces", "false_positive_ml", "false_negative_ml")
    return {
        "n": sum(d.lesions for d in patients),
        "found": {
            f"{share:g}": pooled(lambda d, s=share: d.found(s), lambda d: d.lesions)  # type: ignore[misc]
            for share in SHARES
        },
        "found_by_diameter_mm": by_diameter,
        **{name: _interval([float(getattr(d, name)) for d in patients]) for name in means},
        "volume_error_ml": _interval([d.prediction_ml - d.truth_ml for d in patients]),
    }


def _interval(scores: Sequence[float], weights: Sequence[float] | None = None) -> dict[str, Any]:
    found = asdict(bootstrap_interval(scores, weights, method="percentile"))
    return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in found.items()}
