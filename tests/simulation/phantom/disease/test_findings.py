"""What benign findings do to uptake, and what they leave alone."""

from dataclasses import replace

import numpy as np
import pytest

from fuzzyseg.simulation.laws import Uniform
from fuzzyseg.simulation.patient import draw_patient
from fuzzyseg.simulation.patient_settings import PatientSettings
from fuzzyseg.simulation.phantom.anatomy.pelvis import HIP
from fuzzyseg.simulation.phantom.disease.finding_places import Place, places
from fuzzyseg.simulation.phantom.disease.findings import (
    Finding,
    draw_findings,
    paint_findings,
)
from fuzzyseg.simulation.phantom.shapes import deformation
from fuzzyseg.simulation.phantom.shapes.build import ball
from fuzzyseg.simulation.phantom.uptake import draw_uptake, relative_uptake
from fuzzyseg.simulation.population import POPULATIONS
from fuzzyseg.simulation.population_laws import Chance

CLINICAL = POPULATIONS["clinical"]


@pytest.fixture
def normal(reference):
    uptake = draw_uptake(np.random.default_rng(0), CLINICAL.uptake)
    soft, bone, _ = relative_uptake(reference.phantom, uptake)
    return soft, bone, uptake.relative


def paint(reference, normal, *findings):
    soft, bone = normal[0].copy(), normal[1].copy()
    dense, record = paint_findings(
        findings, reference.phantom, reference.body, deformation.none(), soft, bone, normal[2]
    )
    return soft, bone, dense, record


def distance_mm(phantom, point):
    axes = [phantom.grid.axis(i) - point[i] for i in range(3)]
    return np.sqrt(sum(a**2 for a in np.meshgrid(*axes, indexing="ij")))


def test_a_joint_multiplies_bone_and_densifies_marrow_there_alone(reference, normal):
    place = Place("hip", "right", (ball(HIP, 20.0),))
    soft, bone, dense, record = paint(reference, normal, Finding(place, 3.0, 0.5))
    d = distance_mm(reference.phantom, HIP)
    solid = reference.phantom.bone_fraction > 0.1
    inner, outer = solid & (d < 12), d > 36
    assert bone[inner] / normal[1][inner] == pytest.approx(3.0, rel=0.01)
    assert np.array_equal(bone[outer], normal[1][outer])
    assert np.array_equal(soft, normal[0])
    marrow = reference.phantom.fraction("spongiosa")
    assert dense[inner] == pytest.approx(0.5 * marrow[inner], abs=0.01)
    assert not dense[outer].any()
    ball_ml = float(reference.phantom.bone_fraction[d < 20].sum()) * 0.216
    assert record[0]["volume_ml"] == pytest.approx(ball_ml, rel=0.15)
    assert (record[0]["name"], record[0]["where"], record[0]["gain"]) == ("hip", "right", 3.0)
    (centre,) = record[0]["centres_mm"]
    assert np.linalg.norm(np.subtract(centre, HIP)) < 5  # of the bone in the ball


def test_uptake_in_soft_tissue_spares_bone_and_air(reference, normal):
    place = Place("injection site", "", (ball((0.0, 100.0, 990.0), 20.0),), "soft")
    soft, bone, dense, _ = paint(reference, normal, Finding(place, 40.0))
    assert np.array_equal(bone, normal[1])
    assert not dense.any()
    air = reference.phantom.fraction("air") == 1
    assert np.array_equal(soft[air], normal[0][air])
    d = distance_mm(reference.phantom, (0.0, 100.0, 990.0))
    body = (d < 12) & (reference.phantom.fraction("air") < 0.01)
    assert soft[body] == pytest.approx(40.0, rel=0.02)


def test_the_bladder_s_rim_stays_hot_around_fresh_urine(reference, normal):
    bladder = reference.phantom.fraction("bladder")
    lumen = next(
        p
        for p in places(reference.body, 120.0, np.random.default_rng(1))
        if p.name == "bladder rim"
    )
    soft, *_ = paint(reference, normal, Finding(lumen, 0.3))
    core = bladder > 0.99
    level = normal[2]["bladder"]
    assert soft[core].min() == pytest.approx(0.3 * level, rel=0.1)
    assert soft[core].max() > 0.5 * level
    outside = bladder < 0.01
    np.testing.assert_allclose(soft[outside], normal[0][outside], rtol=1e-3)


def test_a_finding_outside_the_field_is_not_recorded(reference, normal):
    place = Place("wrist", "right", (ball((0.0, 0.0, 3000.0), 20.0),))
    assert paint(reference, normal, Finding(place, 3.0))[3] == []


def test_every_finding_of_a_population_has_a_place(reference):
    named = {p.name for p in places(reference.body, 100.0, np.random.default_rng(0))}
    for population in POPULATIONS.values():
        assert set(population.findings) <= named
    assert set(CLINICAL.findings) == named


def test_places_lie_in_what_they_change(reference):
    """Each bony place holds bone, each soft one soft tissue, in the body of either arm position."""
    phantom = reference.phantom
    tissue = {
        "bone": phantom.bone_fraction,
        "kidney": phantom.fraction("kidney"),
        "bladder": phantom.fraction("bladder"),
        "soft": 1 - phantom.bone_fraction - phantom.fraction("air"),
    }
    points = np.meshgrid(
        *(phantom.grid.axis(i).astype(np.float32) for i in range(3)), indexing="ij"
    )
    for seed in range(3):
        for place in places(reference.body, 120.0, np.random.default_rng(seed)):
            for shape in place.shapes:
                box = tuple(
                    slice(
                        *np.searchsorted(
                            phantom.grid.axis(i), [shape.bounds[0][i] - 6, shape.bounds[1][i] + 6]
                        )
                    )
                    for i in range(3)
                )
                inside = shape.distance(tuple(p[box] for p in points)) < 3
                held = float((tissue[place.on][box] * inside).sum()) * phantom.grid.voxel_ml
                assert held > 0.1, (place.name, place.where)


def test_probabilities_are_kept(reference):
    counts = {"facet": 0, "rib fractures": 0, "injection site": 0}
    n = 150
    for seed in range(n):
        found = draw_findings(np.random.default_rng(seed), CLINICAL, reference.body, 100.0)
        for finding in found:
            if finding.place.name in counts:
                counts[finding.place.name] += 1
    # 22 facets in all, scaled by wear of 0.3 to 1.7, on average 1.
    assert counts["facet"] / n / 22 == pytest.approx(0.2, abs=0.03)
    assert counts["rib fractures"] / n == pytest.approx(0.08, abs=0.06)
    assert counts["injection site"] / n == pytest.approx(0.12, abs=0.07)


def test_truth_is_untouched_and_the_dose_is_kept():
    everywhere = {name: Chance(1.0, Uniform(2.0, 3.0)) for name in CLINICAL.findings}
    given = {"voxel_mm": 16.0, "sample_mm": 8.0, "n_lesions": 4, "arms": "down"}
    plain, full = (
        draw_patient(3, PatientSettings(replace(CLINICAL, findings=found), **given))
        for found in ({}, everywhere)
    )
    assert np.array_equal(plain.labels, full.labels)
    assert plain.parameters["lesions"] == full.parameters["lesions"]
    assert plain.parameters["findings"] == []
    assert {f["name"] for f in full.parameters["findings"]} == set(CLINICAL.findings)
    for p in (plain, full):
        q = p.parameters
        kept = q["injected_mbq"] * q["decay"] * q["retention"] * q["share_in_field"]
        assert q["activity_mbq"] - q["bladder_mbq"] == pytest.approx(kept, rel=1e-3)
    assert np.corrcoef(plain.activity.ravel(), full.activity.ravel())[0, 1] < 0.99
