import numpy as np
import pytest

from fuzzyseg.simulation.phantom.lesions import (
    DIAMETER_MM,
    FEW,
    MANY,
    draw_count,
    draw_lesions,
)


def test_counts_vary_and_some_patients_have_none():
    counts = np.array([draw_count(np.random.default_rng(s)) for s in range(2000)])
    assert 0.05 < (counts == 0).mean() < 0.12
    assert 4 <= np.median(counts) <= 9
    assert counts.max() <= 40


def test_lesions_lie_in_bone_and_apart(reference):
    phantom = reference.phantom
    lesions, maps = draw_lesions(np.random.default_rng(1), phantom, 25)
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
        assert 2.0 <= lesion.to_bone <= 7.0
        assert lesion.voxels >= 1
        low, high = (1.13, 1.27) if lesion.kind == "sclerotic" else (0.88, 0.97)
        assert low <= lesion.attenuation_factor <= high
        assert lesion.region in phantom.regions


def test_lesions_fall_where_they_are_reported(reference):
    names: list[str] = []
    for seed in range(60):
        lesions, _ = draw_lesions(np.random.default_rng(seed), reference.phantom, 10)
        names += [lesion.region for lesion in lesions]
    kinds = [name.split()[0].rstrip("0123456789") for name in names]
    share = {k: 100 * kinds.count(k) / len(kinds) for k in MANY}
    whole = sum(MANY.values())
    for kind in ("rib", "T", "hip", "L"):
        # Small lesions in thin ribs find less room, so fewer of them come off.
        assert share[kind] == pytest.approx(100 * MANY[kind] / whole, abs=6), kind
    assert sum(FEW[k] for k in ("hip", "L", "T", "C", "sacrum")) == pytest.approx(84.5)


def test_a_lone_large_lesion_has_about_its_volume_and_no_ball_s_shape(reference):
    ratios, elongation = [], []
    for seed in range(80):
        lesions, maps = draw_lesions(np.random.default_rng(seed), reference.phantom, 1)
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
    lesions, maps = draw_lesions(np.random.default_rng(0), reference.phantom, 0)
    assert lesions == []
    assert not maps.labels.any()
