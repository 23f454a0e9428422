"""What `compare` tells of lesions whose change is known."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.follow_up.change import changes_of
from fuzzyseg.follow_up.comparable_uptake import comparable
from fuzzyseg.follow_up.matching import lesion_places

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fuzzyseg.experiments.follow_up.pairs import Pair
    from fuzzyseg.follow_up.change import Change
    from fuzzyseg.follow_up.day import Day
    from fuzzyseg.follow_up.repeatability import Repeatability

SLACK_MM = 5.0  # a lesion is found where one is no further from its centre than radius and this
_OPPOSITE = {"grown": "shrunk", "shrunk": "grown", "hotter": "cooler", "cooler": "hotter"}
KINDS = ("new", "gone", "grown", "shrunk", "hotter", "cooler", "unchanged")


def true_kinds(lesion: dict[str, Any]) -> list[str]:
    """Name what is true of a lesion of follow_up.json: "gone"; "grown" and "hotter"; ..."""
    if lesion["change"] in {"new", "gone", "unchanged"}:
        return [str(lesion["change"])]
    diameters, heats = lesion["diameter_mm"], lesion["to_bone"]
    size = ["grown"] if diameters[1] > diameters[0] else ["shrunk"]
    heat = ["hotter"] if heats[1] > heats[0] else ["cooler"]
    return (size if diameters[1] != diameters[0] else []) + (heat if heats[1] != heats[0] else [])


def covering(day: Day, centre: Sequence[float], diameter_mm: float) -> set[int]:
    """Numbers of the found lesions that come near a true one's centre."""
    places = lesion_places(day.lesions, day.spect.affine)
    reach = diameter_mm / 2 + SLACK_MM
    return {
        number
        for number, at in enumerate(places, start=1)
        if np.linalg.norm(at - np.asarray(centre), axis=1).min() <= reach
    }


def told_of(pair: Pair, changes: Sequence[Change]) -> list[tuple[dict[str, Any], list[Change]]]:
    """Find, for each true lesion, what was told of the lesions that cover it on either day."""
    found = []
    for each in pair.lesions:
        days = zip(("baseline", "follow_up"), (pair.baseline, pair.follow_up),
                   each["centre_mm"], each["diameter_mm"], strict=True)  # fmt: skip
        seen = {
            name: covering(day, centre, diameter)
            for name, day, centre, diameter in days
            if centre is not None
        }
        found.append(
            (each, [c for c in changes if any(set(getattr(c, name)) & seen[name] for name in seen)])
        )
    return found


def _verdict(kind: str, changes: Sequence[Change]) -> str:
    """Say whether what was told is right, wrong, or nothing."""
    if not changes:
        return "not found"
    said = {word for c in changes for word in (*c.words, *_absent(c))}
    if kind == "unchanged":
        return "wrong" if said else "right"
    if kind in said:
        return "right"
    wrong = {_OPPOSITE.get(kind, ""), *({"new", "gone"} - {kind})}
    return "wrong" if said & wrong else "nothing"


def _absent(change: Change) -> list[str]:
    return [change.kind] if change.kind in {"new", "gone"} and change.beyond else []


def _changes(pair: Pair, limits: Repeatability) -> tuple[Change, ...]:
    days = (pair.baseline, pair.follow_up)
    move = pair.alignment.baseline_from_follow_up
    return changes_of(*days, move, comparable(*days), limits)


def told_counts(pairs: Sequence[Pair], limits: Repeatability) -> str:
    """Say what is told of pairs in which nothing has changed."""
    counted = Counter(each.told for pair in pairs for each in _changes(pair, limits))
    return "Told of them: " + ", ".join(f"{n} {what}" for what, n in counted.most_common()) + "."


def told_table(pairs: Sequence[Pair], limits: Repeatability) -> str:
    """Markdown table of true changes against what is told, and how many are of no lesion."""
    counts: Counter[tuple[str, str]] = Counter()
    false: Counter[str] = Counter()
    for pair in pairs:
        changes = _changes(pair, limits)
        told = told_of(pair, changes)
        for lesion, some in told:
            for kind in true_kinds(lesion):
                counts[kind, _verdict(kind, some)] += 1
        real = {c.number for _, some in told for c in some}
        false.update(c.told for c in changes if c.number not in real)
    columns = ("right", "nothing", "wrong", "not found")
    lines = [
        f"| true | lesions | {' | '.join(f'told {c}' for c in columns[:3])} | not found |",
        "| --- |" + " ---: |" * 5,
    ]
    for kind in KINDS:
        cells = [counts[kind, column] for column in columns]
        lines.append(f"| {kind} | {sum(cells)} | {' | '.join(map(str, cells))} |")
    said = ", ".join(f"{n} {what}" for what, n in false.most_common()) or "none"
    return "\n".join(lines) + f"\n\nTold of what is no lesion: {said}."
