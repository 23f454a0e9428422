import nibabel as nib
import numpy as np
import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.io import read_volume
from fuzzyseg.io.plausible import require_plausible
from fuzzyseg.volume import Volume

VALUES = np.arange(60, dtype=np.float32).reshape(3, 4, 5)


@pytest.mark.parametrize(
    ("values", "affine", "message"),
    [
        (np.full((3, 3, 3), np.nan), np.eye(4), "finite"),
        (np.full((3, 3, 3), np.inf), np.eye(4), "finite"),
        (VALUES * 1e30, np.eye(4), "magnitudes up to"),
        (VALUES * 1e-30, np.eye(4), "magnitudes up to"),
        (np.zeros((0, 3, 3)), np.eye(4), "with voxels"),
        (VALUES, np.diag([300.0, 1, 1, 1]), "voxels of"),
        (VALUES, np.diag([1e-3, 1e-3, 1e-4, 1]), "voxels of"),
        (VALUES, np.array([[1.0, 0, 0, 1e9], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]), "origin"),
    ],
)
def test_what_no_scanner_makes_is_refused(values, affine, message):
    with pytest.raises(InputError, match=message) as error:
        require_plausible(Volume(values, affine))
    assert "\n" not in str(error.value)


def test_an_empty_scan_and_an_oblique_one_pass():
    require_plausible(Volume(np.zeros((3, 3, 3)), np.eye(4)))
    turn = np.eye(4)
    turn[:3, :3] = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]]) @ np.diag([2, 3, 5])
    require_plausible(Volume(VALUES, turn))


def test_a_sheared_nifti_is_refused_by_its_angle(tmp_path):
    """Slices that lean by atan(0.1) = 5.7 degrees."""
    affine = np.diag([2.0, 2, 2, 1])
    affine[1, 2] = 0.2
    nib.save(nib.Nifti1Image(np.ones((20, 20, 20), np.float32), affine), tmp_path / "a.nii")
    with pytest.raises(InputError, match=r"sheared by 5\.7 degrees.*orthogonal grid"):
        read_volume(tmp_path / "a.nii")


def changed(path, offset, form, value):
    raw = bytearray(nib.Nifti1Image(VALUES.astype(np.int16), np.eye(4)).to_bytes())
    raw[offset : offset + np.dtype(form).itemsize] = np.array(value, form).tobytes()
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize(
    ("offset", "form", "value"),
    [(112, "<f4", np.inf), (112, "<f4", 1e30), (108, "<f4", 0), (108, "<f4", 353), (42, "<i2", 9)],
    ids=["slope inf", "slope 1e30", "vox_offset 0", "vox_offset 353", "more voxels"],
)
def test_damaged_nifti_headers_are_refused(tmp_path, offset, form, value):
    with pytest.raises(InputError, match="expected"):
        read_volume(changed(tmp_path / "a.nii", offset, form, value))


def test_fewer_voxels_than_the_file_holds_are_told(tmp_path):
    volume = read_volume(changed(tmp_path / "a.nii", 42, "<i2", 2))
    assert volume.shape == (2, 4, 5)
    assert any("40 bytes more than its header announces" in w for w in volume.warnings)
