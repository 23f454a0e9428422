import math

import pytest

from fuzzyseg.follow_up.comparable_uptake import Uptake
from fuzzyseg.follow_up.repeatability import repeatability_of

SUV, RELATIVE = Uptake("SUV", (1.0, 1.0)), Uptake("times bone", (1.0, 1.0))


def test_the_limit_holds_95_percent_of_a_normal_distribution(limits):
    assert limits.limit("volume", 3.0, SUV) == pytest.approx(math.exp(1.96 * 0.134))
    assert limits.patient_limit("total", RELATIVE) == pytest.approx(math.exp(1.96 * 0.134))


def test_what_comes_with_the_package_is_measured_and_of_every_size():
    found = repeatability_of("spect")
    assert found.measured_on == "spect"
    assert found.pairs >= 4
    assert sum(each["lesions"] for each in found.bins) >= 20
    for volume_ml in (0.3, 3.0, 30.0, 3000.0):
        for what in ("volume", "peak", "total"):
            for uptake in (SUV, RELATIVE):
                assert 1.0 < found.limit(what, volume_ml, uptake) < 10


def test_small_lesions_repeat_no_better_than_large_ones():
    found = repeatability_of("spect")
    assert found.limit("volume", 0.5, SUV) >= found.limit("volume", 50.0, SUV)


def test_a_method_that_was_not_measured_gets_the_default_s():
    assert repeatability_of("a model of mine").measured_on == "spect"
