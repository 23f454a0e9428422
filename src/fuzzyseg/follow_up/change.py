"""What has become of each lesion, and whether it is more than happens without change."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fuzzyseg.follow_up.matching import lesion_places, match, shares, voxels_at
from fuzzyseg.quantification.peak import peak, sphere_weights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fuzzyseg.follow_up.comparable_uptake import Uptake
    from fuzzyseg.follow_up.day import Day
    from fuzzyseg.follow_up.matching import Match, Places
    from fuzzyseg.follow_up.repeatability import Repeatability

Kind = Literal["same", "merged", "split", "regrouped", "new", "gone", "not in field"]
Both = tuple[float | None, float | None]
_IN_FIELD = 0.5  # share of a lesion that the other day's field must hold to say that it is absent
_CUT = "cut off by the field's border"


@dataclass(frozen=True)
class Change:
    """A lesion, or several that merged or split, on both days.

    Parameters
    ----------
    number : int
        From 1, the largest.
    kind : {"same", "merged", "split", "regrouped", "new", "gone", "not in field"}
        "not in field": it is on one day, and the other day's field does not hold its place.
    words : tuple of {"grown", "shrunk", "hotter", "cooler"}
        What has changed beyond repeatability.
    beyond : bool
        Whether anything has; of "new" and "gone", whether the uptake at their place has.
    baseline, follow_up : tuple of int
        Numbers of the lesions in each day's results.
    site : str or None
    volume_ml, peak, mean, total : (baseline, follow-up) of float or None
        Sums and, of `mean`, the mean over the lesions; uptake in `Uptake.unit`, total times mL.
        Where there is no lesion, `peak` is measured at the place of the other day's, the rest None.
    volume_limit, peak_limit : float or None
        Largest ratio of both days, and its inverse the smallest, that no change shows too.
    overlap : float
        Share of the smaller lesion that lies in the other's.
    at_border : bool
        It reaches the border of a day's field: volume and total there are of a part of it.
    reasons : mapping of str to str
        Why a value is None, or a change is not judged.
    """

    number: int
    kind: Kind
    words: tuple[str, ...]
    beyond: bool
    baseline: tuple[int, ...]
    follow_up: tuple[int, ...]
    site: str | None
    volume_ml: Both
    peak: Both
    mean: Both
    total: Both
    volume_limit: float | None
    peak_limit: float | None
    overlap: float
    at_border: bool = False
    reasons: Mapping[str, str] = field(default_factory=dict)

    def percent(self, name: str) -> float | None:
        """Change in percent of a value; None where it is not known, or `reasons` has NAME_change.

        Parameters
        ----------
        name : {"volume_ml", "peak", "mean", "total"}
        """
        if f"{name.removesuffix('_ml')}_change" in self.reasons:
            return None
        values: Both = getattr(self, name)
        return percent(values)

    @property
    def told(self) -> str:
        """What has become of it, in a few words."""
        if self.kind == "not in field":
            where = "baseline" if not self.baseline else "follow-up"
            return f"outside the field at {where}"
        if self.kind in {"new", "gone"}:
            known = self.peak_limit is not None
            return f"{self.kind}, but as warm as before" if known and not self.beyond else self.kind
        said = [] if self.kind == "same" else [self.kind]
        return ", ".join([*said, *(self.words or (self._unchanged,))])

    @property
    def _unchanged(self) -> str:
        if "volume_change" not in self.reasons:
            return "unchanged"
        return "not judged" if self.peak_limit is None else "peak unchanged"


def percent(values: Both) -> float | None:
    """Change from baseline to follow-up in percent; None where either is unknown or not above 0."""
    ratio = _ratio(values)
    return None if ratio is None else 100 * (ratio - 1)


def _ratio(values: Both) -> float | None:
    before, after = values
    if before is None or after is None or before <= 0 or after <= 0:
        return None
    return after / before


def changes_of(
    baseline: Day,
    follow_up: Day,
    move: NDArray[np.float64],
    uptake: Uptake,
    limits: Repeatability,
) -> tuple[Change, ...]:
    """Match the lesions of two days and compare them.

    Parameters
    ----------
    baseline, follow_up : Day
    move : float64 ndarray of shape (4, 4)
        From places of the follow-up to those of the baseline, mm RAS.
    uptake : Uptake
    limits : Repeatability

    Returns
    -------
    tuple of Change
        The largest first.
    """
    sides = (_Side.of(baseline, np.eye(4), 0, uptake), _Side.of(follow_up, move, 1, uptake))
    before, after = sides
    volumes = np.array([len(p) * side.voxel_ml for side in sides for p in side.places])
    n = len(before.places)
    shared = shares(before.places, after.day.lesions, after.affine) * volumes[:n, None]
    back = shares(after.places, before.day.lesions, before.affine).T * volumes[n:]
    smaller = np.minimum(volumes[:n, None], volumes[n:])
    found = match(before.places, after.places, (shared + back) / 2 / smaller, volumes)
    return tuple(_change(k, each, sides, uptake, limits) for k, each in enumerate(found, start=1))


@dataclass(frozen=True, eq=False)
class _Side:
    """One day, its lesions' places in the baseline's frame, and its uptake's scale."""

    day: Day
    affine: NDArray[np.float64]  # of its grid, moved
    places: Places
    scale: float | None
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, day: Day, move: NDArray[np.float64], which: int, uptake: Uptake) -> _Side:
        affine = move @ day.spect.affine
        scale = None if uptake.scales is None else uptake.scales[which]
        weights = sphere_weights(day.spect.affine)
        return cls(day, affine, lesion_places(day.lesions, affine), scale, weights)

    @property
    def voxel_ml(self) -> float:
        return self.day.spect.voxel_volume_ml

    def measured(self, numbers: Sequence[int]) -> dict[str, float | None]:
        """Volume, peak, mean and total of some of its lesions together."""
        if not numbers:
            return dict.fromkeys(("volume", "peak", "mean", "total"))
        each = [self.day.measures[n] for n in numbers]
        volume = sum(m["volume_ml"] for m in each)
        total = sum(m["image_mean"] * m["volume_ml"] for m in each)
        highest = max(m["image_peak"] for m in each)
        values = {"volume": volume, "peak": highest, "mean": total / volume, "total": total}
        return {k: v if k == "volume" else self._scaled(v) for k, v in values.items()}

    def peak_at(self, places: NDArray[np.float64]) -> tuple[float | None, bool]:
        """Peak about places of the other day's lesion, and whether the field holds them."""
        shape = self.day.spect.shape
        index, inside = voxels_at(shape, self.affine, places)
        if inside.mean() < _IN_FIELD:
            return None, False
        return self._scaled(peak(self.day.spect.array, index, self.weights)), True

    def _scaled(self, value: float) -> float | None:
        return None if self.scale is None else value * self.scale


def _change(
    number: int, pair: Match, sides: tuple[_Side, _Side], uptake: Uptake, limits: Repeatability
) -> Change:
    before, after = (
        side.measured(n) for side, n in zip(sides, (pair.baseline, pair.follow_up), strict=True)
    )
    kind = _kind(pair)
    if not pair.baseline or not pair.follow_up:
        there, absent = (sides[1], before) if not pair.baseline else (sides[0], after)
        other = sides[0] if not pair.baseline else sides[1]
        numbers = pair.follow_up or pair.baseline
        places = np.concatenate([there.places[n - 1] for n in numbers])
        absent["peak"], held = other.peak_at(places)
        kind = kind if held else "not in field"
    volume, peaks = (before["volume"], after["volume"]), (before["peak"], after["peak"])
    sizes = [v for v in volume if v is not None]
    size = math.exp(sum(map(math.log, sizes)) / len(sizes))
    words, reasons = [], _reasons(kind, uptake)
    volume_limit = peak_limit = None
    if kind != "not in field" and uptake.scales is not None:
        peak_limit = limits.limit("peak", size, uptake)
        words += _beyond(peaks, peak_limit, ("hotter", "cooler"))
    cut = any(
        _at_border(side, n) for side, n in zip(sides, (pair.baseline, pair.follow_up), strict=True)
    )
    if len(sizes) == 2:
        if cut:
            reasons |= dict.fromkeys(("volume_change", "total_change"), _CUT)
        else:
            volume_limit = limits.limit("volume", size, uptake)
            words = _beyond(volume, volume_limit, ("grown", "shrunk")) + words
    one_day = kind in {"new", "gone", "not in field"}
    return Change(
        number=number,
        kind=kind,
        words=() if one_day else tuple(words),
        beyond=bool(words),
        baseline=pair.baseline,
        follow_up=pair.follow_up,
        site=_site(sides, pair),
        volume_ml=volume,
        peak=peaks,
        mean=(before["mean"], after["mean"]),
        total=(before["total"], after["total"]),
        volume_limit=volume_limit,
        peak_limit=peak_limit,
        overlap=round(pair.overlap, 4),
        at_border=cut,
        reasons=reasons,
    )


def _kind(pair: Match) -> Kind:
    before, after = len(pair.baseline), len(pair.follow_up)
    if not before:
        return "new"
    if not after:
        return "gone"
    if before == after == 1:
        return "same"
    return "merged" if after == 1 else "split" if before == 1 else "regrouped"


def _beyond(values: Both, limit: float, words: tuple[str, str]) -> list[str]:
    ratio = _ratio(values)
    if ratio is None:
        return []
    return [words[0]] if ratio > limit else [words[1]] if ratio < 1 / limit else []


def _reasons(kind: Kind, uptake: Uptake) -> dict[str, str]:
    reasons = {}
    if kind == "not in field":
        reasons["change"] = "the other day's field does not hold its place"
    if uptake.scales is None:
        reasons |= dict.fromkeys(("peak", "mean", "total"), uptake.reason)
    return reasons


def _at_border(side: _Side, numbers: Sequence[int]) -> bool:
    return any(side.day.measures[n]["at_border"] for n in numbers)


def _site(sides: tuple[_Side, _Side], pair: Match) -> str | None:
    """Site of the largest lesion that has one, the follow-up's first."""
    both = ((sides[1], pair.follow_up), (sides[0], pair.baseline))
    named: list[Any] = [side.day.measures[n]["site"] for side, numbers in both for n in numbers]
    return next((name for name in named if name is not None), None)
