"""The patient's sums on both days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fuzzyseg.follow_up.change import Both
    from fuzzyseg.follow_up.comparison import Comparison
    from fuzzyseg.follow_up.day import Day


@dataclass(frozen=True)
class Total:
    """One sum: its name and title, its unit, both days' values, and the limit of their ratio."""

    name: str
    title: str
    unit: str
    values: Both
    decimals: int = 1
    limit: float | None = None


def totals_of(comparison: Comparison) -> tuple[Total, ...]:
    """Sum up both days: lesions, their volume and uptake, the hottest, the skeleton's share."""
    c, days = comparison, (comparison.baseline, comparison.follow_up)
    unit = c.uptake.unit
    scales = (None, None) if c.uptake.scales is None else c.uptake.scales
    counts, volumes, burdens, bones = (
        _both(*(day.summary["patient"][name] for day in days))
        for name in (
            "lesion_count", "lesion_volume_ml", "spect_skeletal_burden_percent", "bone_volume_ml",
        )
    )  # fmt: skip
    sums = _both(*(_uptake(day, scale) for day, scale in zip(days, scales, strict=True)))
    peaks = _both(*(_hottest(day, scale) for day, scale in zip(days, scales, strict=True)))
    return (
        Total("lesion_count", "Lesions", "", counts, 0),
        Total("lesion_volume_ml", "Lesion volume", "mL", volumes, 1,
              c.limits.patient_limit("volume", c.uptake)),
        Total("lesion_uptake", "Lesion uptake", f"{unit} × mL", sums, 0,
              None if c.uptake.scales is None else c.limits.patient_limit("total", c.uptake)),
        Total("highest_peak", "Highest peak", unit, peaks),
        Total("spect_skeletal_burden_percent", "Skeletal burden",
              "% of the skeleton\u2019s volume", burdens),
        Total("bone_volume_ml", "Bone", "mL", bones, 0),
    )  # fmt: skip


def _both(before: float | None, after: float | None) -> Both:
    return before, after


def _uptake(day: Day, scale: float | None) -> float | None:
    if scale is None:
        return None
    return float(sum(m["image_mean"] * m["volume_ml"] * scale for m in day.summary["lesions"]))


def _hottest(day: Day, scale: float | None) -> float | None:
    peaks = [m["image_peak"] for m in day.summary["lesions"]]
    return None if scale is None or not peaks else float(max(peaks) * scale)
