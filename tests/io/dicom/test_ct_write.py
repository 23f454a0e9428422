import shutil
import subprocess
from datetime import datetime

import numpy as np
import pytest
from pydicom import dcmread

from fuzzyseg.errors import InputError
from fuzzyseg.io import (
    DicomPatient,
    DicomStudy,
    SpectAcquisition,
    find_series,
    read_volume,
    write_ct_series,
    write_nm,
)
from fuzzyseg.volume import Volume

PATIENT = DicomPatient("FUZZYSEG^PATIENT-0001", "PATIENT-0001", "F", weight_kg=61.0)
STUDY = DicomStudy("cohort 7, patient 1", datetime(2024, 1, 31, 9, 30))
UPRIGHT = np.array([[1.25, 0, 0, -70.25], [0, 0.9, 0, -120], [0, 0, 3.3, -333.3], [0, 0, 0, 1]])


def ct(shape=(9, 7, 6), affine=UPRIGHT):
    array = np.random.default_rng(1).integers(-1024, 3072, shape)
    return Volume(array.astype(np.float32), affine, modality="CT", unit="HU")


def write(folder, volume, **changes):
    write_ct_series(folder, volume, **({"patient": PATIENT, "study": STUDY} | changes))
    return folder


def expected(volume):
    """The volume with axes to the left, the back and up, by slicing alone (it is RAS+)."""
    affine = np.array(volume.affine)
    last = (affine @ [volume.shape[0] - 1, volume.shape[1] - 1, 0, 1])[:3]
    affine[:3, :2] *= -1
    affine[:3, 3] = last
    return volume.array[::-1, ::-1], affine


@pytest.mark.parametrize("shape", [(9, 7, 6), (5, 8, 3), (1, 3, 2)])
def test_round_trip(tmp_path, shape):
    volume = ct(shape)
    back = read_volume(write(tmp_path / "ct", volume))
    array, affine = expected(volume)
    assert (back.modality, back.unit, back.warnings) == ("CT", "HU", ())
    np.testing.assert_array_equal(back.array, array)
    np.testing.assert_allclose(back.affine, affine, atol=1e-9)


def test_a_volume_that_runs_to_the_feet_is_turned(tmp_path):
    volume = ct()
    down = np.array(volume.affine)
    down[:3, 3] += 5 * down[:3, 2]
    down[:3, 2] *= -1
    back = read_volume(
        write(tmp_path / "ct", Volume(volume.array[:, :, ::-1], down, volume.modality, "HU"))
    )
    array, affine = expected(volume)
    np.testing.assert_array_equal(back.array, array)
    np.testing.assert_allclose(back.affine, affine, atol=1e-9)


def test_hu_are_rounded_to_whole_numbers(tmp_path):
    array = np.linspace(-1000, 1000, 60).reshape(5, 4, 3)
    back = read_volume(write(tmp_path / "ct", Volume(array, UPRIGHT, "CT", "HU")))
    assert np.abs(back.array[::-1, ::-1] - array).max() <= 0.5


def test_files_are_named_and_numbered_from_the_feet(tmp_path):
    folder = write(tmp_path / "ct", ct(), kvp=120, description="Low-dose CT")
    paths = sorted(folder.iterdir())
    assert [p.name for p in paths] == [f"CT.{k:04d}.dcm" for k in range(1, 7)]
    slices = [dcmread(p) for p in paths]
    heights = [float(s.ImagePositionPatient[2]) for s in slices]
    np.testing.assert_allclose(heights, -333.3 + 3.3 * np.arange(6), atol=1e-9)
    assert [s.InstanceNumber for s in slices] == list(range(1, 7))
    assert len({s.SOPInstanceUID for s in slices}) == 6
    assert len({s.SeriesInstanceUID for s in slices}) == 1
    assert (slices[0].RescaleIntercept, slices[0].RescaleSlope) == (-1024, 1)
    assert (slices[0].KVP, slices[0].PatientPosition) == (120, "HFS")
    (info,) = find_series(folder)
    assert (info.kind, info.shape, info.description) == ("CT", (9, 7, 6), "Low-dose CT")


def test_spect_and_ct_are_one_study_in_one_frame_of_reference(tmp_path):
    write(tmp_path / "ct", ct())
    spect = Volume(np.ones((4, 4, 4)), 4 * np.eye(4), "NM", "Bq/mL")
    acquisition = SpectAcquisition(STUDY.started, 60, 15.0)
    path = tmp_path / "spect.dcm"
    write_nm(path, spect, patient=PATIENT, study=STUDY, acquisition=acquisition)
    nm, slice_ = dcmread(path), dcmread(tmp_path / "ct" / "CT.0001.dcm")
    assert nm.StudyInstanceUID == slice_.StudyInstanceUID
    assert nm.FrameOfReferenceUID == slice_.FrameOfReferenceUID
    assert nm.SeriesInstanceUID != slice_.SeriesInstanceUID
    assert [info.kind for info in find_series(tmp_path)] == ["NM", "CT"]
    assert read_volume(tmp_path).modality == "NM"
    assert read_volume(tmp_path, modality="CT").unit == "HU"


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    a, b = write(tmp_path / "a", ct()), write(tmp_path / "b", ct())
    for one, other in zip(sorted(a.iterdir()), sorted(b.iterdir()), strict=True):
        assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize(
    ("volume", "why"),
    [
        (Volume(np.zeros((3, 3, 3)), UPRIGHT, "NM", "Bq/mL"), "found Bq/mL"),
        (Volume(np.full((3, 3, 3), 4e4), UPRIGHT, "CT", "HU"), "31743"),
        (Volume(np.full((3, 3, 3), np.inf), UPRIGHT, "CT", "HU"), "infinity"),
        (Volume(np.zeros((3, 3, 1)), UPRIGHT, "CT", "HU"), "two axial slices"),
        (Volume(np.zeros((3, 3, 3)), UPRIGHT + np.eye(4, k=1), "CT", "HU"), "resample"),
    ],
)
def test_what_is_no_upright_ct_is_refused(tmp_path, volume, why):
    with pytest.raises(InputError, match=why) as error:
        write(tmp_path / "ct", volume)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_an_empty_folder_is_filled_and_a_full_one_refused(tmp_path):
    folder = tmp_path / "ct"
    folder.mkdir()
    write(folder, ct())
    with pytest.raises(InputError, match="in use"):
        write(folder, ct())
    assert len(list(folder.iterdir())) == 6
    with pytest.raises(InputError, match="in use"):
        write(folder / "CT.0001.dcm", ct())


def test_a_failure_half_way_leaves_nothing(tmp_path, monkeypatch):
    from pydicom import Dataset

    whole = Dataset.save_as

    def full(self, path, **kwargs):
        if path.name == "CT.0004.dcm":
            raise OSError(28, "No space left on device")
        whole(self, path, **kwargs)

    monkeypatch.setattr(Dataset, "save_as", full)
    with pytest.raises(InputError, match="No space left"):
        write(tmp_path / "ct", ct())
    assert not list(tmp_path.iterdir())


def test_a_parent_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        write(tmp_path / "none" / "ct", ct())


def test_simpleitk_puts_it_in_the_same_place(tmp_path):
    sitk = pytest.importorskip("SimpleITK", reason="needs SimpleITK, a test-only oracle")
    volume = ct()
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(write(tmp_path / "ct", volume))))
    image = reader.Execute()
    array, affine = expected(volume)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image).T, array)
    matrix = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    np.testing.assert_allclose(matrix * [[-1], [-1], [1]], affine[:3, :3], atol=1e-6)
    np.testing.assert_allclose(image.GetOrigin() * np.array([-1, -1, 1]), affine[:3, 3], atol=1e-6)


def test_dcm2niix_puts_it_in_the_same_place(tmp_path):
    import nibabel as nib

    program = shutil.which("dcm2niix")
    if program is None:
        package = pytest.importorskip("dcm2niix", reason="needs dcm2niix, a test-only oracle")
        program = str(package.bin)
    volume = ct()
    write(tmp_path / "ct", volume)
    subprocess.run(
        [program, "-z", "n", "-f", "out", "-o", str(tmp_path), str(tmp_path / "ct")],
        check=True,
        capture_output=True,
    )
    image = nib.as_closest_canonical(nib.load(tmp_path / "out.nii"))
    np.testing.assert_array_equal(image.get_fdata(), volume.array)
    np.testing.assert_allclose(image.affine, volume.affine, atol=1e-3)
