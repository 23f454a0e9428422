from itertools import pairwise

import numpy as np
import pytest
from scipy import ndimage

from fuzzyseg.simulation.phantom.anatomy.habitus import Body
from fuzzyseg.simulation.phantom.anatomy.levels import levels
from fuzzyseg.simulation.phantom.anatomy.reference import bones, extent, soft_parts
from fuzzyseg.simulation.phantom.anatomy.thorax import rib_path
from fuzzyseg.simulation.phantom.grid import Grid
from fuzzyseg.simulation.phantom.shapes import deformation
from fuzzyseg.simulation.phantom.voxelise import voxelise

VERTEBRAE = [f"C{i}" for i in range(1, 8)] + [f"T{i}" for i in range(1, 13)]
VERTEBRAE += [f"L{i}" for i in range(1, 6)]
RIBS = [f"rib {i} {side}" for i in range(1, 13) for side in ("right", "left")]


def draw_bones(names, spacing=3.0, pad=6.0):
    """Bones alone, on a fine grid around them."""
    body = Body()
    parts = [p for p in bones(body) if p.name in names]
    shapes = [s for p in parts for item in p.shapes for s in getattr(item, "shapes", (item,))]
    low = np.min([s.bounds[0] for s in shapes], axis=0) - pad
    high = np.max([s.bounds[1] for s in shapes], axis=0) + pad
    grid = Grid.covering(low, high, (spacing,) * 3)
    return voxelise(parts, [], grid, body, deformation.none(), sample_mm=spacing)


def touching(phantom, a, b):
    """Whether two named bones come within a voxel of each other."""
    masks = [phantom.region == phantom.regions.index(n) for n in (a, b)]
    masks = [m & (phantom.bone_fraction > 0.2) for m in masks]
    return bool((ndimage.binary_dilation(masks[0], np.ones((3, 3, 3))) & masks[1]).any())


def test_every_bone_is_there_once(reference):
    names = reference.phantom.regions
    assert len(names) == len(set(names))
    assert set(VERTEBRAE + RIBS) <= set(names)
    volumes = np.bincount(
        reference.phantom.region.ravel(), reference.phantom.bone_fraction.ravel(), len(names)
    )
    assert (volumes[1:] > 0).all(), [n for n, v in zip(names, volumes, strict=True) if v == 0]


def test_twelve_pairs_of_ribs_and_twenty_four_vertebrae_are_whole():
    phantom = draw_bones([n for n in VERTEBRAE + RIBS if n[0] != "C"])
    for name in (*RIBS, *VERTEBRAE[7:]):
        mask = (phantom.region == phantom.regions.index(name)) & (phantom.bone_fraction > 0.25)
        pieces, n = ndimage.label(mask, np.ones((3, 3, 3)))
        largest = np.bincount(pieces.ravel())[1:].max()
        assert n >= 1
        assert largest > 0.97 * mask.sum(), name


def test_ribs_curve_slope_down_and_join_their_vertebrae():
    for i in range(1, 13):
        path = rib_path(i)
        assert path[-1, 2] < path[0, 2] - (20 if i > 1 else 10)  # the front end lies lower
        if i < 11:
            assert path[-1, 1] > path[:, 1].min() + 80  # from back to front
            assert path[:, 0].max() > path[-1, 0] + 8  # round the side
    fronts = np.array([rib_path(i)[-1, 2] for i in range(1, 11)])
    assert (np.diff(fronts) < 0).all()
    phantom = draw_bones(RIBS + VERTEBRAE[7:19])
    for i in range(1, 13):
        for side in ("right", "left"):
            assert touching(phantom, f"rib {i} {side}", f"T{i}")


def test_upper_ribs_reach_the_sternum_through_cartilage(reference):
    phantom = reference.phantom
    cartilage = phantom.fraction("cartilage") > 0.15
    near = ndimage.binary_dilation(cartilage, iterations=2)
    for name in ["sternum"] + [f"rib {i} {s}" for i in range(1, 11) for s in ("right", "left")]:
        assert (near & (phantom.region == phantom.regions.index(name))).any(), name


def test_the_undeformed_body_is_its_own_mirror_image(reference):
    phantom = reference.phantom
    bone = phantom.bone_fraction
    assert np.abs(bone - bone[::-1]).max() < 0.02
    # The heart and the liver are not.
    assert np.abs(phantom.fraction("liver") - phantom.fraction("liver")[::-1]).max() > 0.9
    x = phantom.grid.axis(0)
    right = phantom.fraction("liver")[x > 0].sum() / phantom.fraction("liver").sum()
    assert right > 0.6  # +x is the patient's right


def test_volumes_are_an_adult_s(reference):
    phantom = reference.phantom
    litres = {
        t: float(phantom.fraction(t).sum()) * phantom.grid.voxel_ml / 1000 for t in phantom.tissues
    }
    # ICRP Publication 89, reference man, with room for posture and breathing.
    assert 2.8 < litres["lung"] < 5.5
    assert 1.2 < litres["liver"] < 2.0
    assert 1.2 < litres["brain"] < 1.6
    assert 0.24 < litres["kidney"] < 0.40
    assert 0.12 < litres["spleen"] < 0.25
    bone = litres["cortical bone"] + litres["spongiosa"]
    assert 3.6 < bone < 5.5  # XCAT-derived man, same field: 4.8
    assert 0.25 < litres["cortical bone"] / bone < 0.5
    assert 0.72 < phantom.mass_kg / reference.body.mass_kg < 0.86


def test_fractions_fill_every_voxel(reference):
    total = reference.phantom.fractions.sum(axis=0, dtype=np.float32)
    assert np.abs(total - 1).max() < 5e-3


def test_cortex_lies_outside_spongiosa():
    phantom = draw_bones(["femur right"], spacing=2.0)
    z = int(np.argmin(abs(phantom.grid.axis(2) - 720)))
    dense, soft = (phantom.fraction(t)[:, :, z] for t in ("cortical bone", "spongiosa"))
    where = np.argwhere(soft > 0.9)
    assert len(where) > 3
    middle = where.mean(axis=0)
    radius = {
        name: np.average(
            np.linalg.norm(np.indices(m.shape).reshape(2, -1).T - middle, axis=1), weights=m.ravel()
        )
        for name, m in (("dense", dense), ("soft", soft))
    }
    assert radius["dense"] > radius["soft"] + 2
    area = (dense + soft).sum() * 4
    assert 2 * np.sqrt(area / np.pi) == pytest.approx(28, abs=2.5)  # mm across


def test_vertebrae_are_stacked_with_discs_between():
    order = list(levels().values())
    for lower, upper in pairwise(order):
        gap = (upper.centre - lower.centre)[2]
        assert gap > 0.5 * (lower.height + upper.height) * 0.93
    z = [v.centre[2] for v in order]
    lumbar, thoracic = z[5] - z[0], z[17] - z[5]
    assert 160 < lumbar < 205
    assert 235 < thoracic < 300


@pytest.mark.parametrize(("sex", "arms"), [("female", "up"), ("male", "down")])
def test_other_bodies_keep_their_bones_inside_their_skin(sex, arms):
    body = Body(sex, 1650.0, 52.0 if sex == "female" else 110.0, arms)
    low, high = extent(body)
    grid = Grid.covering(low - [20, 20, 0], high + 20, (6.0,) * 3)
    bent = deformation.draw(np.random.default_rng(1), low, high)
    phantom = voxelise(bones(body), soft_parts(body), grid, body, bent, sample_mm=6.0)
    air = phantom.fraction("air")
    outside, _ = ndimage.label(air > 0.9)
    open_air = outside == outside[0, 0, -1]
    bone = phantom.bone_fraction > 0.5
    assert (bone & ndimage.binary_dilation(open_air)).sum() < 0.02 * bone.sum()
