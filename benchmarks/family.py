"""Members of the family: an estimator, and the same by its equations, plainly.

The list that `tests/clustering/test_family.py` checks and `bench_family.py` times.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import plain_clustering as plain

from fuzzyseg.clustering import FCM_S, FCM_S1, FCM_S2, FLICM, KFCM, KFCM_S, RFCM, SFCM

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Member:
    """One method.

    Parameters
    ----------
    cls : type
        The estimator.
    step : callable
        Of `plain_clustering`: from (y, u, v), or (y, filtered y, v), and keyword arguments.
    options : dict
        Of both, where they are not the defaults.
    smooth : callable or None
        The filter of (y, inside), for a step that takes its image.
    start : callable or None
        From (y, filtered y or None, inside): the image whose fuzzy c-means is the start; y if None.
    remembers : bool
        Memberships depend on the previous ones.
    """

    cls: type
    step: Callable
    options: dict[str, Any] = field(default_factory=dict)
    smooth: Callable | None = None
    start: Callable | None = None
    remembers: bool = False

    def prepare(self, y: Any, inside: Any = None) -> tuple[Any, Callable]:
        """Image of the start, and step(u, v, q); filters run here, once."""
        options = dict(self.options, inside=inside)
        if "window" in options:
            options["radius"] = options.pop("window") // 2
        filtered = self.smooth(y, inside) if self.smooth else None
        seen = self.start(y, filtered, inside) if self.start else y
        if filtered is None:
            return seen, lambda u, v, q=2: self.step(y, u, v, q, **options)
        return seen, lambda _, v, q=2: self.step(y, filtered, v, q, **options)


def half(y: Any, filtered: Any, inside: Any) -> Any:  # noqa: ARG001
    return (y + filtered) / 2


two_fold = partial(Member, step=plain.fcm_s12, start=half)
FAMILY = {
    "rfcm": Member(RFCM, plain.rfcm, {"beta": 0.01}, remembers=True),
    "fcm_s": Member(
        FCM_S, plain.fcm_s, start=lambda y, _, inside: plain.enfcm_image(y, 1.0, inside)
    ),
    "fcm_s1": two_fold(FCM_S1, smooth=plain.mean_filter),
    "fcm_s2": two_fold(FCM_S2, smooth=plain.median_filter),
    "flicm": Member(FLICM, plain.flicm, remembers=True),
    "kfcm": Member(KFCM, plain.kfcm),
    "kfcm_s": Member(KFCM_S, plain.kfcm_s, {"alpha": 0.3}, remembers=True),
    "sfcm": Member(SFCM, plain.sfcm),
    "sfcm_02": Member(SFCM, plain.sfcm, {"p": 0.0, "s": 2.0, "window": 3}),
}
