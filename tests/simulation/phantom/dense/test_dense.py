import json
from dataclasses import replace

import numpy as np
import pytest

from fuzzyseg.simulation.phantom.anatomy import reference
from fuzzyseg.simulation.phantom.anatomy.habitus import Body
from fuzzyseg.simulation.phantom.anatomy.pelvis import HIP
from fuzzyseg.simulation.phantom.anatomy.vessels import PHASES, vessels
from fuzzyseg.simulation.phantom.dense import implants, mineral, wear
from fuzzyseg.simulation.phantom.dense.bone_density import draw_density
from fuzzyseg.simulation.phantom.dense.dense_settings import DENSE, Dense, Graded, insert
from fuzzyseg.simulation.phantom.dense.draw_dense import draw_dense
from fuzzyseg.simulation.phantom.grid import Grid
from fuzzyseg.simulation.phantom.shapes import deformation
from fuzzyseg.simulation.phantom.shapes.build import ball
from fuzzyseg.simulation.phantom.tissues import TISSUES
from fuzzyseg.simulation.phantom.voxelise import voxelise

# Thighs, hips and lower lumbar spine of the reference man.
LOW, HIGH = np.array([-190.0, -130.0, 820.0]), np.array([190.0, 110.0, 1120.0])
GRID = Grid.covering(LOW, HIGH, (5.0, 5.0, 5.0))
SHARES = (
    "fillings", "hip", "spine", "cement", "wires", "sclerosis", "osteophytes", "islands",
    "phleboliths", "contrast", "oral",
)  # fmt: skip


def drawn(dense):
    body = Body()
    bones = [
        part
        for part in reference.bones(body)
        if part.name.split()[0] in ("hip", "femur", "sacrum", "L3", "L4", "L5")
    ]
    soft = (*reference.soft_parts(body)[:2], vessels())
    return voxelise(bones, soft, GRID, body, deformation.none(), sample_mm=5.0, dense=dense)


@pytest.fixture(scope="module")
def plain():
    return drawn(Dense())


def hu(phantom):
    return phantom.mix({k: t.hu for k, t in TISSUES.items()})


def test_every_kind_is_drawn_recorded_and_repeats():
    settings = replace(
        DENSE, **dict.fromkeys(SHARES, 1.0), vessels=(1.0, 1.0), cartilage=(1.0, 1.0)
    )
    kinds = set()
    for seed in range(6):
        one, again = (draw_dense(np.random.default_rng(seed), Body(), settings) for _ in range(2))
        assert one == again
        json.dumps(one.records)
        kinds |= {r["kind"] for r in one.records}
        for graded in (*one.inserts, *one.changes):
            assert 0 < graded.strength <= 1
    assert kinds >= {
        "bone density", "amalgam", "dental gold", "hip prosthesis", "spinal fixation",
        "bone cement", "sternal wires", "sclerosis", "osteophyte", "bone island",
        "calcified artery", "calcified cartilage", "phleboliths", "contrast agent",
        "oral contrast",
    }  # fmt: skip


def test_one_kind_s_share_leaves_the_others_as_they_are():
    one = draw_dense(np.random.default_rng(3), Body(), replace(DENSE, spine=0.0))
    other = draw_dense(np.random.default_rng(3), Body(), replace(DENSE, spine=1.0))
    assert [r for r in other.records if r["kind"] != "spinal fixation"] == list(one.records)


def test_metal_takes_bone_s_place_and_is_no_bone(plain):
    metal = implants.draw_implants(
        np.random.default_rng(1),
        replace(DENSE, fillings=0, hip=1, spine=0, cement=0, wires=0),
    )
    phantom = drawn(metal)
    share = phantom.fraction("titanium") + phantom.fraction("cobalt chromium")
    side = metal.records[0]["place"].split()[1]
    x = GRID.axis(0)[:, None, None] * (1 if side == "right" else -1)
    assert share.sum() > 100
    assert share[np.broadcast_to(x < 0, share.shape)].sum() == pytest.approx(0, abs=1)
    assert (phantom.bone_fraction[share > 0.6] < 0.5).all()
    total = sum(phantom.fractions[i].astype(float) for i in range(len(phantom.tissues)))
    assert np.abs(total - 1).max() < 0.01
    # Mass follows the table's density to the last gram of metal.
    heavier = phantom.mass_kg - plain.mass_kg
    ml = {t: phantom.fraction(t).sum(dtype=float) * GRID.voxel_ml for t in phantom.tissues}
    before = {t: plain.fraction(t).sum(dtype=float) * GRID.voxel_ml for t in plain.tissues}
    grams = sum((ml[t] - before.get(t, 0.0)) * TISSUES[t].density for t in ml)
    assert heavier == pytest.approx(grams / 1000, rel=0.02)


def test_sclerosis_and_islands_harden_bone_and_nothing_else(plain):
    where = Graded(insert("x", "cortical bone", ball(HIP, 20.0)).part, 0.8)
    phantom = drawn(Dense(changes=(where,)))
    assert np.allclose(phantom.bone_fraction, plain.bone_fraction, atol=2e-3)
    more = hu(phantom) - hu(plain)
    xyz = np.stack(np.meshgrid(*(GRID.axis(i) for i in range(3)), indexing="ij"), axis=-1)
    far = np.linalg.norm(xyz - HIP, axis=-1) > 24
    near = (np.linalg.norm(xyz - HIP, axis=-1) < 14) & (plain.fraction("spongiosa") > 0.9)
    assert np.abs(more[far]).max() < 5
    expected = 0.8 * (TISSUES["cortical bone"].hu - TISSUES["spongiosa"].hu)
    assert np.median(more[near]) == pytest.approx(expected, rel=0.05)


def test_lumbar_marrow_has_the_ct_number_that_was_drawn_and_the_outline_stays(plain):
    spongy = plain.fraction("spongiosa") > 0.97
    lumbar = spongy & (plain.region == plain.regions.index("L3"))
    for seed in range(3):
        dense = draw_density(np.random.default_rng(seed), Body(), DENSE)
        phantom = drawn(replace(dense, cortex=1.0))
        assert np.allclose(phantom.bone_fraction, plain.bone_fraction, atol=2e-3)
        # L3's number differs from the spine's mean by the spread between bones alone.
        found = np.median(hu(phantom)[lumbar])
        wanted = dense.records[0]["lumbar_hu"]
        fat = TISSUES["marrow"].hu
        assert abs(np.log((found - fat) / (wanted - fat))) < 3 * 0.12


def test_density_falls_with_age():
    young, old = (
        [
            draw_density(np.random.default_rng(s), Body(), replace(DENSE, age_years=(a, 0.0)))
            for s in range(60)
        ]
        for a in (40.0, 80.0)
    )
    means = [np.mean([d.records[0]["lumbar_hu"] for d in group]) for group in (young, old)]
    assert means[0] - means[1] == pytest.approx(2.5 * 40, abs=12)
    assert np.mean([d.cortex for d in old]) < np.mean([d.cortex for d in young]) - 0.1


def test_a_thinner_cortex_holds_less_cortical_bone(plain):
    thin = drawn(Dense(cortex=0.6))
    ratio = thin.fraction("cortical bone").sum() / plain.fraction("cortical bone").sum()
    assert 0.5 < ratio < 0.8
    assert np.allclose(thin.bone_fraction, plain.bone_fraction, atol=2e-3)


def test_calcified_arteries_are_no_bone(plain):
    for seed in range(20):
        dense = mineral.draw_mineral(
            np.random.default_rng(seed), 80.0, replace(DENSE, vessels=(1, 1), phleboliths=0)
        )
        phantom = drawn(dense)
        stone = phantom.fraction("calcification")
        if stone.max() > 0.3:
            break
    assert (phantom.bone_fraction <= plain.bone_fraction + 2e-3).all()
    assert (hu(phantom) - hu(plain))[stone > 0.3].min() > 100


def test_spurs_add_bone_at_their_vertebra():
    for seed in range(20):
        dense = wear.draw_wear(
            np.random.default_rng(seed), replace(DENSE, sclerosis=0, islands=0, osteophytes=1)
        )
        if any(p.name in ("L3", "L4") for p in dense.spurs):
            break
    phantom, before = drawn(dense), drawn(Dense())
    more = phantom.bone_fraction - before.bone_fraction
    assert more.min() > -0.02
    assert more.sum() > 0.5


@pytest.mark.parametrize("phase", PHASES)
def test_contrast_agent_is_in_the_ct_and_not_in_the_attenuation(phase):
    from fuzzyseg.simulation.phantom.disease.metastases import LesionMaps
    from fuzzyseg.simulation.phantom.images import attenuation_and_hu

    added = {tissue: float(np.mean(span)) for tissue, span in PHASES[phase].items()}
    phantom, before = drawn(Dense(contrast_hu=added)), drawn(Dense())
    (mu, ct), (mu0, ct0) = (
        attenuation_and_hu(p, LesionMaps.empty(GRID.shape)) for p in (phantom, before)
    )
    assert np.array_equal(mu, mu0)
    blood = before.fraction("heart") > 0.99
    assert (ct - ct0)[blood] == pytest.approx(added["heart"], rel=0.02)


def test_metals_and_cement_have_the_published_order_of_ct_numbers():
    found = {name: TISSUES[name].hu for name in TISSUES}
    assert found["titanium"] > 6000  # unclipped; Ti-6Al-4V at 80 keV, XrayDB: 8.6 times water
    assert found["titanium"] == pytest.approx(1000 * (4.43 * 0.4052 * 0.96 / 0.1837 - 1), rel=0.05)
    assert found["titanium"] < found["cobalt chromium"] < found["amalgam"]
    assert -80 < found["marrow"] < -20
    assert 250 < found["oral contrast"] < 500
    assert 3000 < found["bone cement"] < 9000
