import numpy as np
import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.io.dicom.series import read_series


def test_oblique_unsorted_series_lies_where_the_standard_puts_it(tmp_path, make_series, ct_pixels):
    orientation = (0.8, 0.6, 0.0, -0.48, 0.64, 0.6)
    normal = np.array([0.36, -0.48, 0.8])  # row x column, by hand
    origin = np.array([-31.0, 12.5, 400.0])
    files = make_series(
        tmp_path, ct_pixels, orientation=orientation, origin=origin, step=2.5 * normal
    )
    volume = read_series(files)
    assert volume.shape == (6, 4, 5)
    assert volume.spacing_mm == pytest.approx((1.5, 2.0, 2.5))
    for column, row, k in [(0, 0, 0), (5, 3, 4), (2, 1, 3)]:
        assert volume.array[column, row, k] == ct_pixels[k, row, column]
        x, y = np.array(orientation[:3]), np.array(orientation[3:])
        lps = origin + x * 1.5 * column + y * 2.0 * row + 2.5 * k * normal
        np.testing.assert_allclose(
            (volume.affine @ [column, row, k, 1])[:3], lps * [-1, -1, 1], atol=1e-6
        )


def test_slices_stored_from_head_to_feet_are_turned(tmp_path, make_series, ct_pixels):
    volume = read_series(make_series(tmp_path, ct_pixels, step=(0, 0, -3.0)))
    np.testing.assert_array_equal(volume.array[..., 0], ct_pixels[4].T)
    assert volume.affine[2, 2] == pytest.approx(3)
    assert volume.affine[2, 3] == pytest.approx(5 - 4 * 3)


def test_slope_and_intercept_belong_to_each_slice(tmp_path, make_series, ct_pixels):
    def edit(k, dataset):
        dataset.RescaleSlope, dataset.RescaleIntercept = k + 1, -10 * k

    volume = read_series(make_series(tmp_path, ct_pixels, edit=edit))
    for k in range(5):
        np.testing.assert_allclose(volume.array[..., k], ct_pixels[k].T * (k + 1.0) - 10 * k)


def set_all(**values):
    def edit(_, dataset):
        for name, value in values.items():
            setattr(dataset, name, value)

    return edit


@pytest.mark.parametrize("implicit", [False, True], ids=["explicit", "implicit"])
def test_declared_padding_becomes_air(tmp_path, make_series, ct_pixels, implicit):
    ct_pixels[:, 0, 0] = -2000
    edit = set_all(PixelPaddingValue=-2000)
    volume = read_series(make_series(tmp_path, ct_pixels, edit=edit, implicit=implicit))
    assert (volume.array[0, 0] == -1024).all()
    assert volume.array[1, 0, 0] == ct_pixels[0, 0, 1]
    assert any("padding" in w for w in volume.warnings)


def test_a_range_of_high_padding_becomes_air(tmp_path, make_series, ct_pixels):
    ct_pixels[0, 0, :3] = [31000, 31500, 32000]
    edit = set_all(PixelPaddingValue=31000, PixelPaddingRangeLimit=32000)
    volume = read_series(make_series(tmp_path, ct_pixels, edit=edit))
    np.testing.assert_array_equal(volume.array[:3, 0, 0], [-1024] * 3)
    assert volume.array.max() < 200


def test_signed_padding_written_as_unsigned_is_understood(tmp_path, make_series, ct_pixels):
    ct_pixels[0, 0, 0] = -20  # with this intercept: -1020 HU
    edit = set_all(RescaleIntercept=-1000)
    files = make_series(tmp_path, ct_pixels, edit=edit)
    from pydicom import dcmread
    from pydicom.dataelem import DataElement

    for path in files:
        dataset = dcmread(path)
        dataset[0x00280120] = DataElement(0x00280120, "US", 65536 - 20)
        dataset.save_as(path)
    volume = read_series(files)
    assert volume.array[0, 0, 0] == -1024


def test_padding_that_is_a_value_of_tissue_is_left_and_told(tmp_path, make_series, ct_pixels):
    volume = read_series(make_series(tmp_path, ct_pixels, edit=set_all(PixelPaddingValue=40)))
    np.testing.assert_array_equal(volume.array, ct_pixels.transpose(2, 1, 0))
    assert any("40 HU" in w for w in volume.warnings)


def test_undeclared_padding_becomes_air(tmp_path, make_series, ct_pixels):
    ct_pixels[:, 0, 0] = -2048
    volume = read_series(make_series(tmp_path, ct_pixels))
    assert volume.array.min() == -1024
    assert any("-2048" in w for w in volume.warnings)


def test_a_map_of_spectral_ct_is_not_in_hu(tmp_path, make_series, ct_pixels):
    ct_pixels[0, 0, 0] = -2048
    volume = read_series(make_series(tmp_path, ct_pixels, edit=set_all(RescaleType="Z_EFF")))
    assert volume.unit == "arbitrary"
    assert volume.array.min() == -2048


def test_a_ct_without_intercept_is_told(tmp_path, make_series, ct_pixels):
    def edit(_, dataset):
        del dataset.RescaleIntercept

    volume = read_series(make_series(tmp_path, ct_pixels, edit=edit))
    assert any("RescaleIntercept" in w for w in volume.warnings)


@pytest.mark.parametrize(
    ("units", "unit", "told"),
    [
        ({"Units": "BQML"}, "Bq/mL", None),
        ({"Units": "CNTS"}, "counts", "no SUV can be computed"),
        ({"Units": "GML"}, "SUV", None),
        ({"Units": "GML", "SUVType": "BW"}, "SUV", None),
        ({"Units": "GML", "SUVType": "LBM"}, "SUV", "LBM"),
        ({"Units": "CM2ML"}, "SUV", "body surface"),
        ({"Units": "CPS"}, "arbitrary", "CPS"),
    ],
)
def test_pt_units(tmp_path, make_series, units, unit, told):
    pixels = np.ones((2, 3, 3), np.uint16)
    volume = read_series(make_series(tmp_path, pixels, modality="PT", edit=set_all(**units)))
    assert (volume.modality, volume.unit) == ("PT", unit)
    assert (told is None and volume.warnings == ()) or told in volume.warnings[0]


def test_pt_slices_have_their_own_slopes(tmp_path, make_series, ct_pixels):
    def edit(k, dataset):
        dataset.RescaleSlope = f"{0.37 * (k + 1):.6g}"

    volume = read_series(make_series(tmp_path, ct_pixels, modality="PT", edit=edit))
    expected = ct_pixels * (0.37 * np.arange(1, 6))[:, None, None]
    np.testing.assert_allclose(volume.array, expected.transpose(2, 1, 0), rtol=1e-6)


def test_pt_in_two_units_is_refused(tmp_path, make_series, ct_pixels):
    def edit(k, dataset):
        dataset.Units = "GML" if k else "BQML"

    with pytest.raises(InputError, match="one unit"):
        read_series(make_series(tmp_path, ct_pixels, modality="PT", edit=edit))


def test_a_slice_without_position_is_named(tmp_path, make_series, ct_pixels):
    def edit(k, dataset):
        if k == 2:
            del dataset.ImagePositionPatient

    files = make_series(tmp_path, ct_pixels, edit=edit)
    with pytest.raises(InputError, match=f"one missing in {files[2]}"):
        read_series(files)


def test_skewed_directions_are_refused(tmp_path, make_series, ct_pixels):
    edit = set_all(ImageOrientationPatient=[1, 0, 0, 1, 0, 0])
    with pytest.raises(InputError, match="perpendicular"):
        read_series(make_series(tmp_path, ct_pixels, edit=edit))


def test_progress_counts_slices(tmp_path, make_series, ct_pixels):
    seen = []
    read_series(make_series(tmp_path, ct_pixels), progress=lambda *a: seen.append(a))
    assert seen == [(k, 5) for k in range(1, 6)]


def test_values_that_break_their_vr_pass_without_library_warnings(tmp_path, make_series, ct_pixels):
    files = make_series(tmp_path, ct_pixels)
    for path in files:
        raw = path.read_bytes()
        path.write_bytes(raw.replace(b"AXIAL", b"axial"))  # lower case breaks CS
    assert read_series(files).shape == (6, 4, 5)


def test_real_ct(shared):
    folder = shared("ct/TCGA-09-2043")
    volume = read_series(sorted(folder.glob("*.dcm")))
    assert volume.shape == (512, 512, 160)
    assert (volume.modality, volume.unit) == ("CT", "HU")
    # From the headers: position (-276.3671, -263.6718, 1055 to 1532), spacing 1.03, 3 mm apart.
    expected = [[-1.03, 0, 0, 276.3671], [0, -1.03, 0, 263.6718], [0, 0, 3, 1055], [0, 0, 0, 1]]
    np.testing.assert_allclose(volume.affine, expected, atol=1e-6)
    # File 1-004 lies at 1523 mm, the 157th slice; its pixels are its last 512 * 512 * 2 bytes.
    raw = (folder / "1-004.dcm").read_bytes()[-512 * 512 * 2 :]
    stored = np.frombuffer(raw, "<i2").reshape(512, 512)
    np.testing.assert_array_equal(volume.array[..., 156], np.maximum(stored, -1024).T)
    assert stored.min() == -2048
    assert any("-2048" in w for w in volume.warnings)
