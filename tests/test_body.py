from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from fuzzyseg.body import NEAR_MM, body_mask, body_only, near_dense
from fuzzyseg.simulation.phantom.ct.ct_settings import CTDraw
from fuzzyseg.simulation.phantom.ct.lowdose import take_ct
from fuzzyseg.simulation.phantom.grid import Grid
from fuzzyseg.volume import Volume

DRAW = CTDraw(
    noise_hu=25.0, kernel_mm=1.5, slice_mm=3.0, cupping=0.001, hardening=0.3, floor=1e-5,
    bias_hu=0.0, shift_mm=(0, 0, 0), turn_deg=(0, 0, 0), breath_mm=0.0, couch="curved",
    couch_width_mm=420.0, couch_gap_mm=0.0, head_rest=True,
)  # fmt: skip
STEP = 3.0
GRID = Grid((170, 120, 60), (STEP,) * 3, (-170 * STEP / 2, -240.0, 0.0))


def patient():
    """Chest with lungs and spine, arms beside it, over the last third a head: HU, body, bone."""
    x, y, z = np.meshgrid(*(GRID.axis(i) for i in range(3)), indexing="ij")
    trunk = (np.hypot(x / 160, y / 100) < 1) & (z < 110)
    head = np.hypot(np.hypot(x / 75, y / 95), np.maximum(z - 110, 0) / 75) < 1
    arms = (np.hypot(np.abs(x) - 205, y + 20) < 35) & (z < 110)
    lungs = (np.hypot((np.abs(x) - 75) / 55, (y - 5) / 65) < 1) & (z < 105)
    bone = (np.hypot(x, y + 70) < 18) & trunk
    bone |= (np.hypot(np.abs(x) - 205, y + 20) < 11) & arms
    bone |= head & (np.hypot(np.hypot(x / 68, y / 88), np.maximum(z - 110, 0) / 68) > 1)
    hu = np.full(GRID.shape, -1000.0, np.float32)
    hu[trunk | head | arms] = 30
    hu[lungs & trunk] = -850
    hu[bone] = 400
    return hu, trunk | head | arms, bone


@pytest.fixture(scope="module", params=["curved", "flat"])
def taken(request):
    hu, body, bone = patient()
    draw = replace(DRAW, couch=request.param)
    solid = bone.astype(np.float32)
    labels = bone.astype(np.uint8)
    ct = take_ct(np.random.default_rng(1), hu, solid, labels, GRID, draw)
    return Volume(ct.hu, GRID.affine, "CT", "HU"), body, bone, ct.couch


def test_the_patient_is_found_with_lungs_and_arms_and_without_couch_and_head_rest(taken):
    ct, body, bone, couch = taken
    found = body_mask(ct)
    assert found[ndimage.binary_erosion(body, iterations=2)].all()
    assert found[bone].mean() > 0.999
    assert not found[~ndimage.binary_dilation(body, iterations=3)].any()
    bright = couch & (ct.array > -400)
    assert bright.sum() > 500
    assert found[bright].mean() < 0.02


def test_what_is_not_the_patient_becomes_air(taken):
    ct, body, _, _ = taken
    only = body_only(ct)
    outside = ~ndimage.binary_dilation(body, iterations=3)
    assert (only.array[outside] == -1024).all()
    inner = ndimage.binary_erosion(body, iterations=2)
    assert np.array_equal(only.array[inner], ct.array[inner])


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
@pytest.mark.parametrize("step", [1.0, 2.2, 4.0])
def test_bone_and_its_marrow_are_near_something_dense_and_most_of_a_body_is_not(step, order):
    shape = tuple(round(n / step) for n in (200, 120, 80))
    x, y, z = (np.arange(n) * step for n in shape)
    shaft = np.hypot(x[:, None] - 60, y - 50)
    hu = np.where(shaft < 16, np.where(shaft < 13, -20.0, 900.0), 60.0)[..., None]
    hu = np.repeat(hu, len(z), axis=2).astype(np.float32)
    hu += np.random.default_rng(0).normal(0, 12, shape).astype(np.float32)
    affine = np.diag([step, step, step, 1.0])[:, [*order, 3]]
    found = near_dense(Volume(hu.transpose(order), affine, "CT", "HU"))
    found = found.transpose(np.argsort(order))
    assert found[shaft < 16 + NEAR_MM - step].all()
    assert not found[shaft > 16 + 2 * NEAR_MM + 3 * step].any()
    nothing = Volume(np.full((9, 9, 9), 60, np.float32), affine, "CT", "HU")
    assert not near_dense(nothing).any()


def test_orientation_and_voxel_width_do_not_matter(taken):
    ct, *_ = taken
    found = body_mask(ct)
    # The same image stored as sagittal slices from left to right, head first.
    order = (1, 2, 0)
    array = np.flip(np.transpose(ct.array, order), axis=(1, 2))
    affine = ct.affine[:, [*order, 3]].copy()
    for axis in (1, 2):
        affine[:3, 3] += affine[:3, axis] * (array.shape[axis] - 1)
        affine[:3, axis] *= -1
    turned = body_mask(replace(ct, array=array, affine=affine))
    assert np.array_equal(turned, np.flip(np.transpose(found, order), axis=(1, 2)))
    doubled = replace(
        ct, array=np.repeat(ct.array, 2, axis=0), affine=ct.affine @ np.diag([0.5, 1, 1, 1])
    )
    agreement = body_mask(doubled)[::2] == found
    assert agreement.mean() > 0.99


def test_a_body_that_fills_the_field_is_all_body_and_air_is_none():
    full = Volume(np.full((40, 40, 20), 40.0, np.float32), np.diag([2, 2, 2, 1.0]), "CT", "HU")
    assert body_mask(full).all()
    air = replace(full, array=np.full((40, 40, 20), -2048.0, np.float32))
    assert not body_mask(air).any()


def test_air_that_arms_enclose_is_not_body_but_a_gas_filled_bowel_is():
    x, y = np.meshgrid(np.arange(128) * 4 - 256, np.arange(128) * 4 - 256, indexing="ij")
    hu = np.full((128, 128, 10), -1000.0, np.float32)
    hu[np.hypot(x, y) < 110] = 20
    hu[np.hypot(x - 30, y) < 25] = -1000  # bowel gas
    ring = (np.hypot(x, y - 60) > 170) & (np.hypot(x, y - 60) < 220)
    hu[ring] = 20  # arms over the head, joined by the hands
    found = body_mask(Volume(hu, np.diag([4, 4, 4, 1.0]), "CT", "HU"))
    assert found[(np.hypot(x - 30, y) < 15)].all()
    between = (np.hypot(x, y - 60) < 150) & (np.hypot(x, y) > 130)
    assert not found[between].any()


# Share of the field that is body, read off contours over the slices.
REAL = {
    "lidc_chest_ct.nii.gz": 0.45,
    "unlabelled_chest_siemens.nii.gz": 0.38,
    "unlabelled_head_toshiba.nii.gz": 0.21,
    "unlabelled_neck_ge.nii.gz": 0.50,
    "vertebra_crop_ct.nii.gz": 1.0,
}


@pytest.mark.parametrize("name", REAL)
def test_real_cts_keep_their_bodies_and_lose_their_couches(shared_data, name):
    from fuzzyseg.io import read_nifti

    ct = read_nifti(shared_data / "ct" / name, "CT")
    found = body_mask(ct)
    assert found.mean() == pytest.approx(REAL[name], abs=0.02)


def test_every_bone_of_the_labelled_chest_is_body_and_near_something_dense(shared_data):
    import csv

    from fuzzyseg.io import read_nifti

    folder = shared_data / "ct"
    with (folder / "lidc_chest_structures.csv").open() as file:
        rows = list(csv.reader(file))
    kinds = ("rib_", "vertebrae", "sternum", "scapula", "humerus", "clavicula")
    bones = [int(row[3]) for row in rows[1:] if row[2].startswith(kinds)]
    assert len(bones) > 20
    labels = read_nifti(folder / "lidc_chest_labels.nii.gz").array
    ct = read_nifti(folder / "lidc_chest_ct.nii.gz", "CT")
    bone = np.isin(labels, bones)
    assert body_mask(ct)[bone].mean() > 0.9995
    assert near_dense(ct)[bone].all()
