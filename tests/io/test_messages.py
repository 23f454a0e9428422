import pytest

from fuzzyseg.io.messages import percent


@pytest.mark.parametrize(
    ("value", "text"),
    [(100.0, "100%"), (99.6, "100%"), (12.3, "12%"), (9.96, "10%"), (0.123, "0.12%"), (0, "0%")],
)
def test_a_percentage_has_two_digits_and_no_exponent(value, text):
    assert percent(value) == text
