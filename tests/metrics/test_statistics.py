"""Averages over patients by hand; bootstrap intervals against theory and brute force."""

import math

import numpy as np
import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.metrics import bootstrap_interval, plain_mean, volume_weighted_mean

NAN = float("nan")


def test_equation_22_by_hand():
    mean = volume_weighted_mean([0.5, 0.8, 0.9], [10.0, 30.0, 60.0])
    assert mean.estimate == pytest.approx((0.5 * 10 + 0.8 * 30 + 0.9 * 60) / 100)
    assert (mean.n, mean.left_out, mean.reason) == (3, 0, "")


def test_patients_without_a_score_or_an_object_are_left_out_and_counted():
    mean = volume_weighted_mean([0.5, NAN, 0.9, 0.0, 0.7], [10.0, 30.0, 30.0, 0.0, NAN])
    assert mean.estimate == pytest.approx((0.5 * 10 + 0.9 * 30) / 40)
    assert (mean.n, mean.left_out) == (2, 3)
    plain = plain_mean([0.5, NAN, 1.0])
    assert (plain.estimate, plain.n, plain.left_out) == (0.75, 2, 1)


@pytest.mark.parametrize("scores", [[], [NAN, NAN]])
def test_no_patient_is_nan_with_a_reason(scores):
    for result in (plain_mean(scores), bootstrap_interval(scores)):
        assert math.isnan(result.estimate)
        assert result.reason == "no patient has a score and a volume"


@pytest.mark.parametrize("method", ["BCa", "percentile"])
def test_interval_of_many_normal_scores_is_the_textbook_one(rng, method):
    scores = rng.normal(0.8, 0.05, 400)
    interval = bootstrap_interval(scores, method=method)
    half = 1.96 * scores.std(ddof=1) / 20
    assert interval.estimate == pytest.approx(scores.mean())
    assert interval.low == pytest.approx(scores.mean() - half, abs=0.1 * half)
    assert interval.high == pytest.approx(scores.mean() + half, abs=0.1 * half)


def test_weighted_percentile_interval_equals_brute_force(rng):
    scores, volumes = rng.random(12), rng.exponential(50, 12)
    found = bootstrap_interval(scores, volumes, method="percentile", confidence=0.9)
    draws = rng.integers(0, 12, (20000, 12))
    means = (scores * volumes)[draws].sum(axis=1) / volumes[draws].sum(axis=1)
    low, high = np.quantile(means, [0.05, 0.95])
    assert found.low == pytest.approx(low, abs=0.01)
    assert found.high == pytest.approx(high, abs=0.01)
    assert found.estimate == volume_weighted_mean(scores, volumes).estimate


def test_bca_leans_to_the_side_of_the_long_tail(rng):
    scores = rng.exponential(1.0, 25)
    bca, plain = (bootstrap_interval(scores, method=m) for m in ("BCa", "percentile"))
    assert bca.low > plain.low
    assert bca.high > plain.high


def test_same_seed_same_interval(rng):
    scores = rng.random(9)
    state = np.random.get_state()[1].copy()  # noqa: NPY002 - the global generator is not ours
    first = bootstrap_interval(scores, random_state=3)
    assert first == bootstrap_interval(scores, random_state=3)
    assert first != bootstrap_interval(scores, random_state=4)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


@pytest.mark.parametrize(
    ("scores", "reason"),
    [([0.7], "one patient"), ([0.7, 0.7, 0.7], "all scores are equal")],
)
def test_interval_that_does_not_exist_is_nan_with_a_reason(scores, reason):
    interval = bootstrap_interval(scores)
    assert interval.estimate == pytest.approx(0.7)
    assert math.isnan(interval.low)
    assert math.isnan(interval.high)
    assert interval.reason.startswith(reason)


def test_bca_that_fails_says_so():
    """The weighted mean of equal scores but one of no weight does not move when resampled."""
    interval = bootstrap_interval([0.5, 0.5, 0.9], [1.0, 1.0, 1e-300])
    assert math.isnan(interval.low)
    assert "percentile" in interval.reason


@pytest.mark.parametrize(
    ("scores", "volumes", "message"),
    [
        ([0.5, 0.6], [1.0], "1 volumes, 0 of them negative, for 2 scores"),
        ([0.5, 0.6], [1.0, -2.0], "1 of them negative"),
        ([0.5, math.inf], [1.0, 1.0], "as scores, found shape .* with 1 infinite"),
        ([[0.5]], [1.0], r"shape \(1, 1\)"),
    ],
)
def test_bad_input_is_one_clear_line(scores, volumes, message):
    with pytest.raises(InputError, match=message) as error:
        volume_weighted_mean(scores, volumes)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0, NAN])
def test_bad_confidence_is_refused(confidence):
    with pytest.raises(InputError, match="between 0 and 1"):
        bootstrap_interval([0.1, 0.2], confidence=confidence)
