from dataclasses import replace

import numpy as np
import pytest

from fuzzyseg.simulation.laws import Uniform
from fuzzyseg.simulation.phantom.disease.lesion_sites import (
    candidates_of,
    draw_regions,
    kind_of_bone,
    site_weights,
)
from fuzzyseg.simulation.phantom.disease.metastases import (
    DIAMETER_MM,
    draw_count,
    draw_kind,
    draw_lesions,
)
from fuzzyseg.simulation.phantom.tissues import TISSUES
from fuzzyseg.simulation.phantom.uptake import draw_uptake, relative_uptake
from fuzzyseg.simulation.population import POPULATIONS

LAWS = POPULATIONS["clinical"].lesions


def drawn(seed, phantom, count, laws=LAWS):
    return draw_lesions(np.random.default_rng(seed), phantom, count, laws)


def test_counts_vary_and_some_patients_have_none():
    counts = np.array([draw_count(np.random.default_rng(s), LAWS) for s in range(2000)])
    assert (counts == 0).mean() == pytest.approx(LAWS.none_share, abs=0.025)
    assert 4 <= np.median(counts) <= 9
    assert counts.max() <= 40


def test_lesions_lie_in_bone_and_apart(reference):
    phantom = reference.phantom
    lesions, maps = drawn(1, phantom, 25)
    bone = phantom.bone_fraction
    assert len(lesions) == 25
    assert (maps.share <= bone + 1e-3).all()
    assert (bone[maps.labels] >= 0.5).all()
    assert maps.labels.sum() == sum(lesion.voxels for lesion in lesions)
    total = sum(lesion.volume_ml for lesion in lesions)
    assert maps.share.sum() * phantom.grid.voxel_ml == pytest.approx(total, rel=1e-3)
    full = maps.labels & (maps.share > 0.5 * bone)
    ratio = maps.uptake[full] / maps.share[full]
    assert ratio.min() >= min(lesion.to_bone for lesion in lesions) - 1e-3
    assert ratio.max() <= max(lesion.to_bone for lesion in lesions) + 1e-3
    for lesion in lesions:
        assert DIAMETER_MM[0] <= lesion.diameter_mm <= DIAMETER_MM[1]
        assert lesion.voxels >= 1
        assert (lesion.hu is None) == (lesion.kind == "isodense")
        assert lesion.region in phantom.regions


@pytest.fixture(scope="module")
def many(reference):
    """Lesions of 45 patients with ten each."""
    uptake = draw_uptake(np.random.default_rng(0), POPULATIONS["clinical"].uptake)
    _, _, normal = relative_uptake(reference.phantom, uptake)
    patients = []
    for seed in range(45):
        rng = np.random.default_rng(seed)
        patients.append(draw_lesions(rng, reference.phantom, 10, LAWS, normal)[0])
    return patients, normal


def test_lesions_fall_where_they_are_reported(many):
    kinds = [kind_of_bone(lesion.region) for lesions in many[0] for lesion in lesions]
    share = {k: 100 * kinds.count(k) / len(kinds) for k in LAWS.many}
    # Wang and Shen 2012: per cent of 2,000 lesions.
    for kind, published in (("rib", 28.9), ("T", 14.8), ("L", 8.0)):
        assert share[kind] == pytest.approx(published, abs=3.5), kind
    inside = sum(share[k] for k in ("hip", "sacrum", "C", "T", "L"))
    assert 100 - inside == pytest.approx(45.6, abs=4)
    for table, outside in ((LAWS.many, 45.6), (LAWS.few, 15.5)):
        spine_and_pelvis = sum(table[k] for k in ("hip", "L", "T", "C", "sacrum"))
        assert sum(table.values()) - spine_and_pelvis == pytest.approx(outside, abs=0.05)


def test_lesions_of_ribs_come_with_lesions_of_vertebrae(reference):
    phantom = reference.phantom
    weights = site_weights(phantom.regions, candidates_of(phantom, phantom.bone_fraction), LAWS.few)
    rng = np.random.default_rng(0)
    alone = with_ribs = 0
    for _ in range(4000):
        drawn_ = draw_regions(rng, phantom.regions, weights, 4, LAWS.rib_with_vertebra)
        kinds = {kind_of_bone(phantom.regions[region]) for region in drawn_}
        with_ribs += "rib" in kinds
        alone += "rib" in kinds and not kinds & {"C", "T", "L"}
    assert with_ribs > 500
    # 98.8% of all are published; here 1.2% of those that would have been alone.
    assert 0 < alone < 0.012 * with_ribs


def test_uptake_varies_as_in_patients(many):
    patients, normal = many
    lesions = [lesion for found in patients for lesion in found]
    clinical = np.array([lesion.to_bone for lesion in lesions])
    assert clinical.mean() == pytest.approx(4.5, abs=0.35)  # standard error 0.13
    assert clinical.std() / clinical.mean() == pytest.approx(0.71, abs=0.08)
    least = min(lesion.to_bone / normal[lesion.region] for lesion in lesions)
    assert 1.5 <= least < 1.6
    rng = np.random.default_rng(0)
    paper = POPULATIONS["paper"].lesions.to_bone
    uniform = np.array([paper.draw(rng) for _ in range(20000)])
    assert uniform.mean() == pytest.approx(4.5, abs=0.05)
    assert uniform.std() == pytest.approx(5 / np.sqrt(12), abs=0.05)


@pytest.mark.parametrize("name", ["clinical", "elsewhere", "paper"])
def test_kinds_come_in_their_shares(name):
    laws = POPULATIONS[name].lesions
    rng = np.random.default_rng(1)
    kinds = [draw_kind(rng, laws) for _ in range(4000)]
    assert sum(d.share for d in laws.kinds.values()) == pytest.approx(1)
    for kind, density in laws.kinds.items():
        found = sum(k == kind for k, _ in kinds) / len(kinds)
        assert found == pytest.approx(density.share, abs=0.03)
    sclerotic = [hu for k, hu in kinds if k == "sclerotic"]
    if name == "clinical":  # Ulano et al. 2016: 654 +- 176 HU
        assert np.mean(sclerotic) == pytest.approx(654, abs=25)
    if name == "paper":
        mu = 1 + np.array([min(sclerotic), max(sclerotic)]) / 1000
        cortex = 1 + TISSUES["cortical bone"].hu / 1000
        assert mu / cortex == pytest.approx([1.13, 1.27], abs=0.005)


def only(kind):
    density = LAWS.kinds[kind]
    return replace(LAWS, kinds={kind: density})


def density_change(phantom, maps):
    """HU that lesions add to a voxel."""
    hard, soft = (1000 + TISSUES[k].hu for k in ("cortical bone", "spongiosa"))
    return maps.cortical * hard + maps.spongiosa * soft


def test_isodense_lesions_do_not_change_density(reference):
    _, maps = drawn(2, reference.phantom, 15, only("isodense"))
    assert maps.labels.any()
    assert not maps.cortical.any()
    assert not maps.spongiosa.any()


def test_sclerotic_lesions_are_denser_and_lytic_ones_less_dense_than_marrow(reference):
    phantom = reference.phantom
    for kind, sign in (("sclerotic", 1), ("lytic", -1)):
        lesions, maps = drawn(2, phantom, 15, only(kind))
        change = density_change(phantom, maps)
        assert sign * change[maps.labels].mean() > 30
        assert sign * change.sum() > 0
        pure = maps.labels & (phantom.fraction("spongiosa") > 0.98) & (maps.share > 0.99)
        for found in lesions:
            assert found.hu is not None
        hu = TISSUES["spongiosa"].hu + change[pure]
        low, high = (f([found.hu for found in lesions]) for f in (min, max))
        touched = np.abs(change[pure]) > 100
        assert hu[touched].max() <= high + 20
        assert hu.min() >= min(low, TISSUES["spongiosa"].hu) - 20


def test_what_ct_shows_need_not_be_as_large_as_the_uptake(reference):
    phantom = reference.phantom
    marrow = phantom.fraction("spongiosa") > 0.5
    laws = replace(only("sclerotic"), diameter_mm=replace(LAWS.diameter_mm, low=20.0))
    beyond, within = [], []
    for extent in (0.65, 1.15):
        _, maps = drawn(4, phantom, 12, replace(laws, ct_extent=Uniform(extent, extent)))
        changed = np.abs(density_change(phantom, maps)) > 20
        beyond.append((changed & (maps.share == 0)).sum())
        within.append(((maps.share > 0.9) & marrow & ~changed).sum())
    assert beyond[0] == 0
    assert within[0] > 0
    assert beyond[1] > 0
    assert within[1] == 0


def test_a_lone_large_lesion_has_about_its_volume_and_no_ball_s_shape(reference):
    ratios, elongation = [], []
    for seed in range(80):
        lesions, maps = drawn(seed, reference.phantom, 1)
        if not lesions or lesions[0].region.split()[0] != "hip" or lesions[0].diameter_mm < 18:
            continue
        ratios.append(lesions[0].volume_ml / (np.pi / 6 * lesions[0].diameter_mm ** 3 / 1000))
        points = np.argwhere(maps.share > 0.3)
        if len(points) > 12:
            spread = np.sqrt(np.linalg.eigvalsh(np.cov(points.T)))
            elongation.append(spread[2] / spread[0])
    assert len(ratios) > 5
    assert max(ratios) < 2.2  # cut by the bone, so below 1 as a rule
    assert np.median(elongation) > 1.3


def test_none_are_drawn_when_none_are_wanted(reference):
    lesions, maps = drawn(0, reference.phantom, 0)
    assert lesions == []
    assert not maps.labels.any()
