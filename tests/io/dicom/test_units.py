import pytest

from fuzzyseg.io.dicom.units import parse_unit


@pytest.mark.parametrize(
    ("code", "unit", "factor"),
    [
        ("Bq/ml", "Bq/mL", 1),
        ("Bq/mL", "Bq/mL", 1),
        ("BQML", "Bq/mL", 1),
        ("BQ/ML ", "Bq/mL", 1),
        ("Bq/cm3", "Bq/mL", 1),
        ("kBq/ml", "Bq/mL", 1e3),
        ("KBQML", "Bq/mL", 1e3),
        ("MBq/mL", "Bq/mL", 1e6),
        ("kBq/l", "Bq/mL", 1),
        ("{counts}", "counts", 1),
        ("{propcounts}", "counts", 1),
        ("CNTS", "counts", 1),
        ("g/ml{SUVbw}", "SUV", 1),
        ("{SUVbw}g/ml", "SUV", 1),
        ("g/ml", "SUV", 1),
    ],
)
def test_known_units(code, unit, factor):
    found, by, warning = parse_unit(code)
    assert (found, warning) == (unit, None)
    assert by == pytest.approx(factor)


@pytest.mark.parametrize("code", ["{counts}/s", "mBq/ml", "%", "", "umol/ml"])
def test_other_units_are_arbitrary_and_named(code):
    unit, factor, warning = parse_unit(code)
    assert (unit, factor) == ("arbitrary", 1.0)
    assert (code or "unnamed") in warning


@pytest.mark.parametrize("code", ["g/ml{SUVlbm}", "cm2/ml{SUVbsa}", "g/ml{SUVibw}"])
def test_suv_by_something_else_is_told(code):
    unit, _, warning = parse_unit(code)
    assert unit == "SUV"
    assert code in warning
