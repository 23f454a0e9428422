import gzip

import nibabel as nib
import numpy as np
import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.io import read_nifti

AFFINE = np.array([[-2.0, 0, 0, 30], [0, 0, 3, -40], [0, 2.5, 0, 50], [0, 0, 0, 1]])


@pytest.fixture
def array():
    return np.arange(60, dtype=np.int16).reshape(3, 4, 5)


def saved(path, array, affine=AFFINE, edit=None):
    image = nib.Nifti1Image(array, affine)
    image.header.set_xyzt_units("mm")
    if edit is not None:
        edit(image)
    nib.save(image, path)
    return path


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.NII.GZ"])
def test_values_and_affine(tmp_path, array, name):
    volume = read_nifti(saved(tmp_path / name, array), "PT", "Bq/mL")
    np.testing.assert_array_equal(volume.array, array)
    np.testing.assert_allclose(volume.affine, AFFINE)
    assert (volume.modality, volume.unit, volume.warnings) == ("PT", "Bq/mL", ())
    assert volume.source == str(tmp_path / name)


def test_slope_and_intercept_are_applied(tmp_path, array):
    path = saved(tmp_path / "a.nii", array)
    raw = bytearray(path.read_bytes())
    raw[112:120] = np.array([0.5, -7], "<f4").tobytes()  # scl_slope, scl_inter
    path.write_bytes(raw)
    np.testing.assert_allclose(read_nifti(path).array, array * 0.5 - 7)


def test_trailing_axes_of_length_one_are_dropped(tmp_path, array):
    assert read_nifti(saved(tmp_path / "a.nii", array[..., None])).shape == (3, 4, 5)


def test_ct_padding_becomes_air(tmp_path, array):
    array[0, 0, 0] = -2048
    volume = read_nifti(saved(tmp_path / "a.nii", array), "CT")
    assert (volume.unit, volume.array.min()) == ("HU", -1024)


RGB = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (np.zeros((3, 4), np.float32), r"3-D image, found shape \(3, 4\)"),
        (np.zeros((3, 4, 5, 2), np.float32), r"3-D image, found shape \(3, 4, 5, 2\)"),
        (np.zeros((3, 4, 5), RGB), "RGB"),
        (np.zeros((3, 4, 5), np.complex64), "complex64"),
    ],
    ids=["2-D", "4-D", "RGB", "complex"],
)
def test_what_is_no_scalar_volume_is_refused(tmp_path, content, message):
    with pytest.raises(InputError, match=message) as error:
        read_nifti(saved(tmp_path / "a.nii.gz", content))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("content", [b"", b"this is a text\n" * 50])
def test_what_is_no_nifti_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match="complete NIfTI"):
        read_nifti(tmp_path / name)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_cut_file_is_refused(tmp_path, name):
    noise = np.random.default_rng(0).normal(size=(20, 20, 20))
    path = saved(tmp_path / name, noise)
    whole = path.read_bytes()
    for length in [10, 300, 360, len(whole) // 2, len(whole) - 9]:
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=name):
            read_nifti(path)


def test_a_flipped_bit_in_a_compressed_file_is_noticed(tmp_path):
    noise = np.random.default_rng(0).normal(size=(20, 20, 20))
    path = saved(tmp_path / "a.nii.gz", noise)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(InputError, match="complete NIfTI"):
        read_nifti(path)


def test_nifti_2(tmp_path, array):
    for name in ("a.nii", "a.nii.gz"):
        nib.save(nib.Nifti2Image(array, AFFINE), tmp_path / name)
        np.testing.assert_array_equal(read_nifti(tmp_path / name).array, array)


def test_text_compressed_as_nifti_is_refused(tmp_path):
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(b"text" * 500))
    with pytest.raises(InputError, match="complete NIfTI"):
        read_nifti(tmp_path / "a.nii.gz")


def test_another_format_is_refused(tmp_path, array):
    nib.save(nib.MGHImage(array.astype(np.float32), AFFINE), tmp_path / "a.mgz")
    with pytest.raises(InputError, match="complete NIfTI"):
        read_nifti(tmp_path / "a.mgz")


def test_no_file(tmp_path):
    with pytest.raises(InputError, match="found nothing at"):
        read_nifti(tmp_path / "a.nii")


def test_labels_are_told_from_an_image(tmp_path, array):
    path = saved(tmp_path / "a.nii", array, edit=lambda image: image.header.set_intent("label"))
    told = "By the file's header these are labels of an image, and no image."
    assert told in read_nifti(path, None).warnings
    assert told not in read_nifti(path, "NM").warnings  # who asks knows better
    assert told not in read_nifti(saved(tmp_path / "b.nii", array), None).warnings


def test_no_orientation_is_told(tmp_path, array):
    def edit(image):
        image.set_sform(None, code=0)
        image.set_qform(None, code=0)

    (warning,) = read_nifti(saved(tmp_path / "a.nii", array, edit=edit)).warnings
    assert "left/right" in warning


def test_forms_that_disagree_are_told(tmp_path, array):
    def edit(image):
        moved = AFFINE.copy()
        moved[0, 3] += 12
        image.set_sform(AFFINE, code=1)
        image.set_qform(moved, code=1)

    volume = read_nifti(saved(tmp_path / "a.nii", array, edit=edit))
    np.testing.assert_allclose(volume.affine, AFFINE)
    assert "12.0 mm" in volume.warnings[0]


@pytest.mark.parametrize(("unit", "scale"), [("meter", 1000), ("micron", 0.001)])
def test_other_units_of_length_are_converted(tmp_path, array, unit, scale):
    path = saved(tmp_path / "a.nii", array, edit=lambda i: i.header.set_xyzt_units(unit))
    volume = read_nifti(path)
    np.testing.assert_allclose(volume.affine[:3], AFFINE[:3] * scale)
    assert unit in volume.warnings[0]


def test_what_the_library_repairs_is_told_and_not_printed(tmp_path, array, capfd):
    path = saved(tmp_path / "a.nii", array)
    raw = bytearray(path.read_bytes())
    raw[254:256] = np.array([77], "<i2").tobytes()  # sform_code
    path.write_bytes(raw)
    volume = read_nifti(path)
    assert any("sform_code 77" in w for w in volume.warnings)
    assert capfd.readouterr() == ("", "")


def test_real_ct(shared):
    path = shared("ct/lu177_patient_ct_spectgrid.nii.gz")
    volume = read_nifti(path, None)
    assert (volume.shape, volume.modality) == ((108, 70, 90), "CT")
    raw = gzip.decompress(path.read_bytes())
    stored = np.frombuffer(raw[352:], "<i2").reshape((108, 70, 90), order="F")
    np.testing.assert_array_equal(volume.array, stored)
