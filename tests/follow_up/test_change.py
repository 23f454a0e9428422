import math
from dataclasses import replace

import numpy as np
import pytest
from two_days import BASELINE, FOLLOW_UP, LESIONS, drawn_day, later_from_body

from fuzzyseg.follow_up.change import changes_of, percent
from fuzzyseg.follow_up.comparable_uptake import comparable
from fuzzyseg.follow_up.matching import voxels_at
from fuzzyseg.volume import Volume


@pytest.fixture(scope="module")
def changes(days, limits):
    """By name of the lesion, with the motion known."""
    move = np.linalg.inv(later_from_body())
    found = changes_of(*days, move, comparable(*days), limits)
    return {_name(each, days): each for each in found}


def _name(change, days):
    """Lesion in LESIONS whose centre one of its lesions holds."""
    for name, (centre, radii, _) in LESIONS.items():
        for which, (day, own) in enumerate(
            zip(days, (change.baseline, change.follow_up), strict=True)
        ):
            place = np.array([centre], float)
            if which == FOLLOW_UP:
                move = later_from_body()
                place = place @ move[:3, :3].T + move[:3, 3]
            if radii[which] is None:
                continue
            index, _ = voxels_at(day.lesions.shape, day.spect.affine, place)
            if len(index) and day.lesions[tuple(index[0])] in own:
                return name
    raise AssertionError(change)


def test_every_lesion_is_told_as_it_was_drawn(changes):
    told = {name: each.told for name, each in changes.items()}
    assert told == {
        "same": "unchanged",
        "grown": "grown",
        "cooler": "cooler",
        "gone": "gone",
        "new": "new",
        "merged": "merged, grown",
    }
    assert changes["same"].beyond is False
    assert all(each.beyond for name, each in changes.items() if name != "same")


def test_changes_are_those_of_spheres(changes):
    sphere_ml = 4 / 3 * math.pi * 15**3 / 1000
    assert changes["grown"].volume_ml[1] == pytest.approx(sphere_ml, rel=0.1)
    assert percent(changes["grown"].volume_ml) == pytest.approx(100 * (1.5**3 - 1), rel=0.25)
    assert percent(changes["cooler"].peak) == pytest.approx(100 * (2 / 6 - 1), abs=3)
    assert percent(changes["cooler"].mean) == pytest.approx(100 * (2 / 6 - 1), abs=1)
    # Twice the activity was given: in SUV nothing has changed.
    assert percent(changes["same"].mean) == pytest.approx(0, abs=1)


def test_where_no_lesion_is_the_peak_of_the_place_is_told(changes):
    gone, new = changes["gone"], changes["new"]
    assert gone.volume_ml[1] is new.volume_ml[0] is gone.total[1] is None
    assert gone.peak[1] / gone.peak[0] == pytest.approx(1 / 4, rel=0.05)  # bone is there now
    assert new.peak[1] / new.peak[0] == pytest.approx(4, rel=0.05)
    assert percent(gone.volume_ml) is None


def test_a_lesion_the_labels_lost_while_its_place_stays_warm_is_said_to_be_so(days, limits):
    before, after = days
    lost = replace(after, lesions=after.lesions * 0)
    move = np.linalg.inv(later_from_body())
    found = changes_of(before, lost, move, comparable(before, lost), limits)
    told = {_name(each, (before, lost)): each for each in found}
    assert told["same"].kind == "gone"
    assert not told["same"].beyond
    assert told["same"].told == "gone, but as warm as before"
    assert told["gone"].told == "gone"


def test_what_the_other_field_does_not_hold_is_not_gone(days, limits):
    before, after = days
    affine = after.spect.affine.copy()
    affine[:3, 3] += affine[:3, 2] * 36
    spect = Volume(after.spect.array[:, :, 36:], affine, "NM", "Bq/mL")
    cut = replace(after, spect=spect, lesions=after.lesions[:, :, 36:])
    move = np.linalg.inv(later_from_body())
    found = changes_of(before, cut, move, comparable(before, cut), limits)
    (gone,) = [each for each in found if _name(each, (before, cut)) == "gone"]
    assert gone.told == "outside the field at follow-up"
    assert gone.peak[1] is None
    assert not gone.beyond


def test_a_lesion_that_the_field_cuts_has_no_change_of_volume(days, limits):
    before, after = days
    at_border = [{**each, "at_border": True} for each in before.summary["lesions"]]
    cut = replace(before, summary={**before.summary, "lesions": at_border})
    move = np.linalg.inv(later_from_body())
    found = changes_of(cut, after, move, comparable(cut, after), limits)
    (grown,) = [each for each in found if _name(each, (cut, after)) == "grown"]
    assert grown.words == ()
    assert "border" in grown.reasons["volume_change"]
    assert grown.at_border
    assert grown.told == "peak unchanged"  # its volume is not judged
    assert grown.percent("volume_ml") is grown.percent("total") is None
    assert grown.percent("peak") == percent(grown.peak)


def test_percent_of_what_is_unknown_is_unknown():
    assert percent((2.0, 3.0)) == pytest.approx(50)
    assert percent((None, 3.0)) is percent((0.0, 3.0)) is percent((2.0, -1.0)) is None


def test_without_a_unit_volumes_alone_are_compared(limits):
    days = [drawn_day(which, person=False)[0] for which in (BASELINE, FOLLOW_UP)]
    for day in days:
        day.summary["patient"]["bone_reference"] = None
    move = np.linalg.inv(later_from_body())
    uptake = comparable(*days)
    found = {_name(e, days): e for e in changes_of(*days, move, uptake, limits)}
    assert found["grown"].told == "grown"
    assert found["cooler"].peak == (None, None)
    assert "no bone" in found["cooler"].reasons["peak"]
    assert found["gone"].told == "gone"  # whether it is as warm as before, nothing says
    assert not found["gone"].beyond
