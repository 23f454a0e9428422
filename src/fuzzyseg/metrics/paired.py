"""Tests of two methods on the same patients: paired t-test and Wilcoxon signed-rank test.

Patients with a NaN score in either method are left out and counted. What cannot be computed
(fewer than two patients, no spread) is NaN with a reason.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.metrics.statistics import as_scores, check_confidence

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# Digits of the largest score that a difference keeps: 0.9 - 0.8 and 0.8 - 0.7 are equal, but
# not to the last of the 16 that are computed, and a tie must look like one.
_DIGITS = 12
# Above this many patients the rank sum is taken as normal for the interval.
_EXACT_UP_TO = 200


@dataclass(frozen=True)
class PairedTest:
    """Result of a two-sided paired test of method `a` against method `b`.

    Parameters
    ----------
    test : str
        "paired t" or "Wilcoxon signed-rank".
    n : int
        Patients that count: both scores are numbers.
    left_out : int
        Patients with a NaN.
    estimate : float
        Typical difference a - b: the mean for the t-test; for Wilcoxon's the Hodges-Lehmann
        estimate, the median of the means of all pairs of differences.
    low, high : float
        Confidence interval of the estimate.
    confidence : float
        Its nominal coverage.
    statistic : float
        t, or the smaller of Wilcoxon's two rank sums.
    p : float
        Two-sided p-value.
    reason : str
        Why some of these are NaN; empty if none is.
    """

    test: str
    n: int
    left_out: int
    estimate: float
    low: float
    high: float
    confidence: float
    statistic: float
    p: float
    reason: str = ""


def paired_t_test(a: ArrayLike, b: ArrayLike, *, confidence: float = 0.95) -> PairedTest:
    """Test whether the mean difference of two methods is 0 (Student's paired t-test).

    Parameters
    ----------
    a, b : array_like of shape (P,)
        Scores of two methods on the same patients, NaN where undefined.
    confidence : float, default 0.95
        Coverage of the interval of the mean difference.

    Raises
    ------
    InputError
        If the lengths differ, a score is infinite, or the confidence is outside (0, 1).
    """
    from scipy import special

    d, left_out = _differences(a, b, confidence)
    n = d.size
    estimate = float(d.mean()) if n else float("nan")
    low = high = t = p = float("nan")
    if n < 2:
        reason = f"{n} patients: the test needs at least two"
    elif np.ptp(d) == 0.0:
        reason = "all differences are equal: their spread is 0, so t is undefined"
    else:
        reason = ""
        error = float(d.std(ddof=1)) / math.sqrt(n)
        t = estimate / error
        p = float(2.0 * special.stdtr(n - 1, -abs(t)))
        half = float(special.stdtrit(n - 1, 0.5 + confidence / 2.0)) * error
        low, high = estimate - half, estimate + half
    return PairedTest("paired t", n, left_out, estimate, low, high, confidence, t, p, reason)


def wilcoxon_test(a: ArrayLike, b: ArrayLike, *, confidence: float = 0.95) -> PairedTest:
    """Test whether the differences of two methods lie symmetrically about 0 (Wilcoxon).

    Differences of 0 are dropped for the p-value (Wilcoxon's own rule), which is exact for
    small samples without ties, as in `scipy.stats.wilcoxon`. The interval holds the
    Hodges-Lehmann estimate and inverts the exact test (Hollander and Wolfe, Nonparametric
    Statistical Methods, sec. 3.3); with ties it is approximate.

    Parameters
    ----------
    a, b : array_like of shape (P,)
        Scores of two methods on the same patients, NaN where undefined.
    confidence : float, default 0.95
        Least coverage of the interval; 95% takes at least 6 patients.

    Raises
    ------
    InputError
        If the lengths differ, a score is infinite, or the confidence is outside (0, 1).
    """
    from scipy import stats

    d, left_out = _differences(a, b, confidence)
    n = d.size
    i, j = np.triu_indices(n)
    walsh = np.sort((d[i] + d[j]) / 2.0)
    estimate = float(np.median(walsh)) if n else float("nan")
    low = high = statistic = p = float("nan")
    reason = ""
    if n < 2:
        reason = f"{n} patients: the test needs at least two"
    elif not d.any():
        reason = "all differences are 0: there is nothing to rank"
    else:
        result = stats.wilcoxon(d)
        statistic, p = float(result.statistic), float(result.pvalue)
        skip = _tail_ranks(n, (1.0 - confidence) / 2.0)
        if skip:
            low, high = float(walsh[skip - 1]), float(walsh[-skip])
        else:
            reason = f"{n} patients: too few for an interval of {confidence:.0%}"
    name = "Wilcoxon signed-rank"
    return PairedTest(name, n, left_out, estimate, low, high, confidence, statistic, p, reason)


def _tail_ranks(n: int, tail: float) -> int:
    """Count the rank sums 0, 1, 2, ... whose total probability is at most `tail`.

    If methods do not differ, each rank 1 ... n is in the sum with probability 1/2.
    """
    if n > _EXACT_UP_TO:
        sd = math.sqrt(n * (n + 1) * (2 * n + 1) / 24.0)
        return math.floor(n * (n + 1) / 4.0 + NormalDist().inv_cdf(tail) * sd)
    probability = np.zeros(n * (n + 1) // 2 + 1)
    probability[0] = 1.0
    for rank in range(1, n + 1):
        with_rank = np.zeros_like(probability)
        with_rank[rank:] = probability[:-rank]
        probability = (probability + with_rank) / 2.0
    return int(np.searchsorted(np.cumsum(probability), tail, side="right"))


def _differences(a: ArrayLike, b: ArrayLike, confidence: float) -> tuple[NDArray[np.float64], int]:
    """Differences of the patients that count, and how many do not."""
    check_confidence(confidence)
    x, y = as_scores("scores of a", a), as_scores("scores of b", b)
    if x.shape != y.shape:
        raise InputError(
            f"expected scores of the same patients, found {x.size} and {y.size}; "
            "pair them, with NaN where a method has none"
        )
    counts = ~(np.isnan(x) | np.isnan(y))
    d = (x - y)[counts]
    largest = np.abs(np.concatenate([x[counts], y[counts]])).max(initial=0.0)
    if largest > 0.0:
        d = np.round(d, _DIGITS - math.ceil(math.log10(largest)))
    return d, int(x.size - counts.sum())
