from pathlib import Path

import nibabel
import numpy as np
import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.simulation.phantom.files.label_table import LabelTable, Organ
from fuzzyseg.simulation.phantom.files.load import load_ct, load_labelled, load_xcat
from fuzzyseg.simulation.phantom.shapes import deformation
from fuzzyseg.simulation.phantom.tissues import TISSUES, WATER_ATTENUATION

SHARED = Path(__file__).resolve().parents[5] / "shared" / "data"
TABLE = LabelTable({0: "air", 1: "soft tissue", 2: "bone"}, {2: "skeleton"})


def labels():
    array = np.zeros((24, 20, 30), np.uint8)
    array[2:-2, 2:-2] = 1
    array[8:16, 6:12] = 2
    return array


def save(path, array, affine=None):
    nibabel.save(
        nibabel.Nifti1Image(array, np.diag([4, 4, 4, 1.0]) if affine is None else affine), path
    )
    return path


def test_a_labelled_nifti_with_its_table(tmp_path):
    volume = load_labelled(save(tmp_path / "p.nii.gz", labels()), TABLE)
    assert np.array_equal(volume.labels, labels())
    floats = load_labelled(save(tmp_path / "f.nii.gz", labels().astype(np.float32)), TABLE)
    assert np.array_equal(floats.labels, labels())


def test_the_table_can_say_where_the_axes_run_and_what_to_keep(tmp_path):
    path = save(tmp_path / "p.nii.gz", labels(), np.eye(4))
    table = LabelTable(TABLE.tissues, TABLE.regions, "LPS", {"z": (5, 20), "x": (0, 20)})
    volume = load_labelled(path, table)
    assert volume.labels.shape == (20, 20, 15)
    assert np.diag(volume.affine).tolist() == [-1, -1, 1, 1]
    assert volume.affine[:3, 3].tolist() == [0, 0, 5]
    too_far = LabelTable(TABLE.tissues, TABLE.regions, None, {"z": (5, 200)})
    with pytest.raises(InputError, match=r"within the 30 voxels .* found 5 to 200"):
        load_labelled(path, too_far)


def test_organs_that_a_file_lacks_are_laid_into_its_soft_tissue(tmp_path):
    path = save(tmp_path / "p.nii.gz", labels(), np.eye(4))
    organs = (Organ("kidney", (17, 10, 15), (4.5, 5, 8)), Organ("bladder", (12, 9, 3), (9, 9, 9)))
    table = LabelTable(TABLE.tissues, TABLE.regions, "LPS", {"z": (2, 30)}, organs=organs)
    volume = load_labelled(path, table)
    phantom = volume.sample(volume.grid((1.0, 1.0, 1.0)), deformation.none(), sample_mm=1.0)
    kidney, bone = phantom.fraction("kidney"), phantom.bone_fraction
    # An ellipsoid but for what bone keeps of it: columns x = 12.5 to 15.5 of y = 6 to 11.
    x, y, z = np.ogrid[:24, :20, :30]
    inside = ((x - 17) / 4.5) ** 2 + ((y - 10) / 5) ** 2 + ((z - 15) / 8) ** 2 <= 1
    over = ((x - 12) ** 2 + (y - 9) ** 2 + (z - 3) ** 2) <= 81
    expected = inside & (labels() == 1) & ~over
    assert kidney.sum() == pytest.approx(expected[..., 2:].sum(), abs=0.5)
    assert bone.sum() == pytest.approx((labels() == 2)[..., 2:].sum(), abs=0.5)
    # The voxels run to the left and back: the mirror image in world coordinates.
    found = np.argwhere(kidney > 0.5).mean(axis=0)
    there = np.argwhere(expected[..., 2:]).mean(axis=0)
    assert found == pytest.approx([23 - there[0], 19 - there[1], there[2]], abs=0.01)


def test_files_that_are_no_label_maps_are_refused(tmp_path):
    fractions = save(tmp_path / "f.nii.gz", labels() + np.float32(0.5))
    with pytest.raises(InputError, match="whole-number labels"):
        load_labelled(fractions, TABLE)
    with pytest.raises(InputError, match="cannot be read"):
        load_labelled(tmp_path / "none.nii.gz", TABLE)
    (tmp_path / "bad.nii.gz").write_bytes(b"no image at all")
    with pytest.raises(InputError, match="cannot be read"):
        load_labelled(tmp_path / "bad.nii.gz", TABLE)
    four = save(tmp_path / "4d.nii.gz", np.zeros((3, 3, 3, 2), np.uint8))
    with pytest.raises(InputError, match="one 3-D volume"):
        load_labelled(four, TABLE)


def write_raw(path, array):
    np.asarray(array, "<f4").ravel(order="F").tofile(path)
    return path


def test_xcat_s_raw_files(tmp_path):
    mu = np.zeros((20, 16, 24), np.float32)
    for name, box in (
        ("soft tissue", slice(2, -2)),
        ("spongiosa", slice(6, 12)),
        ("lung", slice(14, 16)),
    ):
        mu[box, 2:-2] = TISSUES[name].attenuation
    pixel_cm = 0.4
    atn = write_raw(tmp_path / "atn.bin", mu * pixel_cm)
    act = write_raw(tmp_path / "act.bin", mu * 100)
    volume = load_xcat(atn, act, shape=mu.shape, voxel_mm=4.0)
    assert volume.attenuation == pytest.approx(mu, rel=1e-5)
    phantom = volume.sample(volume.grid((4.0, 4.0, 4.0)), deformation.none())
    assert phantom.bone_fraction.sum() == pytest.approx(6 * 12 * 24, rel=0.02)
    assert phantom.fraction("lung").sum() == pytest.approx(2 * 12 * 24, rel=0.02)
    assert phantom.uptake.sum() == pytest.approx(100 * mu.sum(), rel=0.02)
    direct = load_xcat(
        write_raw(tmp_path / "cm.bin", mu), shape=mu.shape, voxel_mm=4.0, unit="1/cm"
    )
    assert direct.uptake is None
    assert np.array_equal(direct.labels, volume.labels)


def test_raw_files_of_the_wrong_size_or_unit_or_sign(tmp_path):
    atn = write_raw(tmp_path / "atn.bin", np.zeros((4, 5, 6)))
    with pytest.raises(InputError, match=r"expected 840 bytes .* 5 x 6 x 7 .* found 480"):
        load_xcat(atn, shape=(5, 6, 7), voxel_mm=3.0)
    with pytest.raises(InputError, match="found no "):
        load_xcat(tmp_path / "none.bin", shape=(5, 6, 7), voxel_mm=3.0)
    with pytest.raises(InputError, match="found '1/mm'"):
        load_xcat(atn, shape=(4, 5, 6), voxel_mm=3.0, unit="1/mm")
    negative = write_raw(tmp_path / "neg.bin", np.full((4, 5, 6), -0.2))
    with pytest.raises(InputError, match=r"attenuation of 0 or more .* found -0.2"):
        load_xcat(negative, shape=(4, 5, 6), voxel_mm=3.0, unit="1/cm")


def test_a_ct_with_bone_labels(tmp_path):
    hu = np.full((24, 20, 30), -1000, np.int16)
    hu[2:-2, 2:-2] = 40
    hu[3:6, 4:-4] = -90
    hu[8:16, 6:12] = 700
    hu[18:20, 6:12] = 700  # contrast medium, not labelled as bone
    bone = (labels() == 2).astype(np.uint8) * 25
    ct, mask = save(tmp_path / "ct.nii.gz", hu), save(tmp_path / "bone.nii.gz", bone)
    volume = load_ct(ct, mask)
    phantom = volume.sample(volume.grid((4.0, 4.0, 4.0)), deformation.none())
    assert phantom.bone_fraction.sum() == pytest.approx(bone.astype(bool).sum(), rel=0.02)
    assert phantom.fraction("adipose").sum() == pytest.approx(3 * 12 * 30, rel=0.02)
    assert phantom.attenuation[10, 8, 15] > 1.2 * WATER_ATTENUATION
    assert phantom.hu[10, 8, 15] == 700
    named = load_ct(ct, mask, {25: "L3"})
    assert set(named.table.regions.values()) == {"L3"}
    smaller = save(tmp_path / "small.nii.gz", bone[:10])
    with pytest.raises(InputError, match="on the same voxels"):
        load_ct(ct, smaller)


@pytest.mark.skipif(not SHARED.is_dir(), reason="shared data is not here")
def test_the_xcat_derived_phantom_of_the_shared_data():
    volume = load_labelled(SHARED / "phantoms" / "xcat50_male_wholebody_1mm.nii.gz", "xcat-derived")
    phantom = volume.sample(volume.grid((12.0, 12.0, 12.0)), deformation.none(), sample_mm=3.0)
    litres = {t: phantom.fraction(t).sum() * phantom.grid.voxel_ml / 1000 for t in phantom.tissues}
    assert litres["cortical bone"] + litres["spongiosa"] == pytest.approx(4.4, abs=0.4)
    # Turned to RAS: the liver on the right, the face in front, the head on top.
    x = phantom.grid.axis(0)
    liver = phantom.fraction("liver").sum(axis=(1, 2))
    middle = np.average(x, weights=phantom.bone_fraction.sum(axis=(1, 2)))
    assert np.average(x, weights=liver) > middle + 20
    z = phantom.grid.axis(2)
    brain = phantom.fraction("brain").sum(axis=(0, 1))
    assert np.average(z, weights=brain) > z.mean() + 300
