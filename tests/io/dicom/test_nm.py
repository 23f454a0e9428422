import numpy as np
import pytest
from pydicom.dataset import Dataset

from fuzzyseg.errors import InputError
from fuzzyseg.io.dicom.nm import read_nm

ROW, COLUMN = (0.8, 0.6, 0.0), (-0.48, 0.64, 0.6)
NORMAL = np.array([0.36, -0.48, 0.8])  # row x column, by hand


@pytest.fixture
def frames():
    return np.arange(3 * 4 * 6, dtype=np.uint16).reshape(3, 4, 6)


@pytest.mark.parametrize("between", [5.0, -5.0])
def test_the_sign_of_the_spacing_is_the_direction_of_stacking(tmp_path, make_nm, frames, between):
    """Frame i lies at IPP + i * SpacingBetweenSlices * normal (PS3.3 C.8.4.15)."""
    position = np.array([-100.0, -120.0, 300.0])

    def edit(dataset):
        dataset.SpacingBetweenSlices = between
        dataset.DetectorInformationSequence[0].ImageOrientationPatient = [*ROW, *COLUMN]

    volume = read_nm(make_nm(tmp_path / "a", frames, edit=edit))
    for column, row, i in [(0, 0, 0), (5, 3, 2), (1, 2, 1)]:
        assert volume.array[column, row, i] == frames[i, row, column]
        lps = position + 4.5 * column * np.array(ROW) + 4.0 * row * np.array(COLUMN)
        lps += i * between * NORMAL
        np.testing.assert_allclose(
            (volume.affine @ [column, row, i, 1])[:3], lps * [-1, -1, 1], atol=1e-9
        )


def test_a_head_first_file_with_negative_spacing_runs_to_the_feet(tmp_path, make_nm, frames):
    def edit(dataset):
        dataset.SpacingBetweenSlices = -5

    volume = read_nm(make_nm(tmp_path / "a", frames, edit=edit))
    heights = [(volume.affine @ [0, 0, i, 1])[2] for i in range(3)]
    assert heights == pytest.approx([300, 295, 290])


def test_geometry_at_the_top_level(tmp_path, make_nm, frames):
    def edit(dataset):
        detector = dataset.DetectorInformationSequence[0]
        dataset.ImageOrientationPatient = detector.ImageOrientationPatient
        dataset.ImagePositionPatient = [1, 2, 3]
        del dataset.DetectorInformationSequence

    volume = read_nm(make_nm(tmp_path / "a", frames, edit=edit))
    np.testing.assert_allclose(volume.affine[:3, 3], [-1, -2, 3])
    assert not any("orientation" in w for w in volume.warnings)


def test_a_detector_without_geometry_is_passed_over(tmp_path, make_nm, frames):
    def edit(dataset):
        dataset.DetectorInformationSequence.insert(0, Dataset())

    volume = read_nm(make_nm(tmp_path / "a", frames, edit=edit))
    np.testing.assert_allclose(volume.affine[:3, 3], [100, 120, 300])


def test_detectors_that_disagree_are_told(tmp_path, make_nm, frames):
    def edit(dataset):
        other = Dataset()
        other.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        other.ImagePositionPatient = [0, 0, 0]
        dataset.DetectorInformationSequence.append(other)

    volume = read_nm(make_nm(tmp_path / "a", frames, edit=edit))
    np.testing.assert_allclose(volume.affine[:3, 3], [100, 120, 300])
    assert any("several positions" in w for w in volume.warnings)


def test_absent_geometry_is_assumed_and_told(tmp_path, make_nm, frames):
    def edit(dataset):
        del dataset.DetectorInformationSequence
        dataset.SpacingBetweenSlices = None
        dataset.SliceThickness = 6

    volume = read_nm(make_nm(tmp_path / "a", frames, edit=edit))
    np.testing.assert_allclose(volume.affine[:3, :3], np.diag([-4.5, -4, 6]))
    np.testing.assert_allclose(volume.affine @ [2.5, 1.5, 1, 1], [0, 0, 0, 1], atol=1e-12)
    said = " ".join(volume.warnings)
    assert "left/right" in said
    assert "position" in said
    assert "SliceThickness, 6 mm" in said


@pytest.mark.parametrize("keyword", ["PixelSpacing", "SpacingBetweenSlices"])
def test_a_missing_distance_is_refused(tmp_path, make_nm, frames, keyword):
    with pytest.raises(InputError, match=keyword):
        read_nm(make_nm(tmp_path / "a", frames, edit=lambda d: delattr(d, keyword)))


def test_frames_are_sorted_by_slice_number(tmp_path, make_nm, frames):
    def edit(dataset):
        dataset.SliceVector = [3, 1, 2]

    volume = read_nm(make_nm(tmp_path / "a", frames, edit=edit))
    np.testing.assert_array_equal(volume.array, frames[[1, 2, 0]].transpose(2, 1, 0))
    assert any("SliceVector" in w for w in volume.warnings)


@pytest.mark.parametrize(("keyword", "value"), [("SliceVector", [1, 2, 2]), ("NumberOfSlices", 2)])
def test_frames_that_are_no_single_volume_are_refused(tmp_path, make_nm, frames, keyword, value):
    with pytest.raises(InputError, match="a single volume"):
        read_nm(make_nm(tmp_path / "a", frames, edit=lambda d: setattr(d, keyword, value)))


def test_two_energy_windows_are_refused(tmp_path, make_nm, frames):
    def edit(dataset):
        dataset.EnergyWindowVector = [1, 1, 2]

    with pytest.raises(InputError, match="2 energy windows"):
        read_nm(make_nm(tmp_path / "a", frames, edit=edit))


@pytest.mark.parametrize(
    ("image_type", "why"),
    [
        ("STATIC", "line of sight"),
        ("WHOLE BODY", "line of sight"),
        ("DYNAMIC", "line of sight"),
        ("GATED", "line of sight"),
        ("TOMO", "projections"),
        ("GATED TOMO", "projections"),
        ("RECON GATED TOMO", "gated"),
        ("SCREENSHOT", "SCREENSHOT"),
    ],
)
def test_what_is_no_volume_is_refused_with_the_reason(tmp_path, make_nm, frames, image_type, why):
    with pytest.raises(InputError, match=why) as error:
        read_nm(make_nm(tmp_path / "a", frames, image_type=image_type))
    assert "\n" not in str(error.value)


def test_one_slice_is_no_volume(tmp_path, make_nm, frames):
    with pytest.raises(InputError, match="one slice"):
        read_nm(make_nm(tmp_path / "a", frames[:1]))


def test_rescale_without_unit_gives_counts(tmp_path, make_nm, frames):
    def edit(dataset):
        dataset.RescaleSlope, dataset.RescaleIntercept = 0.5, 3

    volume = read_nm(make_nm(tmp_path / "a", frames, edit=edit))
    np.testing.assert_allclose(volume.array, frames.transpose(2, 1, 0) * 0.5 + 3)
    assert (volume.modality, volume.unit) == ("NM", "counts")
    assert any("no unit" in w for w in volume.warnings)


def test_units_of_the_pet_object_are_understood(tmp_path, make_nm, frames):
    volume = read_nm(make_nm(tmp_path / "a", frames, edit=lambda d: setattr(d, "Units", "BQML")))
    assert volume.unit == "Bq/mL"
    assert volume.warnings == ()


def test_real_reconstruction(shared):
    path = shared("nm/recon_tomo_heart_13frames.dcm")
    volume = read_nm(path)
    assert (volume.shape, volume.modality, volume.unit) == ((64, 64, 13), "NM", "counts")
    assert volume.spacing_mm == pytest.approx((3.11583, 3.11583, 6.231669))
    raw = path.read_bytes()
    start = raw.rindex(b"\xe0\x7f\x10\x00OW") + 12  # tag, VR and length of the pixel data
    stored = np.frombuffer(raw[start : start + 64 * 64 * 13 * 2], "<u2").reshape(13, 64, 64)
    np.testing.assert_array_equal(volume.array, stored.transpose(2, 1, 0))
    assert any("left/right" in w for w in volume.warnings)
    assert not any("announced" in w for w in volume.warnings)  # private elements behind pixels


def test_real_planar_scan_is_refused(shared):
    with pytest.raises(InputError, match=r"whole-body scan.*line of sight"):
        read_nm(shared("nm/wholebody_planar_rle.dcm"))
