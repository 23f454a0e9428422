import numpy as np
import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.simulation.phantom.files.label_table import LabelTable
from fuzzyseg.simulation.phantom.files.labelled_phantom import LabelledVolume
from fuzzyseg.simulation.phantom.grid import Grid
from fuzzyseg.simulation.phantom.model import Phantom
from fuzzyseg.simulation.phantom.shapes import deformation
from fuzzyseg.simulation.phantom.tissues import TISSUES

TABLE = LabelTable(
    {0: "air", 1: "soft tissue", 2: "bone", 5: "bone"}, {2: "L3", 5: "L4"}, cortex_mm=2.0
)


def affine(*widths):
    return np.diag([*widths, 1.0])


def body(shape=(40, 30, 50)):
    labels = np.zeros(shape, np.uint8)
    labels[4:-4, 4:-4] = 1
    labels[12:28, 8:20, 5:22] = 2
    labels[12:28, 8:20, 26:45] = 5
    return labels


def volume(**changes):
    given = {"labels": body(), "affine": affine(2, 2, 2), "table": TABLE}
    return LabelledVolume(**(given | changes))


def test_fractions_average_the_labels():
    v = volume()
    grid = v.grid((4.0, 4.0, 4.0))
    phantom = v.sample(grid, deformation.none(), sample_mm=2.0)
    assert grid.shape == (20, 16, 26)
    total = phantom.fractions.sum(axis=0, dtype=np.float32)
    assert np.abs(total - 1).max() < 2e-3
    litres = float(phantom.bone_fraction.sum()) * grid.voxel_ml
    assert litres == pytest.approx((body() > 1).sum() * 8 / 1000, rel=0.02)
    assert phantom.regions == ("", "L3", "L4")
    assert {0, 1, 2} == set(np.unique(phantom.region))
    # A shell of 2 mm round a block of 32 x 24 x 34 mm.
    block = float(phantom.fraction("spongiosa")[:, :, :12].sum()) * grid.voxel_ml
    assert block == pytest.approx(28 * 20 * 30 / 1000, rel=0.02)


def test_slabs_make_no_difference(monkeypatch):
    v = volume()
    grid = v.grid((4.0, 4.0, 4.0))
    whole = v.sample(grid, deformation.none())
    monkeypatch.setattr("fuzzyseg.simulation.phantom.files.labelled_phantom._SLAB_SAMPLES", 1)
    sliced = v.sample(grid, deformation.none())
    assert np.array_equal(whole.fractions, sliced.fractions)
    assert np.array_equal(whole.region, sliced.region)


def test_the_affine_turns_the_volume_the_right_way():
    shifted = affine(-2, -2, 2)
    shifted[:3, 3] = [2 * 39, 2 * 29, 0]
    turned = LabelledVolume(body()[::-1, ::-1], shifted, TABLE)
    # Off the voxels' faces, where rounding would decide.
    grid = Grid((20, 16, 26), (4.0, 4.0, 4.0), (0.3, 0.4, 0.2))
    a = volume().sample(grid, deformation.none())
    b = turned.sample(grid, deformation.none())
    assert np.array_equal(a.fractions, b.fractions)


def test_measured_images_come_along_and_activity_is_kept_when_deformed():
    rng = np.random.default_rng(0)
    mu = np.where(body() > 1, 0.25, np.where(body() == 1, 0.15, 0)).astype(np.float32)
    uptake = (mu * rng.uniform(0.5, 1.5, mu.shape)).astype(np.float32)
    v = volume(attenuation=mu, uptake=uptake, hu=1000 * (mu / 0.15 - 1))
    low, high = v.extent()
    grid = Grid.covering(low - 30, high + 30, (4.0, 4.0, 4.0))
    still = v.sample(grid, deformation.none())
    assert still.uptake.sum() * 64 == pytest.approx(uptake.sum() * 8, rel=0.03)
    for seed in range(3):
        bent = deformation.draw(np.random.default_rng(seed), low - 30, high + 30)
        moved = v.sample(grid, bent)
        assert np.abs(moved.uptake - still.uptake).max() > 0.05
        assert moved.uptake.sum() == pytest.approx(still.uptake.sum(), rel=0.02)
    assert still.attenuation.max() == pytest.approx(0.25, abs=1e-3)
    assert still.hu.min() == pytest.approx(-1000, abs=1)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"labels": body() + np.uint8(6)}, "none for 6, 7, 8"),
        ({"labels": body().astype(np.int32) - 1}, "-1 to 4"),
        ({"labels": body().astype(np.int32) * 70000}, "0 to 350000"),
        ({"labels": np.zeros((0, 3, 3), np.uint8)}, "shape"),
        ({"labels": np.zeros((3, 3), np.uint8)}, "shape"),
        ({"affine": affine(2, 3, 2)}, "2 x 3 mm"),
        ({"attenuation": np.full(body().shape, -0.1, np.float32)}, "-0.1"),
        ({"attenuation": np.full(body().shape, np.nan, np.float32)}, "nan"),
        ({"uptake": np.full(body().shape, -2, np.float32)}, "-2"),
        ({"attenuation": np.zeros((2, 2, 2), np.float32)}, "2, 2, 2"),
    ],
)
def test_bad_volumes_are_refused_in_one_line(changes, found):
    with pytest.raises(InputError, match=f"expected .*found .*{found}.*;") as error:
        volume(**changes)
    assert "\n" not in str(error.value)


def test_a_phantom_without_bone_is_refused():
    v = volume(labels=np.ones((20, 20, 20), np.uint8))
    with pytest.raises(InputError, match=r"expected a phantom with bone, found none .100% .*body"):
        v.sample(v.grid((4.0, 4.0, 4.0)), deformation.none())
    empty = volume(labels=np.zeros((20, 20, 20), np.uint8))
    with pytest.raises(InputError, match=r"found none .0% of its voxels are body"):
        empty.sample(empty.grid((4.0, 4.0, 4.0)), deformation.none())


def test_a_volume_wider_than_the_matrix_is_refused():
    with pytest.raises(InputError, match=r"within 8 x 8 voxels .* found 20 x 16"):
        volume().grid((4.0, 4.0, 4.0), matrix=8)


@pytest.mark.parametrize("what", ["attenuation", "uptake"])
def test_a_phantom_checks_its_images(what):
    grid = Grid((2, 2, 2), (4, 4, 4), (0, 0, 0))
    fractions = np.zeros((len(TISSUES), 2, 2, 2), np.float16)
    fractions[list(TISSUES).index("cortical bone")] = 1
    region = np.ones((2, 2, 2), np.uint8)
    bad = np.full((2, 2, 2), -1, np.float32)
    with pytest.raises(InputError, match=f"expected {what} of 0 or more, found -1"):
        Phantom(fractions, tuple(TISSUES), region, ("", "L3"), grid, **{what: bad})
    with pytest.raises(InputError, match="found 'cheese'"):
        Phantom(fractions, ("cheese",), region, ("", "L3"), grid)
