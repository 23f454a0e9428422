"""Phantoms from files, by their tables. What the readers make of them is tested beside them."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from toy_phantom import write_phantom

from fuzzyseg.errors import InputError
from fuzzyseg.simulation.phantom.files.phantom_file import load_phantom
from fuzzyseg.simulation.simulated import Recipe, simulate_patient


@pytest.fixture
def labelled(tmp_path):
    return write_phantom(tmp_path)


def test_labelled_volume_is_simulated(labelled):
    recipe = Recipe(**labelled, views=20, fine=False)
    patient = simulate_patient(recipe, 1)
    assert set(np.unique(patient.labels)) >= {0, 1}
    bone_ml = (patient.labels > 0).sum() * patient.spect.voxel_volume_ml
    assert bone_ml == pytest.approx(6 * 6 * 12 * 0.125, rel=0.2)
    assert patient.attenuation[patient.labels > 0].mean() > 0.18
    assert patient.description["recipe"]["phantom"] == "p.nii"
    assert labelled["phantom"] not in json.dumps(patient.description)


def test_xcat_section_reads_raw_files_beside_the_table(tmp_path):
    shape = (20, 18, 10)
    mu = np.zeros(shape, np.float32)
    mu[4:16, 4:14] = 0.154 * 0.5  # per pixel of 5 mm
    mu[8:12, 6:10] = 0.28 * 0.5
    mu.ravel(order="F").tofile(tmp_path / "x_atn.bin")
    (mu > 0.1).astype("<f4").ravel(order="F").tofile(tmp_path / "x_act.bin")
    table = tmp_path / "x.toml"
    table.write_text('[xcat]\nshape = [20, 18, 10]\nvoxel_mm = 5.0\nactivity = "x_act.bin"\n')
    phantom = load_phantom(tmp_path / "x_atn.bin", table)
    assert phantom.labels.shape == shape
    assert phantom.attenuation.max() == pytest.approx(0.28, abs=1e-5)
    assert phantom.uptake.sum() == 4 * 4 * 10


def test_xcat_section_keeps_what_it_says(tmp_path):
    mu = np.random.default_rng(0).uniform(0, 0.1, (20, 18, 10)).astype(np.float32)
    act = np.random.default_rng(1).random((20, 18, 10)).astype(np.float32)
    mu.ravel(order="F").tofile(tmp_path / "x_atn.bin")
    act.ravel(order="F").tofile(tmp_path / "x_act.bin")
    text = '[xcat]\nshape = [20, 18, 10]\nvoxel_mm = 5.0\nunit = "1/cm"\nactivity = "x_act.bin"\n'
    (tmp_path / "all.toml").write_text(text)
    (tmp_path / "part.toml").write_text(text + "keep = { x = [3, 9], z = [2, 10] }\n")
    whole, part = (
        load_phantom(tmp_path / "x_atn.bin", tmp_path / f) for f in ("all.toml", "part.toml")
    )
    np.testing.assert_array_equal(part.labels, whole.labels[3:9, :, 2:])
    np.testing.assert_array_equal(part.attenuation, mu[3:9, :, 2:])
    np.testing.assert_array_equal(part.uptake, act[3:9, :, 2:])
    first = whole.affine @ [3, 0, 2, 1]  # every voxel stays in its place
    np.testing.assert_allclose(part.affine[:, 3], first)


def test_ct_section_reads_bone_labels_beside_the_table(tmp_path):
    hu = np.full((20, 18, 10), -1000, np.int16)
    hu[4:16, 4:14] = 40
    hu[8:12, 6:10] = 800
    bones = np.where(hu == 800, 27, 0).astype(np.uint8)
    affine = np.diag([5.0, 5.0, 5.0, 1.0])
    nib.save(nib.Nifti1Image(hu, affine), tmp_path / "ct.nii")
    nib.save(nib.Nifti1Image(bones, affine), tmp_path / "bones.nii")
    table = tmp_path / "ct.toml"
    table.write_text('[ct]\nbone_labels = "bones.nii"\n[ct.bone]\n27 = "L5"\n')
    phantom = load_phantom(tmp_path / "ct.nii", table)
    assert "L5" in phantom.table.regions.values()
    table.write_text(
        '[ct]\nbone_labels = "bones.nii"\nkeep = { x = [2, 15], y = [1, 9] }\n'
        '[ct.bone]\n27 = "L5"\n'
    )
    part = load_phantom(tmp_path / "ct.nii", table)
    np.testing.assert_array_equal(part.labels, phantom.labels[2:15, 1:9])
    np.testing.assert_array_equal(part.hu, hu[2:15, 1:9])
    np.testing.assert_allclose(part.affine[:, 3], affine @ [2, 1, 0, 1])
    # Water 0.154/cm; 800 HU of bone by any published bilinear rule 0.21 to 0.24.
    assert phantom.attenuation[10, 8, 5] == pytest.approx(0.225, abs=0.02)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[xcat]\nvoxel_mm = 4.0\n", "shape"),
        ("[xcat]\nshape = [1, 2, 3]\nvoxel_mm = 4.0\ncolour = 1\n", "colour"),
        ("[xcat]\nshape = 5\nvoxel_mm = 4.0\n", "three whole numbers"),
        ("[xcat]\nshape = [1, 2, 3]\nvoxel_mm = 0\n", "above 0"),
        ('[xcat]\nshape = [1, 2, 3]\nvoxel_mm = 1\norientation = "XYZ"\n', "XYZ"),
        ("[ct]\nbone_labels = 3\n", "bone_labels"),
        ("[ct]\n", "bone_labels"),
        ('[ct]\nbone_labels = "b.nii"\nkeep = { w = [0, 1] }\n', "w = .0, 1."),
        ("[xcat]\nshape = [1, 2, 3]\nvoxel_mm = 1\nkeep = 5\n", "keep = 5"),
        ('[ct]\nbone_labels = "b.nii"\n[ct.bone]\nfemur = "L5"\n', "femur"),
        ("[tissues\n", "TOML"),
        ('[tissues]\n0 = "air"\n1 = "soft tissue"\n', "7"),
        ('[tissues]\n0 = "air"\n1 = "cheese"\n', "cheese"),
        ('[tissues]\n0 = "air"\n[[organs]]\ntissue = "kidney"\n', "organs"),
        (
            '[tissues]\n0 = "air"\n[[organs]]\ntissue = "kidney"\ncentre = [1, 2, 3]\n'
            "radii = [1, 0, 1]\n",
            "radii",
        ),
    ],
)
def test_a_table_that_does_not_fit_is_one_clear_error(text, found, labelled):
    Path(labelled["labels"]).write_text(text)
    with pytest.raises(InputError, match=found) as error:
        load_phantom(labelled["phantom"], labelled["labels"])
    assert "\n" not in str(error.value)


def test_a_table_that_is_absent_names_those_that_ship(labelled, tmp_path):
    with pytest.raises(InputError, match="xcat-derived"):
        load_phantom(labelled["phantom"], tmp_path / "absent.toml")
