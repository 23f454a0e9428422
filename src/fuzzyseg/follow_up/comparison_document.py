"""compare.json and changes.csv: what has changed, with units in names."""

from __future__ import annotations

import csv
import io
from importlib import metadata
from typing import TYPE_CHECKING, Any

from fuzzyseg.follow_up.change import percent
from fuzzyseg.follow_up.patient_totals import totals_of

if TYPE_CHECKING:
    from fuzzyseg.follow_up.change import Both, Change
    from fuzzyseg.follow_up.comparison import Comparison
    from fuzzyseg.follow_up.day import Day

SCHEMA_VERSION = 1
_SIDES = ("baseline", "follow_up")
_VALUES = ("volume_ml", "peak", "mean", "total")


def document(comparison: Comparison) -> dict[str, Any]:
    """Describe a comparison in values that JSON can hold; no names, dates or paths."""
    c = comparison
    days = zip(_SIDES, (c.baseline, c.follow_up), strict=True)
    return {
        "schema_version": SCHEMA_VERSION,
        "fuzzyseg_version": metadata.version("fuzzyseg"),
        **{side: _day(day) for side, day in days},
        "alignment": {
            "by": c.alignment.by,
            "agreement": c.alignment.agreement,
            "shift_mm": list(c.alignment.shift_mm),
            "turn_deg": list(c.alignment.turn_deg),
            "shared": c.alignment.shared,
            "baseline_from_follow_up": c.alignment.baseline_from_follow_up.tolist(),
        },
        "uptake": {"unit": c.uptake.unit, "reason": c.uptake.reason},
        "repeatability": {"measured_on": c.limits.measured_on, "pairs": c.limits.pairs},
        "patient": {
            each.name: {
                **dict(zip(_SIDES, each.values, strict=True)),
                "change_percent": percent(each.values),
                "limits_percent": _limits(each.limit),
            }
            for each in totals_of(c)
        },
        "lesions": [_lesion(each) for each in c.changes],
        "notes": list(c.notes),
    }


def _day(day: Day) -> dict[str, Any]:
    return {"image": day.summary["image"], "ct": day.ct is not None, "method": day.method}


def _lesion(change: Change) -> dict[str, Any]:
    told: dict[str, Any] = {
        "number": change.number,
        "change": change.told,
        "kind": change.kind,
        "words": list(change.words),
        "beyond_repeatability": change.beyond,
        "baseline_lesions": list(change.baseline),
        "follow_up_lesions": list(change.follow_up),
        "site": change.site,
        "overlap": change.overlap,
        "at_border": change.at_border,
    }
    for name in _VALUES:
        values: Both = getattr(change, name)
        told[name] = {
            **dict(zip(_SIDES, values, strict=True)),
            "change_percent": change.percent(name),
        }
    told["volume_ml"]["limits_percent"] = _limits(change.volume_limit)
    told["peak"]["limits_percent"] = _limits(change.peak_limit)
    return told | {"reasons": dict(change.reasons)}


def _limits(ratio: float | None) -> list[float] | None:
    return None if ratio is None else [100 * (1 / ratio - 1), 100 * (ratio - 1)]


def changes_csv(comparison: Comparison) -> str:
    """Write a row a lesion; what is unknown is empty, the last column says why."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    plain = ("number", "change", "beyond_repeatability", "baseline_lesions", "follow_up_lesions")
    writer.writerow(
        [*plain, "site", "overlap"]
        + [f"{name}_{end}" for name in _VALUES for end in (*_SIDES, "change_percent")]
        + [f"{name}_limit_{end}_percent" for name in ("volume", "peak") for end in ("low", "high")]
        + ["uptake_unit", "reasons"]
    )
    for each in document(comparison)["lesions"]:
        values = [each[name][end] for name in _VALUES for end in (*_SIDES, "change_percent")]
        limits = [
            limit
            for name in ("volume_ml", "peak")
            for limit in each[name]["limits_percent"] or (None, None)
        ]
        why = "; ".join(f"{name}: {reason}" for name, reason in each["reasons"].items())
        cells = [*(each[name] for name in (*plain, "site", "overlap")), *values, *limits]
        writer.writerow([*map(_cell, cells), comparison.uptake.unit, why])
    return text.getvalue()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return " ".join(map(str, value))
    return f"{value:.6g}" if isinstance(value, float) else value
