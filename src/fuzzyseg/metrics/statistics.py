"""Averages over patients and their bootstrap intervals.

NaN marks a score that could not be computed. Such patients are left out and counted, so that
a mean over 47 of 50 patients says so; nothing is ever replaced by 0.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Mean:
    """A mean over patients.

    Parameters
    ----------
    estimate : float
        The mean; NaN if no patient counts.
    n : int
        Patients that count.
    left_out : int
        Patients whose score is NaN, or, in a weighted mean, whose weight is NaN or 0.
    reason : str
        Why the mean is NaN; empty if it is not.
    """

    estimate: float
    n: int
    left_out: int
    reason: str = ""


@dataclass(frozen=True)
class Interval:
    """A mean over patients with its bootstrap confidence interval.

    Parameters
    ----------
    estimate : float
        The mean; NaN if no patient counts.
    low, high : float
        Ends of the interval; NaN if it cannot be computed.
    confidence : float
        Its nominal coverage.
    n, left_out : int
        Patients that count and that do not, as in `Mean`.
    reason : str
        Why the mean or the interval is NaN; empty if none is.
    """

    estimate: float
    low: float
    high: float
    confidence: float
    n: int
    left_out: int
    reason: str = ""


def plain_mean(scores: ArrayLike) -> Mean:
    """Average a score over patients, each counting the same.

    This is the mean for the surface DSC.

    Parameters
    ----------
    scores : array_like of shape (P,)
        One score per patient, NaN where it could not be computed.
    """
    return _mean(*_counted(scores, None))


def volume_weighted_mean(scores: ArrayLike, volumes_ml: ArrayLike) -> Mean:
    """Average a score over patients by the object's true volume (eq. 22).

    mean = sum_p V_p s_p / sum_p V_p

    Parameters
    ----------
    scores : array_like of shape (P,)
        One score per patient, NaN where it could not be computed.
    volumes_ml : array_like of shape (P,)
        True volume of the object in each patient, in ml (any unit will do). A patient without
        the object has volume 0 and is left out.

    Raises
    ------
    InputError
        If the lengths differ, or a volume is negative or infinite.
    """
    return _mean(*_counted(scores, volumes_ml))


def bootstrap_interval(
    scores: ArrayLike,
    volumes_ml: ArrayLike | None = None,
    *,
    confidence: float = 0.95,
    n_resamples: int = 9999,
    method: Literal["BCa", "percentile"] = "BCa",
    random_state: int = 0,
) -> Interval:
    """Compute a bootstrap confidence interval of a mean over patients.

    Patients are drawn with replacement, each with its volume.

    Parameters
    ----------
    scores : array_like of shape (P,)
        One score per patient, NaN where it could not be computed.
    volumes_ml : array_like of shape (P,), optional
        Weights of eq. 22; without them the mean is plain.
    confidence : float, default 0.95
        Coverage aimed at.
    n_resamples : int, default 9999
        Number of bootstrap samples.
    method : {"BCa", "percentile"}, default "BCa"
        Bias-corrected and accelerated (Efron 1987, doi 10.1080/01621459.1987.10478410), or
        plain percentiles.
    random_state : int, default 0
        Seed: the same seed gives the same interval.

    Raises
    ------
    InputError
        As `volume_weighted_mean`; also for a confidence outside (0, 1).
    """
    check_confidence(confidence)
    values, weights, left_out = _counted(scores, volumes_ml)
    mean = _mean(values, weights, left_out)
    low = high = float("nan")
    reason = mean.reason
    if mean.n == 1:
        reason = "one patient: an interval needs at least two"
    elif mean.n > 1 and np.ptp(values) == 0.0:
        reason = "all scores are equal: resampling cannot estimate their spread"
    elif mean.n > 1:
        low, high = _bootstrap(
            values,
            weights,
            confidence=confidence,
            n_resamples=n_resamples,
            method=method,
            random_state=random_state,
        )
        if np.isnan(low) or np.isnan(high):
            reason = f"the {method} interval is not defined for these scores; try 'percentile'"
    return Interval(mean.estimate, low, high, confidence, mean.n, left_out, reason)


def check_confidence(confidence: float) -> None:
    """Refuse a confidence level outside (0, 1).

    Raises
    ------
    InputError
        If it is outside.
    """
    if not 0.0 < confidence < 1.0:
        raise InputError(f"expected a confidence between 0 and 1, found {confidence}; try 0.95")


def as_scores(what: str, values: ArrayLike) -> Floats:
    """Return one float per patient.

    Raises
    ------
    InputError
        If the values are not one-dimensional or one is infinite.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or np.isinf(array).any():
        raise InputError(
            f"expected one finite number (or NaN) per patient as {what}, found shape {array.shape}"
            f" with {int(np.isinf(array).sum())} infinite; pass a flat list, NaN where undefined"
        )
    return array


def _counted(scores: ArrayLike, volumes_ml: ArrayLike | None) -> tuple[Floats, Floats, int]:
    """Scores and weights of the patients that count, and how many do not."""
    values = as_scores("scores", scores)
    weights = np.ones_like(values) if volumes_ml is None else as_scores("volumes", volumes_ml)
    if weights.shape != values.shape or (weights < 0).any():
        raise InputError(
            f"expected one volume of 0 or more per score, found {weights.size} volumes, "
            f"{int((weights < 0).sum())} of them negative, for {values.size} scores; "
            "pass each patient's true volume"
        )
    counts = ~np.isnan(values) & (weights > 0)
    return values[counts], weights[counts], int(values.size - counts.sum())


def _mean(values: Floats, weights: Floats, left_out: int) -> Mean:
    """Weighted mean of the patients that count."""
    if values.size == 0:
        return Mean(float("nan"), 0, left_out, "no patient has a score and a volume")
    return Mean(float(np.average(values, weights=weights)), values.size, left_out)


def _bootstrap(
    values: Floats,
    weights: Floats,
    *,
    confidence: float,
    n_resamples: int,
    method: Literal["BCa", "percentile"],
    random_state: int,
) -> tuple[float, float]:
    """Compute the ends of the bootstrap interval of the weighted mean; NaN where BCa fails."""
    from scipy import stats

    def weighted_mean(v: Floats, w: Floats, axis: int = -1) -> Any:
        return (v * w).sum(axis=axis) / w.sum(axis=axis)

    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        # Degenerate samples come back as NaN, which the caller reports with a reason.
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        interval = stats.bootstrap(
            (values, weights),
            weighted_mean,
            paired=True,
            vectorized=True,
            n_resamples=n_resamples,
            confidence_level=confidence,
            method=method,
            random_state=np.random.default_rng(random_state),
        ).confidence_interval
    return float(interval.low), float(interval.high)
