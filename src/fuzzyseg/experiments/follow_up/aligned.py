"""How well days are aligned, and how pairs of strangers differ from pairs of one patient."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.follow_up.alignment import align_days

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fuzzyseg.experiments.follow_up.pairs import Pair
    from fuzzyseg.follow_up.alignment import Alignment


def alignment_table(pairs: Sequence[Pair]) -> str:
    """Markdown table of errors at lesions' centres and of agreement, with and without CTs."""
    lines = [
        "| by | median error, mm | 95% | largest | agreement of one patient | of two |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for by in ("CT", "SPECT"):
        found = [one.alignment if by == "CT" else _aligned(one, one, by) for one in pairs]
        errors = np.concatenate([errors_mm(p, a) for p, a in zip(pairs, found, strict=True)])
        # The follow-up of the next patient is somebody else's.
        others = [_aligned(a, b, by) for a, b in zip(pairs, [*pairs[1:], pairs[0]], strict=True)]
        middle, high = np.percentile(errors, (50, 95))
        lines.append(
            f"| {by} | {middle:.1f} | {high:.1f} | {errors.max():.1f} | {_range(found)} | "
            f"{_range(others)} |"
        )
    return "\n".join(lines)


def _aligned(first: Pair, later: Pair, by: str) -> Alignment:
    days = (first.baseline, later.follow_up)
    return align_days(*(day if by == "CT" else replace(day, ct=None) for day in days))


def errors_mm(pair: Pair, alignment: Alignment) -> list[float]:
    """Distances between where lesions of both days were and where they come, bends and all."""
    move = alignment.baseline_from_follow_up
    both = [each["centre_mm"] for each in pair.lesions if None not in each["centre_mm"]]
    return [
        float(np.linalg.norm(move[:3, :3] @ after + move[:3, 3] - before)) for before, after in both
    ]


def _range(found: Sequence[Alignment]) -> str:
    agreements = [a.agreement for a in found]
    return f"{min(agreements):.2f} to {max(agreements):.2f}"
