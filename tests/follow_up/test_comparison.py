import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from fuzzyseg.cli.change_lines import change_lines
from fuzzyseg.follow_up.comparison import compare
from fuzzyseg.follow_up.comparison_document import changes_csv, document
from fuzzyseg.follow_up.comparison_page import comparison_html
from fuzzyseg.follow_up.patient_totals import totals_of
from fuzzyseg.models.locate import bundled_models


@pytest.fixture(scope="module")
def told(compared):
    return json.loads(json.dumps(document(compared), allow_nan=False))


def test_every_lesion_of_both_days_is_in_one_row(compared, days):
    for name, day in zip(("baseline", "follow_up"), days, strict=True):
        numbers = [n for each in compared.changes for n in getattr(each, name)]
        assert sorted(numbers) == list(day.measures)
    assert [each.number for each in compared.changes] == [*range(1, len(compared.changes) + 1)]


def test_the_patient_s_sums_are_those_of_both_days(compared, days, told):
    volumes = [day.summary["patient"]["lesion_volume_ml"] for day in days]
    uptakes = [day.summary["patient"]["lesion_total_suv_ml"] for day in days]
    found = {each.name: each.values for each in totals_of(compared)}
    assert found["lesion_volume_ml"] == tuple(volumes)
    assert found["lesion_uptake"] == pytest.approx(uptakes)
    assert found["lesion_count"] == (6, 5)
    change = told["patient"]["lesion_volume_ml"]["change_percent"]
    assert change == pytest.approx(100 * (volumes[1] / volumes[0] - 1))


def test_the_table_has_the_figures_of_the_document(compared, told):
    rows = list(csv.DictReader(changes_csv(compared).splitlines()))
    assert len(rows) == len(told["lesions"]) == len(compared.changes)
    for row, each in zip(rows, told["lesions"], strict=True):
        assert row["change"] == each["change"]
        assert row["baseline_lesions"] == " ".join(map(str, each["baseline_lesions"]))
        after = each["volume_ml"]["follow_up"]
        assert row["volume_ml_follow_up"] == ("" if after is None else f"{after:.6g}")
        assert row["uptake_unit"] == "SUV"
        low, high = each["peak"]["limits_percent"]
        assert float(row["peak_limit_low_percent"]) == pytest.approx(low, rel=1e-5)
        assert 1 + high / 100 == pytest.approx(1 / (1 + low / 100))


@pytest.mark.usefixtures("aligned")
def test_nothing_to_find_on_either_day_is_no_error(days):
    healthy = []
    for day in days:
        patient = {**day.summary["patient"], "lesion_count": 0, "lesion_volume_ml": 0.0}
        summary = {**day.summary, "lesions": [], "patient": patient}
        healthy.append(replace(day, lesions=np.zeros_like(day.lesions), summary=summary))
    found = compare(*healthy)
    assert found.changes == ()
    assert document(found)["patient"]["lesion_uptake"]["change_percent"] is None


@pytest.mark.usefixtures("aligned")
def test_two_methods_are_noted(days):
    notes = compare(days[0], replace(days[1], method="rfcm")).notes
    assert any("by drawn at baseline and by rfcm" in note for note in notes)


@pytest.mark.usefixtures("aligned")
def test_two_models_of_one_name_are_noted(days):
    first, later = (replace(day, method="spect", digest="a") for day in days)
    told = "by two models named spect"
    assert any(told in note for note in compare(first, replace(later, digest="b")).notes)
    for other in (later, replace(later, digest="")):  # the same, or results that do not say
        assert not any(told in note for note in compare(first, other).notes)


@pytest.mark.usefixtures("aligned")
def test_limits_of_another_model_of_that_name_are_noted(days):
    bundled, told = bundled_models()["spect"].sha256, "limits are those of the bundled spect"
    for digest, noted in ((bundled, False), ("a" * 64, True)):
        both = [replace(day, method="spect", digest=digest) for day in days]
        assert any(told in note for note in compare(*both).notes) == noted


@pytest.mark.usefixtures("aligned")
def test_changes_of_what_the_field_cuts_are_left_out_everywhere(days):
    at_border = [{**each, "at_border": True} for each in days[0].summary["lesions"]]
    cut = replace(days[0], summary={**days[0].summary, "lesions": at_border})
    found = compare(cut, days[1])
    rows = csv.DictReader(changes_csv(found).splitlines())
    page, lines = comparison_html(found), change_lines(found)
    for each, row, told in zip(found.changes, rows, document(found)["lesions"], strict=True):
        shown = re.search(rf'data-lesion="{each.number}" aria.*?</tr>', page).group()
        line = next(line for line in lines if line.split()[0] == str(each.number))
        marked = [">cut</abbr>" in shown, "cut off" in line, told["at_border"]]
        assert marked == [bool(each.baseline)] * 3
        if each.baseline and each.follow_up:
            assert row["volume_ml_change_percent"] == row["total_change_percent"] == ""
            assert told["volume_ml"]["change_percent"] is None
            assert row["peak_change_percent"]
            assert shown.count("not known: cut off") == 2
    assert any("reach the border of a day's field" in note for note in found.notes)


def test_days_that_may_be_swapped_or_one_scan_are_told(days):
    first, later = days
    found = compare(replace(first, date="20240105"), replace(later, date="20230101"))
    assert any("may be swapped" in note for note in found.notes)
    found = compare(replace(first, date="20230101"), replace(first, date="20240105"))
    assert any("given twice" in note for note in found.notes)
    assert not any("swapped" in note for note in found.notes)
