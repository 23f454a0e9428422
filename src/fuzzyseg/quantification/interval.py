"""An interval for a lesion's true volume and uptake, from what was measured and how fuzzy it is.

log(true / measured) = a + b log(v) + c log(f / v) + e, with v the lesion's volume by labels and f
that by memberships, in mL. a, b, c were fitted, and the quantiles of e found, on patients with
known truth, of each patient by what was fitted to all others: conformal prediction [1]_. So the
intervals hold the truth of the share they say, of lesions like those: found by the same model in
patients and images of the same kind. Of what is no lesion they say nothing.

References
----------
.. [1] Barber RF, Candes EJ, Ramdas A, Tibshirani RJ. Predictive inference with the jackknife+.
   Ann Stat 2021;49:486.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from fuzzyseg.models.card import Intervals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fuzzyseg.volume import Provenance


class Limits(NamedTuple):
    """Of a lesion's true volume in mL, and of its uptake in the unit it was measured in."""

    volume: tuple[float, float]
    uptake: tuple[float, float]


def calibration_of(made: Provenance) -> Intervals | str:
    """Find the calibration of the model that segmented, or why there is none."""
    if made.method != "model":
        return "intervals are calibrated for models, not for clustering"
    card = made.parameters.get("card", {})
    found = Intervals(**card.get("intervals", {}))
    if not found.patients:
        return f"nobody has calibrated intervals of the model {card.get('name', '')}".rstrip()
    return found


def limits(
    volume_ml: float, fuzzy_ml: float, uptake: float, calibration: Intervals
) -> Limits | str:
    """Give a lesion's limits, or why it has none.

    Parameters
    ----------
    volume_ml, fuzzy_ml : float
        By labels and by memberships.
    uptake : float
        By labels, in any unit.
    calibration : Intervals
    """
    low, high = calibration.volumes_ml or (0.0, math.inf)
    if not low <= volume_ml <= high:
        size = "smaller" if volume_ml < low else "larger"
        return f"it is {size} than every lesion that intervals were calibrated on"
    if uptake <= 0 or fuzzy_ml <= 0:
        return "its uptake is not above 0"
    return Limits(
        between(volume_ml, volume_ml, fuzzy_ml, calibration.volume),
        between(uptake, volume_ml, fuzzy_ml, calibration.uptake),
    )


def between(
    measured: float, volume_ml: float, fuzzy_ml: float, law: Sequence[float]
) -> tuple[float, float]:
    """Apply the equation above, `law` being a, b, c and the quantiles of e."""
    a, b, c, *quantiles = law
    middle = a + b * math.log(volume_ml) + c * math.log(fuzzy_ml / volume_ml)
    low, high = (measured * math.exp(middle + e) for e in quantiles)
    return low, high
