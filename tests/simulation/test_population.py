import json
from dataclasses import asdict

import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.simulation.population import POPULATIONS, get_population


def test_names_lead_to_populations():
    for name, population in POPULATIONS.items():
        assert get_population(name) is population
        assert population.name == name
        assert population.about
        json.dumps(asdict(population), default=dict)
    with pytest.raises(InputError, match="expected a population out of clinical, elsewhere, paper"):
        get_population("here")


@pytest.mark.parametrize("population", POPULATIONS.values(), ids=lambda p: p.name)
def test_shares_are_shares(population):
    laws = population.lesions
    assert sum(laws.many.values()) == pytest.approx(100)
    assert sum(laws.few.values()) == pytest.approx(100)
    assert all(0 <= chance.probability <= 1 for chance in population.findings.values())
    assert all(0 <= a <= b <= 1 for a, b in (c.sclerosis for c in population.findings.values()))


def test_elsewhere_is_another_kind_of_patient():
    here, there = POPULATIONS["clinical"], POPULATIONS["elsewhere"]
    assert there.lesions.mean_count > here.lesions.mean_count
    assert there.lesions.to_bone.median < here.lesions.to_bone.median
    assert there.uptake.bone_share.mean < here.uptake.bone_share.mean
    assert there.findings["facet"].probability > here.findings["facet"].probability
