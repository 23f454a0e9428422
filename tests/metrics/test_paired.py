"""Paired tests against scipy and a textbook's worked example."""

import math
from itertools import product

import numpy as np
import pytest
from scipy import stats

from fuzzyseg.errors import InputError
from fuzzyseg.metrics import paired_t_test, wilcoxon_test
from fuzzyseg.metrics.paired import _tail_ranks

NAN = float("nan")
# Hamilton depression scale, Hollander and Wolfe, Nonparametric Statistical Methods, table 3.1.
BEFORE = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
AFTER = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]


@pytest.mark.parametrize("n", [2, 9, 60])
def test_t_test_equals_scipy(rng, n):
    a, b = rng.random((2, n))
    found = paired_t_test(a, b, confidence=0.9)
    expected = stats.ttest_rel(a, b)
    interval = expected.confidence_interval(0.9)
    assert found.statistic == pytest.approx(expected.statistic, rel=1e-9)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-9)
    assert found.estimate == pytest.approx((a - b).mean())


def test_wilcoxon_reproduces_the_textbook():
    found = wilcoxon_test(BEFORE, AFTER)
    # Rank sums 40 and 5; P(T+ >= 40) = 0.0195, one-sided.
    assert found.statistic == 5
    assert found.p == pytest.approx(2 * 0.0195, abs=1e-4)
    assert found.estimate == pytest.approx(0.46)
    assert (found.low, found.high) == pytest.approx((0.010, 0.786))


def test_wilcoxon_with_ties_equals_scipy(rng):
    a, b = np.round(rng.random((2, 40)), 1)
    found, expected = wilcoxon_test(a, b), stats.wilcoxon(np.round(a - b, 9))
    assert found.p == pytest.approx(expected.pvalue, rel=1e-12)


@pytest.mark.parametrize("n", [4, 9])
def test_tail_of_the_rank_sum_equals_enumeration(n):
    sums = sorted(
        sum(rank for rank, sign in zip(range(1, n + 1), signs, strict=True) if sign)
        for signs in product((0, 1), repeat=n)
    )
    for tail in (0.001, 0.025, 0.1, 0.4):
        expected = 0
        while sum(s <= expected for s in sums) <= tail * len(sums):
            expected += 1
        assert _tail_ranks(n, tail) == expected


def test_normal_tail_continues_the_exact_one():
    exact, normal = _tail_ranks(200, 0.025), _tail_ranks(201, 0.025)
    assert 0 < normal - exact < 200


def test_interval_covers_as_often_as_it_says(rng):
    covered = sum(
        result.low <= 0.3 <= result.high
        for result in (wilcoxon_test(rng.normal(0.3, 1, 12), np.zeros(12)) for _ in range(300))
    )
    assert covered >= 0.92 * 300


@pytest.mark.parametrize("test", [paired_t_test, wilcoxon_test])
def test_nan_patients_are_left_out_and_counted(test):
    found = test([*BEFORE, NAN, 1.0, NAN], [*AFTER, 1.0, NAN, NAN])
    assert (found.n, found.left_out) == (9, 3)
    assert found.p == test(BEFORE, AFTER).p


@pytest.mark.parametrize("test", [paired_t_test, wilcoxon_test])
def test_swapping_the_methods_turns_the_sign(test):
    one, other = test(BEFORE, AFTER), test(AFTER, BEFORE)
    assert one.p == other.p
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))


@pytest.mark.parametrize("test", [paired_t_test, wilcoxon_test])
@pytest.mark.parametrize(
    ("a", "b", "reason"),
    [
        ([], [], "0 patients"),
        ([0.5], [0.4], "1 patients"),
        ([NAN, 0.5], [0.4, 0.4], "1 patients"),
        ([0.5, 0.6, 0.7], [0.5, 0.6, 0.7], "all differences are "),
    ],
)
def test_what_cannot_be_computed_is_nan_with_a_reason(test, a, b, reason):
    found = test(a, b)
    assert math.isnan(found.p)
    assert math.isnan(found.statistic)
    assert math.isnan(found.low)
    assert found.reason.startswith(reason)


def test_differences_equal_but_for_rounding_have_no_spread():
    a, b = [0.3, 0.9, 0.8], [0.2, 0.8, 0.7]
    assert len({x - y for x, y in zip(a, b, strict=True)}) > 1
    found = paired_t_test(a, b)
    assert math.isnan(found.p)
    assert found.estimate == pytest.approx(0.1)


def test_five_patients_are_too_few_for_an_interval_but_not_for_p():
    found = wilcoxon_test([1.0, 2.0, 3.0, 4.0, 5.0], [0.0] * 5)
    assert found.p == pytest.approx(2 / 2**5)
    assert math.isnan(found.low)
    assert found.reason == "5 patients: too few for an interval of 95%"


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="found 2 and 3; pair them"):
        paired_t_test([1, 2], [1, 2, 3])
    with pytest.raises(InputError, match="1 infinite"):
        wilcoxon_test([1, math.inf], [1, 2])
