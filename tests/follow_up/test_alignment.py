import numpy as np
import pytest
from two_days import (
    BASELINE,
    FOLLOW_UP,
    LESIONS,
    SHIFT_MM,
    TURN_DEG,
    drawn_day,
    later_from_body,
)

from fuzzyseg.errors import InputError
from fuzzyseg.follow_up.alignment import align_days
from fuzzyseg.follow_up.comparison import compare
from fuzzyseg.follow_up.day import Day
from fuzzyseg.volume import Volume


def error_mm(alignment):
    """Largest distance between where lesions come and where they were."""
    places = np.array([centre for centre, _, _ in LESIONS.values()], float)
    there = alignment.baseline_from_follow_up @ later_from_body()
    return np.linalg.norm(places @ there[:3, :3].T + there[:3, 3] - places, axis=1).max()


def test_by_their_cts_days_come_onto_each_other(compared):
    found = compared.alignment
    assert found.by == "CT"
    assert error_mm(found) < 1.5
    assert found.agreement > 0.95
    assert found.shared > 0.9
    assert found.doubt == ""
    np.testing.assert_allclose(found.turn_deg, -np.array(TURN_DEG), atol=0.4)
    assert np.linalg.norm(found.shift_mm) == pytest.approx(np.linalg.norm(SHIFT_MM), abs=12)


def test_without_cts_by_their_spects():
    found = align_days(drawn_day(BASELINE, with_ct=False)[0], drawn_day(FOLLOW_UP)[0])
    assert found.by == "SPECT"
    assert error_mm(found) < 2.5
    assert found.doubt == ""


def test_a_part_of_the_body_is_found_in_the_whole(days):
    whole, later = days
    part = later.spect.array[:, :, 20:58]
    affine = later.spect.affine.copy()
    affine[:3, 3] += affine[:3, 2] * 20
    ct = Volume(later.ct.array[:, :, 20:58], affine, "CT", "HU")
    spect = Volume(part, affine, "NM", "Bq/mL")
    cut = Day(spect, ct, later.lesions[:, :, 20:58], later.summary, "drawn")
    assert error_mm(align_days(whole, cut)) < 2.0


def test_another_body_is_doubted(days, monkeypatch):
    stranger = drawn_day(FOLLOW_UP, stranger=True)[0]
    doubtful = align_days(days[0], stranger)
    assert "agree too little" in doubtful.doubt
    monkeypatch.setattr("fuzzyseg.follow_up.comparison.align_days", lambda *_: doubtful)
    with pytest.raises(InputError, match=r"agree too little .* --allow-mismatch"):
        compare(days[0], stranger)
    notes = compare(days[0], stranger, allow_mismatch=True).notes
    assert any("not to be trusted" in note for note in notes)


def test_an_empty_image_has_no_bones(days):
    day = days[0]
    nothing = Volume(np.zeros(day.spect.shape, np.float32), day.spect.affine, "NM", "Bq/mL")
    with pytest.raises(InputError, match="bones in both SPECTs"):
        align_days(day, Day(nothing, None, day.lesions, day.summary, "drawn"))
