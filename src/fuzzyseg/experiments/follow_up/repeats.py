"""How far both days' measures differ where nothing has changed."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.follow_up.change import changes_of
from fuzzyseg.follow_up.comparable_uptake import RELATIVE, Uptake
from fuzzyseg.follow_up.repeatability import FILE, Repeatability

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fuzzyseg.experiments.follow_up.pairs import Pair
    from fuzzyseg.follow_up.change import Change
    from fuzzyseg.follow_up.repeatability import Measure

EDGES_ML = (3.0, 8.0)  # between sizes that are told apart, where each has
LEAST = 10  # lesions or more
# Of simulated patients as much is given on both days: Bq/mL compare as SUV does.
_AS_SUV = Uptake("SUV", (1.0, 1.0))
_NOTHING = Repeatability("none", 0, ({"below_ml": None, "volume": 0.0, "peak": 0.0},), {})


@dataclass(frozen=True)
class Repeat:
    """A lesion that was found on both days: its volume, and logarithms of ratios, by measure."""

    volume_ml: float
    logs: Mapping[str, float]


@dataclass(frozen=True)
class Measured:
    """What pairs without change show.

    Parameters
    ----------
    repeats : tuple of Repeat
        Lesions found on both days, one as one.
    patients : tuple of mapping
        Logarithms of ratios of patients' sums.
    alone : tuple of Change
        Lesions found on one day alone.
    pairs : int
    """

    repeats: tuple[Repeat, ...]
    patients: tuple[Mapping[str, float], ...]
    alone: tuple[Change, ...]
    pairs: int

    def as_dict(self) -> dict[str, Any]:
        """As repeatability.json holds it."""
        bins = []
        edges = self.edges_ml()
        for low, high in zip((0.0, *edges), (*edges, math.inf), strict=True):
            some = [r.logs for r in self.repeats if low <= r.volume_ml < high]
            below = None if math.isinf(high) else high
            bins.append({"below_ml": below, "lesions": len(some), **_rms(some)})
        return {"pairs": self.pairs, "bins": bins, "patient": _rms(self.patients)}

    def edges_ml(self) -> list[float]:
        """Find the edges of `EDGES_ML` between sizes of which there are enough lesions."""
        sizes = np.array([r.volume_ml for r in self.repeats])
        kept = [0.0]
        for edge in EDGES_ML:
            if min((sizes[sizes >= kept[-1]] < edge).sum(), (sizes >= edge).sum()) >= LEAST:
                kept.append(edge)
        return kept[1:]

    def limits(self) -> Repeatability:
        """Give the same as `compare` takes it."""
        found = self.as_dict()
        return Repeatability("measured", self.pairs, tuple(found["bins"]), found["patient"])


def measured(pairs: Sequence[Pair]) -> Measured:
    """Compare both days of patients in whom nothing has changed."""
    repeated, patients, alone = [], [], []
    for pair in pairs:
        days = (pair.baseline, pair.follow_up)
        bones = [day.summary["patient"]["bone_reference"] for day in days]
        relative = math.log(bones[1] / bones[0])
        move = pair.alignment.baseline_from_follow_up
        changes = changes_of(*days, move, _AS_SUV, _NOTHING)
        for each in changes:
            if each.kind == "same" and "volume_change" not in each.reasons:
                logs = {
                    name: _log(values)
                    for name, values in (
                        ("volume", each.volume_ml), ("peak", each.peak), ("total", each.total),
                    )
                }  # fmt: skip
                size = math.sqrt(math.prod(v for v in each.volume_ml if v is not None))
                repeated.append(Repeat(size, _with_relative(logs, relative)))
            elif each.kind in {"new", "gone"}:
                alone.append(each)
        sums = [_sums(changes, day) for day in (0, 1)]
        if all(s["volume"] > 0 for s in sums):
            logs = {name: math.log(sums[1][name] / sums[0][name]) for name in sums[0]}
            patients.append(_with_relative(logs, relative))
    return Measured(tuple(repeated), tuple(patients), tuple(alone), len(pairs))


def _log(values: tuple[float | None, float | None]) -> float:
    before, after = values
    if before is None or after is None:
        raise ValueError("a lesion of both days has measures of both")
    return math.log(after / before)


def _with_relative(logs: dict[str, float], relative: float) -> dict[str, float]:
    return logs | {
        f"{name}_to_bone": logs[name] - relative for name in ("peak", "total") if name in logs
    }


def _sums(changes: Sequence[Change], day: int) -> dict[str, float]:
    """Sum up the lesions of a day, the first or the second, that both fields hold."""
    held = [each for each in changes if each.kind != "not in field"]
    return {
        "volume": sum(each.volume_ml[day] or 0.0 for each in held),
        "total": sum(each.total[day] or 0.0 for each in held),
    }


def _rms(logs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Root mean square of each measure's logarithms: nothing has changed, so their mean is 0."""
    if not logs:
        return {}
    return {
        name: round(float(np.sqrt(np.mean([each[name] ** 2 for each in logs]))), 4)
        for name in logs[0]
    }


def repeats(found: Measured) -> str:
    """Markdown table of limits: what 95% of unchanged lesions show."""
    limits = found.limits()
    relative = Uptake(RELATIVE, (1.0, 1.0))
    columns: tuple[tuple[Measure, Uptake], ...] = (
        ("volume", _AS_SUV), ("peak", _AS_SUV), ("peak", relative),
        ("total", _AS_SUV), ("total", relative),
    )  # fmt: skip
    lines = [
        "| volume, mL | lesions | volume | peak | peak to bone | uptake | uptake to bone |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    low = 0.0
    for each in limits.bins:
        high = each["below_ml"]
        name = f"from {low:g}" if high is None else f"{low:g} to {high:g}"
        size = low if high is None else (low + high) / 2
        cells = [_both(limits.limit(what, size, unit)) for what, unit in columns]
        lines.append(f"| {name} | {each['lesions']} | {' | '.join(cells)} |")
        low = high or low
    cells = [
        _both(limits.patient_limit("volume", _AS_SUV)), "-", "-",
        _both(limits.patient_limit("total", _AS_SUV)),
        _both(limits.patient_limit("total", relative)),
    ]  # fmt: skip
    lines.append(f"| a patient's sum | {len(found.patients)} patients | {' | '.join(cells)} |")
    sizes = [v for each in found.alone for v in each.volume_ml if v is not None]
    told = f"Lesions on both days: {len(found.repeats)}, on one alone: {len(found.alone)}"
    if sizes:
        told += f", of {np.median(sizes):.1f} mL in the middle, {max(sizes):.1f} at most"
    return "\n".join(lines) + f"\n\n{told}."


def _both(ratio: float) -> str:
    return f"\u2212{100 * (1 - 1 / ratio):.0f}% to +{100 * (ratio - 1):.0f}%"


def write_package(method: str, found: Measured) -> None:
    """Put a method's repeatability beside `fuzzyseg.follow_up.repeatability`, which reads it."""
    path = Path(str(resources.files("fuzzyseg.follow_up"))) / FILE
    told = json.loads(path.read_text("utf-8")) if path.exists() else {"methods": {}}
    told["methods"][method] = found.as_dict()
    told.setdefault("default", method)
    path.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
