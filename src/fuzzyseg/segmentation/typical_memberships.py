"""Whether a network's memberships are like those it gave patients that it was not trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.body import body_mask
from fuzzyseg.models.card import STATISTICS, Typical
from fuzzyseg.segmentation.domain import MAX_SCORE, Domain, emission_body

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fuzzyseg.models.card import Card
    from fuzzyseg.volume import Segmentation

_SEEN, _DECIDED = 0.95, 0.8  # memberships; see `Typical`
_PERCENTILES = (5, 95)
_SMALLEST = 1e-3  # shares below it are alike
# How far beyond the card's range of log odds is the worst, in widths of that range. A width is this
# at least: a few patients may happen to be alike.
_WORST, _NARROWEST = 3.0, 1.0
_TOLD = {
    "bone": "of its body bone",
    "undecided": "of the possible bone undecided",
}


def statistics(segmentation: Segmentation) -> dict[str, float]:
    """Measure memberships as `Typical` says.

    Returns
    -------
    dict of str to float
        For each name of `STATISTICS` a share from 0 to 1; 0 of nothing.
    """
    volume = segmentation.volume
    body = body_mask(volume) if volume.modality == "CT" else emission_body(volume)
    voxels = seen = undecided = 0
    bone = 0.0
    # Plane by plane, in the order in which they lie in memory: large images need no copies.
    for u, inside in zip(segmentation.memberships.transpose(3, 0, 2, 1), body.T, strict=True):
        maybe = u[0] < _SEEN
        voxels += int(inside.sum())
        seen += int(maybe.sum())
        undecided += int((u.max(0)[maybe] < _DECIDED).sum())
        bone += float(u[1][inside].sum(dtype=np.float64))
    return {"bone": bone / max(voxels, 1), "undecided": undecided / max(seen, 1)}


def typical(patients: Sequence[Mapping[str, float]]) -> Typical:
    """Summarise what `statistics` found of one patient or more."""
    ranges = {}
    for name in STATISTICS:
        low, high = np.percentile([found[name] for found in patients], _PERCENTILES)
        ranges[name] = (round(float(low), 4), round(float(high), 4))
    return Typical(len(patients), **ranges)


def typical_domain(found: Mapping[str, float], card: Card) -> Domain:
    """Judge what `statistics` found by what the model's card says is typical."""
    scores, unlike = [0.0], []
    for name in STATISTICS:
        usual = getattr(card.typical, name)
        if usual is None:
            continue
        score = _far(found[name], *usual)
        scores.append(score)
        if score > MAX_SCORE:
            low, high = usual
            unlike.append(f"{found[name]:.1%} {_TOLD[name]}, usually {low:.1%} to {high:.1%}")
    if not unlike:
        return Domain(round(max(scores), 3), ())
    return Domain(
        round(max(scores), 3),
        (
            f"The model {card.name} gives results unlike those for patients of the "
            f"kind that it was trained on: {'; '.join(unlike)}. Look at the preview.",
        ),
    )


def _far(share: float, low: float, high: float) -> float:
    value, first, last = (_log_odds(s) for s in (share, low, high))
    width = max(last - first, _NARROWEST)
    return float(np.clip(max(first - value, value - last) / (_WORST * width), 0, 1))


def _log_odds(share: float) -> float:
    inside = min(max(share, _SMALLEST), 1 - _SMALLEST)
    return float(np.log(inside / (1 - inside)))
