import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from fuzzyseg.errors import InputError
from fuzzyseg.io import DicomPatient, DicomStudy, Injection, SpectAcquisition, find_series, write_nm
from fuzzyseg.io.dicom.nm import read_nm
from fuzzyseg.volume import Volume

PATIENT = DicomPatient("FUZZYSEG^PATIENT-0001", "PATIENT-0001", "M", age_years=67, weight_kg=82.5)
STUDY = DicomStudy("cohort 7, patient 1", datetime(2024, 1, 31, 9, 30), equipment="symbia-t16")
ACQUISITION = SpectAcquisition(
    datetime(2024, 1, 31, 13, 1, 2), 60, 15.0, counts=3_500_000, corrections=("ATTN", "SCAT")
)
INJECTION = Injection(740.0, datetime(2024, 1, 31, 10, 5))
# RAS+, as NIfTI files often are: x to the right, y forwards, z up; all three spacings differ.
UPRIGHT = np.array([[4.5, 0, 0, -70.25], [0, 4, 0, -120], [0, 0, 5.3, -333.3], [0, 0, 0, 1]])


def spect(shape=(9, 7, 6), affine=UPRIGHT, *, scale=5e3, seed=1, unit="Bq/mL"):
    array = np.random.default_rng(seed).gamma(2.0, scale, shape).astype(np.float32)
    return Volume(array, affine, modality="NM", unit=unit)


def write(path, volume, **changes):
    given = {"patient": PATIENT, "study": STUDY, "acquisition": ACQUISITION} | changes
    write_nm(path, volume, **given)
    return path


def at_the_same_places(volume, other, tolerance_mm=1e-3):
    """Values of `other` at the voxels of `volume`; fails where `other` has no voxel there."""
    indices = np.indices(volume.shape).reshape(3, -1)
    world = volume.affine @ np.vstack([indices, np.ones(indices.shape[1])])
    found = (np.linalg.inv(other.affine) @ world)[:3]
    nearest = np.rint(found).astype(int)
    np.testing.assert_allclose(found, nearest, rtol=0, atol=tolerance_mm / 2)
    assert nearest.min() >= 0
    assert other.array.size == volume.array.size
    return np.asarray(other.array)[tuple(nearest)].reshape(volume.shape)


def flipped(affine, signs, shape):
    """Affine of the same grid with some axes numbered backwards."""
    flip = np.diag([*signs, 1.0])
    flip[:3, 3] = [(n - 1) if s < 0 else 0 for n, s in zip(shape, signs, strict=True)]
    return affine @ flip


@pytest.mark.parametrize(
    ("shape", "signs"),
    [
        ((9, 7, 6), (1, 1, 1)),
        ((9, 7, 6), (-1, -1, 1)),
        ((5, 11, 3), (1, -1, -1)),
        ((1, 1, 2), (-1, 1, -1)),
    ],
)
def test_round_trip_whichever_way_the_axes_run(tmp_path, shape, signs):
    volume = spect(shape, flipped(UPRIGHT, signs, shape))
    back = read_nm(write(tmp_path / "spect.dcm", volume))
    assert (back.modality, back.unit, back.warnings) == ("NM", "Bq/mL", ())
    np.testing.assert_allclose(
        at_the_same_places(volume, back), volume.array, rtol=1e-7, atol=volume.array.max() / 131_070
    )
    assert np.all(np.diag(back.affine)[:3] * [-1, -1, 1] > 0)  # left, back, up


@pytest.mark.parametrize("axes", [(1, 0, 2), (2, 0, 1), (2, 1, 0)])
def test_frames_are_axial_however_the_array_is_laid_out(tmp_path, axes):
    upright = spect()
    affine = np.array(upright.affine)
    affine[:, :3] = affine[:, list(axes)]
    volume = Volume(upright.array.transpose(axes), affine, modality="NM", unit="Bq/mL")
    back = read_nm(write(tmp_path / "a.dcm", volume))
    assert back.shape == upright.shape
    error = at_the_same_places(upright, back) - upright.array
    assert np.abs(error).max() < upright.array.max() / 120_000


def test_the_affine_by_hand(tmp_path):
    """Nine columns of 4.5 mm from -70.25 end at -34.25, the patient's right being last."""
    back = read_nm(write(tmp_path / "a.dcm", spect()))
    expected = [[-4.5, 0, 0, -34.25], [0, -4, 0, -96], [0, 0, 5.3, -333.3], [0, 0, 0, 1]]
    np.testing.assert_allclose(back.affine, expected, atol=1e-9)


@pytest.mark.parametrize("scale", [1e-38, 1e-6, 1.0, 1e5, 1e34])
def test_values_of_any_size_keep_their_precision(tmp_path, scale):
    volume = spect(scale=scale)
    back = read_nm(write(tmp_path / "a.dcm", volume))
    error = np.abs(at_the_same_places(volume, back) - volume.array.astype(float))
    assert 0 < error.max() < volume.array.max() / 120_000


def test_a_volume_of_zeros(tmp_path):
    back = read_nm(write(tmp_path / "a.dcm", Volume(np.zeros((4, 3, 2)), UPRIGHT, "NM", "Bq/mL")))
    assert back.unit == "Bq/mL"
    assert not back.array.any()


@pytest.mark.parametrize("constant", [7.0, -7.0])
def test_a_constant_and_negative_values(tmp_path, constant):
    array = np.full((4, 3, 2), constant)
    array[0, 0, 0] = 0.5 * constant
    volume = Volume(array, np.eye(4), "NM", "Bq/mL")
    back = read_nm(write(tmp_path / "a.dcm", volume))
    np.testing.assert_allclose(at_the_same_places(volume, back), array, atol=7 / 131_070)


@pytest.mark.parametrize("unit", ["counts", "SUV"])
def test_other_units(tmp_path, unit):
    back = read_nm(write(tmp_path / "a.dcm", spect(unit=unit)))
    assert (back.unit, back.warnings) == (unit, ())


def test_what_suv_needs_is_there(tmp_path):
    dataset = dcmread(write(tmp_path / "a.dcm", spect(), injection=INJECTION))
    drug = dataset.RadiopharmaceuticalInformationSequence[0]
    assert dataset.PatientWeight == 82.5
    assert drug.RadionuclideTotalDose == 740  # MBq in NM (C.8.4.10.1.7)
    assert (drug.RadiopharmaceuticalStartTime, dataset.AcquisitionTime) == ("100500", "130102")
    assert drug.RadiopharmaceuticalStartDateTime == "20240131100500"
    assert drug.RadionuclideHalfLife == pytest.approx(6.0067 * 3600)
    assert "no real person" in dataset.ImageComments
    assert dataset.PatientName == "FUZZYSEG^PATIENT-0001"


def test_the_file_says_how_it_was_acquired(tmp_path):
    dataset = dcmread(write(tmp_path / "a.dcm", spect()))
    assert dataset.ImageType == ["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"]
    assert dataset.FrameIncrementPointer == 0x00540080
    rotation = dataset.RotationInformationSequence[0]
    assert (rotation.NumberOfFramesInRotation, rotation.AngularStep) == (60, 6)
    assert rotation.ActualFrameDuration == 15_000
    window = dataset.EnergyWindowInformationSequence[0].EnergyWindowRangeSequence[0]
    assert window.EnergyWindowUpperLimit - window.EnergyWindowLowerLimit == pytest.approx(28.1)
    assert list(dataset.CorrectedImage) == ["ATTN", "SCAT"]
    assert dataset.CountsAccumulated == 3_500_000


def test_rescale_slope_and_mapping_agree(tmp_path):
    dataset = dcmread(write(tmp_path / "a.dcm", spect()))
    mapping = dataset.RealWorldValueMappingSequence[0]
    assert float(dataset.RescaleSlope) == mapping.RealWorldValueSlope
    assert float(dataset.RescaleIntercept) == mapping.RealWorldValueIntercept == 0


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    first = write(tmp_path / "a.dcm", spect(), injection=INJECTION).read_bytes()
    assert write(tmp_path / "b.dcm", spect(), injection=INJECTION).read_bytes() == first


def test_uids_tell_studies_and_images_apart(tmp_path):
    other = DicomStudy("another seed", STUDY.started)
    a, b, c = (
        dcmread(path, stop_before_pixels=True)
        for path in (
            write(tmp_path / "a", spect()),
            write(tmp_path / "b", spect(scale=6e3)),
            write(tmp_path / "c", spect(), study=other),
        )
    )
    assert a.StudyInstanceUID == b.StudyInstanceUID != c.StudyInstanceUID
    assert a.FrameOfReferenceUID == b.FrameOfReferenceUID != c.FrameOfReferenceUID
    assert len({d.SeriesInstanceUID for d in (a, b, c)}) == 3
    assert len({d.SOPInstanceUID for d in (a, b, c)}) == 3
    assert all(d.SOPInstanceUID.is_valid for d in (a, b, c))


def test_it_is_found_as_a_series(tmp_path):
    write(tmp_path / "a.dcm", spect(), description="Bone SPECT")
    (info,) = find_series(tmp_path)
    assert (info.kind, info.shape, info.description) == ("NM", (9, 7, 6), "Bone SPECT")
    assert info.readable


def turned(degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s, 0, 0], [s, c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]) @ UPRIGHT


@pytest.mark.parametrize("affine", [turned(0.1), turned(30), turned(45), UPRIGHT + np.eye(4, k=2)])
def test_oblique_and_sheared_volumes_are_refused(tmp_path, affine):
    with pytest.raises(InputError, match="along the patient's axes") as error:
        write(tmp_path / "a.dcm", spect(affine=affine))
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_the_rounding_of_float32_does_not_make_a_volume_oblique(tmp_path):
    back = read_nm(write(tmp_path / "a.dcm", spect(affine=UPRIGHT + 1e-6 * turned(30))))
    np.testing.assert_allclose(np.diag(back.affine), [-4.5, -4, 5.3, 1], atol=1e-4)


@pytest.mark.parametrize(
    ("volume", "why"),
    [
        (Volume(np.zeros((3, 3, 3)), UPRIGHT, "CT", "HU"), "found HU"),
        (Volume(np.full((3, 3, 3), np.nan), UPRIGHT, "NM", "counts"), "NaN"),
        (Volume(np.zeros((3, 3, 1)), UPRIGHT, "NM", "counts"), "two axial slices"),
        (Volume(np.zeros((0, 3, 2)), UPRIGHT, "NM", "counts"), "two axial slices"),
    ],
)
def test_what_is_no_spect_is_refused(tmp_path, volume, why):
    with pytest.raises(InputError, match=why):
        write(tmp_path / "a.dcm", volume)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: DicomPatient("A\\B", "1"), "name"),
        (lambda: DicomPatient("A", "1" * 65), "patient_id"),
        (lambda: DicomPatient("A", "1", "x"), "sex"),
        (lambda: DicomPatient("A", "1", age_years=-1), "age"),
        (lambda: DicomPatient("A", "1", weight_kg=0), "weight_kg"),
        (lambda: DicomStudy("", STUDY.started), "seed"),
        (lambda: DicomStudy("s", STUDY.started, body_part="whole body"), "body_part"),
        (lambda: SpectAcquisition(STUDY.started, 0, 15), "views"),
        (lambda: SpectAcquisition(STUDY.started, 60, 15, window_kev=(150, 130)), "window"),
        (lambda: SpectAcquisition(STUDY.started, 60, 15, counts=-1), "counts"),
        (lambda: SpectAcquisition(STUDY.started, 60, 15, corrections=["attn"]), "corrections"),
        (lambda: Injection(0, STUDY.started), "activity_mbq"),
    ],
)
def test_what_does_not_fit_is_refused(make, why):
    with pytest.raises(InputError, match=why) as error:
        make()
    assert "\n" not in str(error.value)


def test_names_beyond_ascii(tmp_path):
    patient = DicomPatient("Müller^Šárka", "Ω-1")
    dataset = dcmread(write(tmp_path / "a.dcm", spect(), patient=patient))
    assert (dataset.PatientName, dataset.PatientID) == ("Müller^Šárka", "Ω-1")


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        write(tmp_path / "none" / "a.dcm", spect())


def test_a_failure_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "a.dcm"
    path.write_text("before")

    def full(self, *args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(InputError, match="No space left"):
        write(path, spect())
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


GRIDS = [((9, 7, 6), (1, 1, 1)), ((4, 7, 3), (-1, -1, -1)), ((5, 5, 5), (-1, -1, 1))]


@pytest.mark.parametrize(("shape", "signs"), GRIDS)
def test_simpleitk_puts_it_in_the_same_place(tmp_path, shape, signs):
    sitk = pytest.importorskip("SimpleITK", reason="needs SimpleITK, a test-only oracle")
    volume = spect(shape, flipped(UPRIGHT, signs, shape))
    image = sitk.ReadImage(str(write(tmp_path / "a.dcm", volume)))
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    array = sitk.GetArrayFromImage(image).T
    back = Volume(array, np.diag([-1, -1, 1, 1]) @ affine)  # ITK works in LPS
    error = at_the_same_places(volume, back) - volume.array
    assert np.abs(error).max() < volume.array.max() / 100_000


@pytest.mark.parametrize(("shape", "signs"), GRIDS)
def test_dcm2niix_puts_it_in_the_same_place(tmp_path, shape, signs):
    import nibabel as nib

    volume = spect(shape, flipped(UPRIGHT, signs, shape))
    source = tmp_path / "in"
    source.mkdir()
    write(source / "a.dcm", volume)
    subprocess.run(
        [dcm2niix(), "-z", "n", "-f", "out", "-o", str(tmp_path), str(source)],
        check=True,
        capture_output=True,
    )
    image = nib.load(tmp_path / "out.nii")
    back = Volume(image.get_fdata(), image.affine)
    error = at_the_same_places(volume, back) - volume.array
    assert np.abs(error).max() < volume.array.max() / 100_000


def dcm2niix():
    """Path of the program, on the path or in its Python package; skips where it is absent."""
    found = shutil.which("dcm2niix")
    if found is None:
        package = pytest.importorskip("dcm2niix", reason="needs dcm2niix, a test-only oracle")
        found = str(package.bin)
    return found
