"""Calibrate intervals on pairs of measured and true lesions, and count how often they hold.

Of each patient, e = log(true / measured) - (a + b log(v) + c log(f / v)) is computed with a, b and
c fitted to all other patients. Of n such values the interval's ends are the k-th lowest and k-th
highest, k = floor((n + 1) (1 - coverage) / 2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.models.card import Intervals
from fuzzyseg.quantification.interval import limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fuzzyseg.experiments.quantification.interval_pairs import Pair


def fitted(pairs: Sequence[Pair], coverage: float) -> Intervals:
    """Calibrate intervals for a coverage.

    Raises
    ------
    InputError
        If there are too few lesions for that coverage, or they are of one patient.
    """
    patients = np.array([p.patient for p in pairs])
    outside = round((1 - coverage) / 2, 9)  # 1 - 0.9 is a little less than 0.1
    rank, several = int((len(pairs) + 1) * outside), len(set(patients.tolist()))
    if rank < 1 or several < 2:
        least = int(np.ceil(1 / outside)) - 1
        raise InputError(
            f"expected {least} lesions or more of two patients or more for intervals of "
            f"{coverage:.0%}, found {len(pairs)} of {several}; give more patients"
        )
    v, f = (np.array([getattr(p, name) for p in pairs]) for name in ("volume_ml", "fuzzy_ml"))
    seen = np.stack([np.ones(len(v)), np.log(v), np.log(f / v)], axis=1)
    of_volume = np.log([p.true_volume_ml / p.volume_ml for p in pairs])
    of_uptake = np.log([p.true_uptake / p.uptake for p in pairs])
    return Intervals(
        patients=several,
        lesions=len(pairs),
        coverage=coverage,
        volumes_ml=(float(v.min()), float(v.max())),
        volume=_law(seen, of_volume, patients, rank),
        uptake=_law(seen, of_uptake, patients, rank),
    )


def _law(
    seen: NDArray[np.float64], wanted: NDArray[np.float64], patients: NDArray[np.int_], rank: int
) -> tuple[float, ...]:
    """Give a, b, c and the two quantiles of e."""
    errors = np.empty(len(wanted))
    for patient in np.unique(patients):
        own = patients == patient
        errors[own] = wanted[own] - seen[own] @ np.linalg.lstsq(seen[~own], wanted[~own])[0]
    errors.sort()
    whole = np.linalg.lstsq(seen, wanted)[0]
    return tuple(round(float(x), 4) for x in (*whole, errors[rank - 1], errors[-rank]))


def held(pairs: Sequence[Pair], intervals: Intervals) -> NDArray[np.bool_]:
    """Tell of each pair whether its true volume, and uptake, lie in the interval: (N, 2).

    Lesions outside the calibrated volumes have no interval and are left out.
    """
    rows = []
    for p in pairs:
        found = limits(p.volume_ml, p.fuzzy_ml, p.uptake, intervals)
        if not isinstance(found, str):
            volume, uptake = found
            rows.append(
                (
                    volume[0] <= p.true_volume_ml <= volume[1],
                    uptake[0] <= p.true_uptake <= uptake[1],
                )
            )
    return np.array(rows, bool).reshape(-1, 2)
