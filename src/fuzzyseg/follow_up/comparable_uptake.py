"""In which unit the uptake of two days can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fuzzyseg.follow_up.day import Day

RELATIVE = "times bone"


@dataclass(frozen=True)
class Uptake:
    """How uptake is compared.

    Parameters
    ----------
    unit : str
        "SUV", or "times bone": each day's values over its own reference of healthy bone.
    scales : (float, float) or None
        What values of each day's image are multiplied by; None where nothing compares them.
    reason : str
        Why it is not SUV, or not at all; empty with SUV.
    """

    unit: str
    scales: tuple[float, float] | None
    reason: str = ""


def comparable(baseline: Day, follow_up: Day) -> Uptake:
    """Take SUV where both days have it of one kind, else uptake relative to each day's bone.

    Bq/mL and counts of two days are no measure of change: other activities were given, at other
    times.
    """
    days = {"baseline": baseline.summary, "follow-up": follow_up.summary}
    suvs = [_suv(summary) for summary in days.values()]
    kinds = [summary["suv"]["kind"] for summary in days.values()]
    why = "; ".join(
        f"no SUV at {name}: {summary['suv']['reason'] or 'not computed'}"
        for (name, summary), scale in zip(days.items(), suvs, strict=True)
        if scale is None
    )
    if not why and kinds[0] != kinds[1]:
        why = f"SUV is by {kinds[0]} at baseline and by {kinds[1]} at follow-up"
    before, after = suvs
    if not why and before is not None and after is not None:
        return Uptake("SUV", (before, after))
    bones = [summary["patient"]["bone_reference"] for summary in days.values()]
    missing = [n for n, b in zip(days, bones, strict=True) if b is None or not b > 0]
    if missing:
        return Uptake(RELATIVE, None, f"{why}; no bone to compare with at {' and '.join(missing)}")
    return Uptake(RELATIVE, (1 / bones[0], 1 / bones[1]), why)


def _suv(summary: Mapping[str, Any]) -> float | None:
    """SUV of 1 in the image's unit; None where there is none."""
    if summary["suv"]["reason"]:
        return None
    return 1.0 if summary["image"]["unit"] == "SUV" else summary["suv"]["per_bq_ml"]
