from dataclasses import fields, replace

import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.training.adaptation import Adaptation, check_adaptation

BAD = {
    "mixes": (0.5, 1.1),
    "steps": -1,
    "lr": float("nan"),
    "batch": 0,
    "q": 0.5,
    "beta": -1.0,
    "margin": float("inf"),
    "seed": -1,
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_value_is_refused_by_its_option(name):
    with pytest.raises(InputError, match=f"for --{name}, found "):
        check_adaptation(replace(Adaptation(), **{name: BAD[name]}))


def test_every_setting_has_a_bad_value_above():
    assert {f.name for f in fields(Adaptation)} == set(BAD)


def test_the_edges_of_what_is_allowed():
    check_adaptation(Adaptation(mixes=(), steps=0, batch=1, q=1, beta=0, margin=0))
    check_adaptation(Adaptation(mixes=(0, 1)))
