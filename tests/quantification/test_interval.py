"""Intervals for volume and uptake: by hand, and with reasons where there are none."""

import dataclasses
import math

import pytest

from fuzzyseg.administration import Administration
from fuzzyseg.models.card import Intervals
from fuzzyseg.quantification import quantify
from fuzzyseg.quantification.interval import limits
from fuzzyseg.volume import Provenance

# True volumes are 0.5 to 2 times those measured, true uptakes twice that.
PLAIN = Intervals(
    patients=2,
    lesions=30,
    volumes_ml=(1.0, 20.0),
    volume=(0.0, 0.0, 0.0, math.log(0.5), math.log(2.0)),
    uptake=(math.log(2.0), 0.0, 0.0, math.log(0.5), math.log(2.0)),
)
GIVEN = Administration(weight_kg=80.0, injected_mbq=160.0, decay="administration")
FIELDS = ("volume_low_ml", "volume_high_ml", "total_suv_low_ml", "total_suv_high_ml",
          "activity_low_bq", "activity_high_bq", "interval_coverage")  # fmt: skip


def by_model(segmentation, intervals):
    card = {"name": "mine", "intervals": dataclasses.asdict(intervals)}
    return dataclasses.replace(segmentation, provenance=Provenance("model", {"card": card}))


def test_limits_follow_volume_and_fuzziness():
    found = limits(3.0, 3.0, 10.0, PLAIN)
    assert found.volume == pytest.approx((1.5, 6.0))
    assert found.uptake == pytest.approx((10.0, 40.0))
    law = dataclasses.replace(PLAIN, volume=(0.1, -0.5, 2.0, -1.0, 1.0))
    middle = 4.0 * math.exp(0.1) * 4.0**-0.5 * (6.0 / 4.0) ** 2
    expected = middle * math.exp(-1.0), middle * math.exp(1.0)
    assert limits(4.0, 6.0, 1.0, law).volume == pytest.approx(expected)


@pytest.mark.parametrize(
    ("volume_ml", "uptake", "why"),
    [(0.5, 1.0, "smaller than every"), (30.0, 1.0, "larger than every"), (3.0, -1.0, "above 0")],
)
def test_what_is_unlike_the_calibration_has_none(volume_ml, uptake, why):
    assert why in limits(volume_ml, volume_ml, uptake, PLAIN)


def test_lesions_carry_limits_in_their_units_and_the_coverage(make):
    (one,) = quantify(by_model(make(administration=GIVEN), PLAIN)).lesions
    assert (one.volume_low_ml, one.volume_high_ml) == pytest.approx(
        (0.5 * one.volume_ml, 2 * one.volume_ml)
    )
    assert (one.activity_low_bq, one.activity_high_bq) == pytest.approx(
        (one.activity_bq, 4 * one.activity_bq)
    )
    assert one.total_suv_high_ml == pytest.approx(4 * one.total_suv_ml)
    assert one.interval_coverage == 0.9
    assert not set(FIELDS) & set(one.reasons)
    (counts,) = quantify(by_model(make(unit="counts"), PLAIN)).lesions
    assert counts.volume_low_ml == pytest.approx(0.5 * counts.volume_ml)
    assert counts.activity_low_bq is None
    assert "not calibrated" in counts.reasons["activity_low_bq"]


def cases(make):
    cut = (((1, 12, 12), 3.0),)
    small = (((20, 12, 12), 1.2),)
    known = {"administration": GIVEN}
    yield make(**known), "for models"
    yield by_model(make(**known), Intervals()), "nobody has calibrated intervals of the model mine"
    yield by_model(make(small, **known), PLAIN), "smaller than every lesion"
    yield by_model(make(cut, **known), PLAIN), "the field cuts it off"


def test_where_there_is_no_interval_it_is_null_and_says_why(make):
    for segmentation, why in cases(make):
        (one,) = quantify(segmentation).lesions
        for name in FIELDS:
            assert getattr(one, name) is None
            assert why in one.reasons[name]
