from dataclasses import replace

import pytest
from two_days import FOLLOW_UP, drawn_day

from fuzzyseg.follow_up.comparable_uptake import comparable


def test_suv_where_both_days_have_it(days):
    found = comparable(*days)
    assert (found.unit, found.reason) == ("SUV", "")
    # Twice as much was given on the second day.
    assert found.scales[0] / found.scales[1] == pytest.approx(2)


def test_else_relative_to_the_bone_of_each_day_with_the_reason(days):
    unknown = drawn_day(FOLLOW_UP, injected_mbq=1400.0, person=False)[0]
    found = comparable(days[0], unknown)
    assert found.unit == "times bone"
    assert "no SUV at follow-up: weight is not known" in found.reason
    assert found.scales[0] == pytest.approx(1 / 8e3, rel=1e-3)
    assert found.scales[1] == pytest.approx(1 / 16e3, rel=1e-3)


def changed(day, **parts):
    """The day with values of parts of its summary replaced."""
    summary = dict(day.summary)
    for name, values in parts.items():
        summary[name] = {**summary[name], **values}
    return replace(day, summary=summary)


def test_two_kinds_of_suv_do_not_mix(days):
    found = comparable(days[0], changed(days[1], suv={"kind": "lbm"}))
    assert (found.unit, found.reason) == ("times bone", "SUV is by bw at baseline and by lbm at "
                                          "follow-up")  # fmt: skip


def test_an_image_in_suv_is_taken_as_it_is(days):
    in_suv = changed(days[1], image={"unit": "SUV"}, suv={"per_bq_ml": None})
    assert comparable(days[0], in_suv).scales[1] == 1.0


def test_without_bone_nothing_compares_them(days):
    lost = changed(days[0], patient={"bone_reference": None}, suv={"reason": "none"})
    found = comparable(lost, days[1])
    assert found.scales is None
    assert "no bone to compare with at baseline" in found.reason
