import numpy as np
import pytest
from scipy import stats

from fuzzyseg.simulation.laws import LogNormal, Normal, Uniform


@pytest.mark.parametrize(
    ("law", "expected"),
    [
        (Uniform(2.0, 5.0), stats.uniform(2.0, 3.0)),
        (Normal(10.0, 2.0, 9.0, 15.0), stats.truncnorm(-0.5, 2.5, 10.0, 2.0)),
        (LogNormal(3.0, 0.5, 0.0, np.inf), stats.lognorm(0.5, scale=3.0)),
    ],
)
def test_a_law_draws_what_it_says(law, expected):
    rng = np.random.default_rng(0)
    drawn = [law.draw(rng) for _ in range(4000)]
    assert stats.kstest(drawn, expected.cdf).pvalue > 0.01


def test_bounds_that_are_never_met_give_the_nearest_value():
    rng = np.random.default_rng(0)
    assert Normal(0.0, 1.0, 50.0, 60.0).draw(rng) == 50.0
    assert LogNormal(1.0, 0.1, 0.0, 0.01).draw(rng) == 0.01
