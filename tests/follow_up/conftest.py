import pytest
from two_days import BASELINE, FOLLOW_UP, drawn_day

from fuzzyseg.follow_up.comparison import compare
from fuzzyseg.follow_up.repeatability import Repeatability


@pytest.fixture(scope="session")
def days():
    """Baseline and follow-up; twice the activity was given on the second day."""
    return drawn_day(BASELINE)[0], drawn_day(FOLLOW_UP, injected_mbq=1400.0)[0]


@pytest.fixture(scope="session")
def limits():
    """A method that repeats volumes within 30% and peaks within 10%, whatever the size."""
    s = {"volume": 0.134, "peak": 0.0486, "total": 0.134}
    both = s | {"peak_to_bone": 0.0486, "total_to_bone": 0.134}
    return Repeatability("drawn", 5, ({"below_ml": None, **both},), both)


@pytest.fixture
def aligned(compared, monkeypatch):
    """Take the alignment that was found: what is tested is something else."""
    monkeypatch.setattr("fuzzyseg.follow_up.comparison.align_days", lambda *_: compared.alignment)


@pytest.fixture(scope="session")
def compared(days):
    return compare(*days)
