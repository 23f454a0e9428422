from dataclasses import replace

import numpy as np
import pytest

from fuzzyseg.simulation.phantom.uptake import Uptake, draw_uptake, relative_uptake
from fuzzyseg.simulation.population import POPULATIONS

CLINICAL = POPULATIONS["clinical"].uptake


def drawn(seed=0, **changes):
    return draw_uptake(np.random.default_rng(seed), replace(CLINICAL, **changes))


def mean_in(phantom, bone, names):
    chosen = np.isin(phantom.region, [phantom.regions.index(n) for n in names])
    return bone[chosen].sum() / phantom.bone_fraction[chosen].sum()


def test_bones_take_up_what_was_measured(reference):
    phantom = reference.phantom
    _, bone, normal = relative_uptake(phantom, drawn())
    assert bone.sum() == pytest.approx(phantom.bone_fraction.sum(), rel=1e-3)  # mean 1
    spine = mean_in(phantom, bone, [f"T{i}" for i in range(1, 13)] + [f"L{i}" for i in range(1, 6)])
    humerus = mean_in(phantom, bone, ["humerus right", "humerus left"])
    assert humerus / spine == pytest.approx(0.28, abs=0.015)  # Nautiyal et al. 2021, 3 h
    assert normal["humerus left"] == pytest.approx(humerus, rel=1e-3)


def test_the_paper_s_bone_is_even(reference):
    uptake = draw_uptake(np.random.default_rng(0), POPULATIONS["paper"].uptake)
    soft, bone, normal = relative_uptake(reference.phantom, uptake)
    assert set(normal.values()) == {1.0}
    np.testing.assert_allclose(bone, reference.phantom.bone_fraction, rtol=1e-5)
    body = reference.phantom.fraction("soft tissue") + reference.phantom.fraction("kidney")
    np.testing.assert_allclose(soft[body > 0.999], 1.0, atol=2e-3)
    assert uptake.bone_level(1.0, 1.0, 1.0, legs=True) == uptake.bone_to_soft


def test_the_level_of_bone_follows_from_the_shares_of_the_dose():
    uptake = Uptake({}, {}, retained=0.6, bone_share=0.27, bone_to_soft=None, superscan=False)
    # 0.27 of the dose in 5,000 ml against 0.33 in 60,000 ml.
    whole = uptake.bone_level(60_000, 5_000, 1.0, legs=True)
    assert whole == pytest.approx((0.27 / 5_000) / (0.33 / 60_000))
    # Without the legs: 22% of the mass, 13.2% of the skeleton's uptake.
    part = uptake.bone_level(46_800, 4_300, 0.78, legs=True)
    in_bone = 0.27 * (1 - 0.132)
    assert part == pytest.approx((in_bone / 4_300) / ((0.6 * 0.78 - in_bone) / 46_800))
    # A part that is like the rest has the whole's level.
    assert uptake.bone_level(6_000, 500, 0.1, legs=False) == pytest.approx(whole)


def test_shares_of_the_dose_are_as_published():
    uptakes = [drawn(seed, superscan=0.0) for seed in range(800)]
    assert np.mean([u.bone_share for u in uptakes]) == pytest.approx(0.262, abs=0.005)
    retained = [u.retained for u in uptakes]
    assert (min(retained), max(retained)) == (pytest.approx(0.52, 0.02), pytest.approx(0.66, 0.02))


def test_a_superscan_has_a_hot_skeleton_faint_kidneys_and_no_more_than_the_dose():
    for seed in range(50):
        normal, hot = drawn(seed, superscan=0.0), drawn(seed, superscan=1.0)
        assert hot.superscan
        assert not normal.superscan
        assert hot.relative["kidney"] <= 0.3 * 9.0
        assert 0.38 <= hot.bone_share <= 0.56  # 48% in metabolic bone disease, Brenner et al.
        assert hot.bone_share < hot.retained < 1
    share = np.mean([drawn(seed).superscan for seed in range(800)])
    assert share == pytest.approx(CLINICAL.superscan, abs=0.025)
