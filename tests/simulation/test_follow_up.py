import json
from dataclasses import replace

import numpy as np
import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.simulation.cohort import simulate_cohort
from fuzzyseg.simulation.follow_up import FOLLOW_UPS, FirstDay, draw_follow_up
from fuzzyseg.simulation.patient import draw_patient
from fuzzyseg.simulation.patient_settings import PatientSettings
from fuzzyseg.simulation.simulated import Recipe, check_recipe

SETTINGS = PatientSettings(voxel_mm=9.0, sample_mm=9.0, n_lesions=12, arms="down")


@pytest.fixture(scope="module")
def first():
    return draw_patient(5, SETTINGS)


def later(first, laws, seed=1):
    day = FirstDay(5, SETTINGS, first.lesions, first.bent)
    return draw_follow_up(day, np.random.SeedSequence(seed), laws)


@pytest.fixture(scope="module")
def unchanged(first):
    return later(first, FOLLOW_UPS["unchanged"])


@pytest.fixture(scope="module")
def changed(first):
    return later(first, replace(FOLLOW_UPS["changed"], gone=0.3, new=4.0))


def voxel(patient, place):
    index = np.linalg.inv(patient.affine) @ [*place, 1]
    return tuple(np.rint(index[:3]).astype(int))


def test_lesions_lie_where_the_motion_takes_them_but_for_bends(unchanged):
    _, changes = unchanged
    matrix = np.array(changes["baseline_from_follow_up"])
    assert np.linalg.det(matrix[:3, :3]) == pytest.approx(1)
    assert np.linalg.norm(matrix[:3, 3]) > 5
    pairs = [each["centre_mm"] for each in changes["lesions"] if each["follow_up"]]
    before, after = np.swapaxes(pairs, 0, 1)
    left = np.linalg.norm(after @ matrix[:3, :3].T + matrix[:3, 3] - before, axis=1)
    assert np.median(left) < 4
    assert left.max() < 15
    assert np.linalg.norm(after - before, axis=1).min() > 8


def test_nothing_changes_but_place_and_bladder(first, unchanged):
    patient, changes = unchanged
    there = [each for each in changes["lesions"] if each["follow_up"]]
    assert len(there) >= 11  # a small one may leave no voxel marked on another grid
    assert {each["change"] for each in there} == {"unchanged"}
    for each in there:
        assert each["to_bone"][0] == each["to_bone"][1]
        assert each["diameter_mm"][0] == each["diameter_mm"][1]
    volumes = np.array([each["volume_ml"] for each in there])
    assert volumes[:, 1].sum() == pytest.approx(volumes[:, 0].sum(), rel=0.1)
    assert patient.parameters["weight_kg"] == first.parameters["weight_kg"]
    assert patient.parameters["findings"] != []
    names = [each["name"] for each in first.parameters["findings"]]
    assert [each["name"] for each in patient.parameters["findings"]] == names
    assert patient.parameters["bladder_ml"] != first.parameters["bladder_ml"]
    skeleton = [(p.labels > 0).sum() for p in (first, patient)]
    assert skeleton[1] == pytest.approx(skeleton[0], rel=0.03)


def test_the_truth_names_what_is_drawn(first, changed):
    patient, changes = changed
    for each in changes["lesions"]:
        for day, number, p in (
            (0, each["baseline"], first),
            (1, each["follow_up"], patient),
        ):
            if number is None:
                assert each["centre_mm"][day] is each["volume_ml"][day] is None
                continue
            drawn = p.parameters["lesions"][number - 1]
            assert list(drawn["centre_mm"]) == each["centre_mm"][day]
            assert (drawn["volume_ml"], drawn["region"]) == (each["volume_ml"][day], each["region"])
    numbers = [each["follow_up"] for each in changes["lesions"] if each["follow_up"]]
    assert sorted(numbers) == list(range(1, len(patient.parameters["lesions"]) + 1))
    json.dumps(changes)


def test_changes_are_in_the_images(first, changed):
    patient, changes = changed
    kinds = {each["change"] for each in changes["lesions"]}
    assert kinds >= {"changed", "gone", "new"}
    for each in changes["lesions"]:
        for place, p in zip(each["centre_mm"], (first, patient), strict=True):
            if place is not None and each["volume_ml"][0] and each["volume_ml"][0] > 2:
                x, y, z = voxel(p, place)
                assert (p.labels[x - 1 : x + 2, y - 1 : y + 2, z - 1 : z + 2] == 2).any()
    grown = [
        np.diff(each["diameter_mm"])[0] * np.diff(each["volume_ml"])[0]
        for each in changes["lesions"]
        if each["change"] == "changed" and abs(np.diff(each["diameter_mm"])[0]) > 2
    ]
    assert len(grown) > 2
    assert np.mean(np.array(grown) > 0) >= 0.75  # neighbours and bone may cut what grows


def test_another_day_is_another_scan_and_the_same_day_the_same(first, unchanged):
    again, _ = later(first, FOLLOW_UPS["unchanged"])
    np.testing.assert_array_equal(again.activity, unchanged[0].activity)
    other, _ = later(first, FOLLOW_UPS["unchanged"], seed=2)
    assert not np.array_equal(other.affine, unchanged[0].affine)


def test_a_cohort_of_follow_ups_refers_to_the_one_without(tmp_path):
    recipe = Recipe(seed=5, views=8, fine=False, axial=(0.15, 0.2))
    simulate_cohort(tmp_path / "first", 1, recipe)
    simulate_cohort(tmp_path / "later", 1, replace(recipe, follow_up="changed"))
    folders = [tmp_path / name / "patient-0001" for name in ("first", "later")]
    assert not (folders[0] / "follow_up.json").exists()
    truth = json.loads((folders[1] / "follow_up.json").read_text())
    drawn = [json.loads((f / "patient.json").read_text())["patient"] for f in folders]
    assert drawn[0]["mass_kg"] == drawn[1]["mass_kg"]
    before = [each["centre_mm"][0] for each in truth["lesions"] if each["baseline"]]
    assert before == [each["centre_mm"] for each in drawn[0]["lesions"]]
    after = [each["centre_mm"][1] for each in truth["lesions"] if each["follow_up"]]
    assert after == [each["centre_mm"] for each in drawn[1]["lesions"]]


@pytest.mark.parametrize("other", [{"ct_only": True}, {"phantom": "x.raw", "labels": "y.toml"}])
def test_only_built_in_bodies_with_a_spect_are_followed_up(other):
    with pytest.raises(InputError, match="--follow-up"):
        check_recipe(Recipe(follow_up="changed", **other))


def test_an_unknown_follow_up_is_refused():
    with pytest.raises(InputError, match="changed, unchanged"):
        check_recipe(Recipe(follow_up="worse"))
