import numpy as np
import pytest

from fuzzyseg.simulation.phantom.attenuation import attenuation_from_hu
from fuzzyseg.simulation.phantom.tissues import (
    TISSUES,
    WATER_ATTENUATION,
    mass_attenuation,
)

CORTICAL = {
    "H": 0.034, "C": 0.155, "N": 0.042, "O": 0.435, "Na": 0.001,
    "Mg": 0.002, "P": 0.103, "S": 0.003, "Ca": 0.225,
}  # fmt: skip
MUSCLE = {
    "H": 0.102, "C": 0.143, "N": 0.034, "O": 0.710, "Na": 0.001,
    "P": 0.002, "S": 0.003, "Cl": 0.001, "K": 0.004,
}  # fmt: skip
ADIPOSE = {
    "H": 0.114, "C": 0.598, "N": 0.007, "O": 0.278, "Na": 0.001, "S": 0.001, "Cl": 0.001,
}  # fmt: skip


@pytest.mark.parametrize(
    ("composition", "energy", "expected"),
    [  # NISTIR 5632, Table 4: compounds, tabulated apart from the elements used here
        (CORTICAL, 80, 0.2229),
        (CORTICAL, 100, 0.1855),
        (CORTICAL, 150, 0.1480),
        (MUSCLE, 100, 0.1693),
        (MUSCLE, 150, 0.1492),
        (ADIPOSE, 100, 0.1688),
        (ADIPOSE, 150, 0.1500),
        ({"H": 0.111898, "O": 0.888102}, 80, 0.1837),
        ({"H": 0.111898, "O": 0.888102}, 100, 0.1707),
        ({"H": 0.111898, "O": 0.888102}, 150, 0.1505),
    ],
)
def test_mixtures_agree_with_nist_s_compounds(composition, energy, expected):
    assert mass_attenuation(composition, energy) == pytest.approx(expected, rel=0.002)


@pytest.mark.parametrize(
    ("tissue", "low", "high"),
    [  # 1/cm at 140 keV, as used for SPECT in the literature
        ("air", 0.0, 0.0003),
        ("lung", 0.038, 0.042),
        ("adipose", 0.142, 0.149),
        ("soft tissue", 0.158, 0.163),
        ("spongiosa", 0.17, 0.19),
        ("cortical bone", 0.275, 0.30),
    ],
)
def test_attenuation_at_140_kev(tissue, low, high):
    assert low <= TISSUES[tissue].attenuation <= high


def test_water_and_the_order_of_hounsfield_units():
    assert pytest.approx(0.154, rel=0.005) == WATER_ATTENUATION
    hu = {name: tissue.hu for name, tissue in TISSUES.items()}
    assert hu["air"] == pytest.approx(-999, abs=1)
    assert -110 < hu["adipose"] < -60
    assert 30 < hu["soft tissue"] < 70
    assert 150 < hu["spongiosa"] < 400
    assert 1200 < hu["cortical bone"] < 1700


def test_the_bilinear_rule_meets_air_water_and_bone():
    bone = TISSUES["cortical bone"]
    hu = np.array([-1024, -1000, -500, 0, bone.hu / 2, bone.hu], np.float32)
    mu = attenuation_from_hu(hu)
    middle = (WATER_ATTENUATION + bone.attenuation) / 2
    expected = [0, 0, WATER_ATTENUATION / 2, WATER_ATTENUATION, middle, bone.attenuation]
    assert mu == pytest.approx(expected, abs=1e-6)
    # Spongiosa lies on neither line by construction, so it checks the rule.
    spongy = TISSUES["spongiosa"]
    got = attenuation_from_hu(np.array([spongy.hu], np.float32))[0]
    assert got == pytest.approx(spongy.attenuation, rel=0.05)
