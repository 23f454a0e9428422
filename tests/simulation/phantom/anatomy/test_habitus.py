import numpy as np
import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.simulation.phantom.anatomy.habitus import Body, draw_body
from fuzzyseg.simulation.phantom.grid import Grid, check_spacing


def test_the_reference_body_maps_onto_itself():
    p = [np.array([v], np.float32) for v in (50, -20, 1200)]
    assert np.array(Body().to_reference(*p)).ravel() == pytest.approx([50, -20, 1200], rel=1e-5)


@pytest.mark.parametrize("sex", ["male", "female"])
def test_boxes_of_the_patient_hold_what_the_reference_box_holds(sex):
    body = Body(sex, 1600.0, 60.0, breadth=1.04, depth=0.97)
    low, high = np.array([-40.0, -30.0, 900.0]), np.array([90.0, 60.0, 1500.0])
    outer = body.box_to_patient(low, high)
    rng = np.random.default_rng(0)
    p = rng.uniform(outer[0] - 60, outer[1] + 60, (20000, 3)).astype(np.float32)
    q = np.stack(body.to_reference(*p.T), axis=1)
    within = ((q > low) & (q < high)).all(axis=1)
    assert within.sum() > 100
    assert ((p[within] > outer[0] - 1e-3) & (p[within] < outer[1] + 1e-3)).all()


def test_a_woman_has_the_broader_pelvis_and_the_narrower_shoulders():
    man, woman = Body("male", 1650.0, 65.0), Body("female", 1650.0, 65.0)
    for z, wider in ((960.0, woman), (1480.0, man)):
        low, high = np.array([-100.0, -1.0, z - 1]), np.array([100.0, 1.0, z + 1])
        width = {b.sex: b.box_to_patient(low, high)[1][0] for b in (man, woman)}
        assert max(width, key=width.get) == wider.sex


def test_bodies_vary_and_follow_the_seed():
    bodies = [draw_body(np.random.default_rng(s)) for s in range(200)]
    assert draw_body(np.random.default_rng(3)) == bodies[3]
    assert {b.sex for b in bodies} == {"male", "female"}
    assert {b.arms for b in bodies} == {"down", "up"}
    stature = [b.stature_mm for b in bodies if b.sex == "male"]
    assert np.mean(stature) == pytest.approx(1750, abs=20)
    assert 40 < np.std(stature) < 80
    given = draw_body(
        np.random.default_rng(1), sex="female", stature_mm=1500, mass_kg=50, arms="up"
    )
    assert (given.sex, given.stature_mm, given.mass_kg, given.arms) == ("female", 1500, 50, "up")


@pytest.mark.parametrize(
    "bad",
    [
        {"stature_mm": 500.0},
        {"mass_kg": 400.0},
        {"mass_kg": float("nan")},
        {"sex": "other"},
        {"arms": "crossed"},
    ],
)
def test_an_impossible_body_is_refused_in_one_line(bad):
    with pytest.raises(InputError, match=r"expected .* found .*;") as error:
        Body(**bad)
    assert "\n" not in str(error.value)


def test_grids_are_even_centred_and_limited():
    low, high = np.array([-101.0, -50.0, 0.0]), np.array([101.0, 50.0, 95.0])
    grid = Grid.covering(low, high, (5.0, 5.0, 5.0))
    assert grid.shape == (42, 20, 20)
    assert grid.axis(0).mean() == pytest.approx(0)
    assert grid.axis(2)[0] == 2.5
    assert grid.axis(0, 2)[:2] == pytest.approx([grid.axis(0)[0] - 1.25, grid.axis(0)[0] + 1.25])
    assert Grid.covering(low, high, (5.0, 5.0, 5.0), matrix=64).shape == (64, 64, 20)
    with pytest.raises(InputError, match=r"expected a body within 32 x 32 .* found 42 x 20"):
        Grid.covering(low, high, (5.0, 5.0, 5.0), matrix=32)


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), (4.0, 5.0, 4.0)])
def test_voxels_must_be_positive_and_isotropic_in_plane(bad):
    with pytest.raises(InputError, match="expected"):
        check_spacing(bad)
    assert check_spacing((4.0, 4.0, 3.0)) == (4.0, 4.0, 3.0)
