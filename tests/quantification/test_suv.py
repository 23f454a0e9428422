from dataclasses import replace

import pytest

from fuzzyseg.administration import Administration
from fuzzyseg.quantification.suv import (
    body_surface_area_m2,
    lean_body_mass_kg,
    remaining,
    suv_scale,
)

HALF_LIFE_S = 6 * 3600.0
GIVEN = Administration(
    weight_kg=80.0,
    height_m=1.8,
    sex="male",
    injected_mbq=800.0,
    acquisition_after_s=12 * 3600.0,
    series_after_s=6 * 3600.0,
)


def test_published_sizes_of_bodies():
    # Janmahasatian 2005: 9270 * 80 / (6680 + 216 * 24.691) = 61.73 kg; the woman, 53.6 * ...
    assert lean_body_mass_kg(80, 1.8, "male") == pytest.approx(61.74, abs=0.02)
    assert lean_body_mass_kg(80, 1.8, "female") == pytest.approx(50.11, abs=0.02)
    # Du Bois' own table: 70 kg and 170 cm have 1.81 m2.
    assert body_surface_area_m2(70, 1.70) == pytest.approx(1.81, abs=0.005)


def test_a_uniform_patient_has_an_suv_of_one():
    """All activity, spread evenly over a body of 1 g/mL, is 1 g/mL wherever it is measured."""
    for decay, left in (("acquisition", 0.25), ("series", 0.5), ("administration", 1.0)):
        everywhere_bq_ml = 800e6 * left / 80e3
        scale = suv_scale(replace(GIVEN, decay=decay), HALF_LIFE_S)
        assert scale.per_bq_ml * everywhere_bq_ml == pytest.approx(1)
        assert remaining(scale.waited_s, HALF_LIFE_S) == pytest.approx(left)


def test_the_start_of_the_acquisition_is_what_silence_means():
    scale = suv_scale(GIVEN, HALF_LIFE_S)
    assert (scale.decay, scale.waited_s) == ("acquisition", GIVEN.acquisition_after_s)


def test_sizes_scale_the_suv():
    bw, lbm, bsa = (suv_scale(GIVEN, HALF_LIFE_S, kind).per_bq_ml for kind in ("bw", "lbm", "bsa"))
    assert lbm / bw == pytest.approx(lean_body_mass_kg(80, 1.8, "male") / 80)
    assert bsa / bw == pytest.approx(1e4 * body_surface_area_m2(80, 1.8) / 80e3)


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"weight_kg": None}, "bw", "weight is not known"),
        ({"weight_kg": 0.0}, "bw", "weight of 0 kg"),
        ({"weight_kg": 700.0}, "bw", "weight of 700 kg"),
        ({"weight_kg": float("nan")}, "bw", "weight of nan kg"),
        ({"injected_mbq": 0.0}, "bw", "activity given of 0 MBq"),
        ({"injected_mbq": None}, "bsa", "activity given is not known"),
        ({"acquisition_after_s": -60.0}, "bw", "-60 s"),
        ({"acquisition_after_s": None}, "bw", "time from administration"),
        ({"height_m": 175.0}, "lbm", "height of 175 m"),
        ({"height_m": None}, "bsa", "height is not known"),
        ({"sex": None}, "lbm", "sex is not known"),
    ],
)
def test_what_is_missing_or_impossible_is_said_and_gives_nothing(change, kind, said):
    scale = suv_scale(replace(GIVEN, **change), HALF_LIFE_S, kind)
    assert scale.per_bq_ml is None
    assert said in scale.reason


def test_without_a_half_life_only_values_at_the_administration_can_be_used():
    assert "half-life" in suv_scale(GIVEN, None).reason
    assert suv_scale(replace(GIVEN, decay="administration"), None).per_bq_ml is not None


def test_sex_and_height_are_not_needed_for_body_weight():
    assert suv_scale(replace(GIVEN, sex=None, height_m=None), HALF_LIFE_S).per_bq_ml is not None
