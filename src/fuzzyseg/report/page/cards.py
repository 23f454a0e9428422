"""What a physician looks for first: how many lesions, how large, how hot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.report.page.text import escaped, number, unit_name

if TYPE_CHECKING:
    from fuzzyseg.quantification import Lesion, Quantification


def figures(q: Quantification) -> str:
    """Lay out the totals, the largest lesion and the hottest, as terms with their values."""
    p, why = q.patient, q.patient.reasons
    largest = q.lesions[0] if q.lesions else None
    hottest = next((one for one in q.lesions if p.hottest and one.number == p.hottest[0]), None)
    no_lesion = why.get("lesion_count", "no lesion was found")
    told: tuple[tuple[str, str, str], ...] = (
        ("Lesions", number(p.lesion_count, 0, no_lesion), ""),
        ("Largest lesion", _volume(largest, no_lesion), _of_largest(largest, q)),
        (
            "Highest SUVmax" if q.scales.suv is not None else "Highest uptake",
            number(_highest(hottest, q), 1, no_lesion),
            "" if hottest is None else _joined(_unit(q), f"lesion {hottest.number}"),
        ),
        ("Lesion volume", number(p.lesion_volume_ml, 1, why.get("lesion_volume_ml", "")), "mL"),
        ("Lesion uptake", *_uptake(q)),
        (
            "Skeletal burden",
            number(
                p.spect_skeletal_burden_percent, 1, why.get("spect_skeletal_burden_percent", "")
            ),
            "% of the skeleton\u2019s volume",
        ),
    )
    if p.lesion_count is None:  # a CT alone: bone is all there is
        told = (("Bone", number(p.bone_volume_ml, 1, why.get("bone_volume_ml", "")), "mL"),)
    return "\n".join(
        f'<div class="card"><dt>{title}</dt><dd>{value}</dd>'
        f'<dd class="unit">{escaped(unit)}</dd></div>'
        for title, value, unit in told
    )


def _volume(largest: Lesion | None, why: str) -> str:
    if largest is None:
        return number(None, 1, why)
    return f"{number(largest.volume_ml, 1)} <small>mL</small>"


def _of_largest(largest: Lesion | None, q: Quantification) -> str:
    if largest is None:
        return ""
    highest = number(_highest(largest, q), 1)
    name = "SUVmax" if q.scales.suv is not None else "maximum"
    return _joined(f"lesion {largest.number}", f"{name} {highest}", largest.site or "")


def _highest(one: Lesion | None, q: Quantification) -> float | None:
    if one is None:
        return None
    return one.image_max if q.scales.suv is None else one.suv_max


def _unit(q: Quantification) -> str:
    return unit_name(q.scales.unit) if q.scales.suv is None else ""


def _uptake(q: Quantification) -> tuple[str, str]:
    """Total uptake in SUV mL, else in kBq, and beside its unit what it is corrected for blur."""
    p, why = q.patient, q.patient.reasons
    if q.scales.suv is None and q.scales.bq is not None:
        total, corrected = (
            None if bq is None else bq / 1000
            for bq in (p.lesion_activity_bq, p.lesion_corrected_activity_bq)
        )
        unit, reason = "kBq", why.get("lesion_activity_bq", "")
    else:
        total, corrected = p.lesion_total_suv_ml, p.lesion_corrected_total_suv_ml
        unit, reason = "SUV mL", why.get("lesion_total_suv_ml", "")
    fixed = "" if corrected is None else f"corrected for blur {number(corrected, 0)}"
    return number(total, 0, reason), _joined(unit, fixed)


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
