import json

import nibabel as nib
import numpy as np
import pytest

from fuzzyseg.administration import Administration
from fuzzyseg.io import read_nifti
from fuzzyseg.io.sidecar import Sidecar, read_sidecar
from fuzzyseg.quantification.suv import suv_scale

# Of BIDS: times in seconds from a common zero.
BIDS = {
    "Modality": "NM",
    "Units": "kBq/mL",
    "TracerRadionuclide": "Tc99m",
    "InjectedRadioactivity": 0.74,
    "InjectedRadioactivityUnits": "GBq",
    "InjectionStart": -60,
    "ScanStart": 10740,
    "ImageDecayCorrected": True,
    "ImageDecayCorrectionTime": 10740,
    "PatientWeight": 74,
    "PatientSize": 1.78,
    "PatientSex": "F",
}
# Of dcm2niix: names and units of DICOM.
DCM2NIIX = {
    "Modality": "PT",
    "Units": "BQML",
    "Radiopharmaceutical": "FDG",
    "RadionuclideTotalDose": 3.7e08,
    "RadionuclideHalfLife": 6586.2,
    "DecayCorrection": "ADMIN",
}


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "a.nii.gz"
    nib.save(nib.Nifti1Image(np.full((3, 4, 5), 2.0, np.float32), np.diag([4, 4, 4, 1])), path)
    return path


def beside(image, said):
    (image.parent / "a.json").write_text(said if isinstance(said, str) else json.dumps(said))
    return image


def test_bids(image):
    volume = read_nifti(beside(image, BIDS), None)
    assert (volume.modality, volume.unit, volume.nuclide) == ("NM", "Bq/mL", "Tc-99m")
    np.testing.assert_array_equal(volume.array, 2000.0)
    assert volume.warnings == ()
    expected = Administration(74.0, 1.78, "female", 740.0, 10800.0, 10800.0, "acquisition")
    assert volume.administration == expected


def test_suv_follows(image):
    volume = read_nifti(beside(image, BIDS), None)
    scale = suv_scale(volume.administration, 6.01 * 3600)
    # Bq/mL over MBq of 3 h later per g.
    left = 740e6 * 2 ** (-3 / 6.01)
    assert scale.per_bq_ml == pytest.approx(74e3 / left)


def test_dcm2niix(image):
    volume = read_nifti(beside(image, DCM2NIIX), None)
    assert (volume.modality, volume.unit, volume.nuclide) == ("PT", "Bq/mL", "F-18")
    assert volume.half_life_s == 6586.2
    assert volume.administration == Administration(injected_mbq=370.0, decay="administration")


def test_a_dose_in_mbq_stays(image):
    found = read_sidecar(beside(image, {"Modality": "NM", "RadionuclideTotalDose": 740}))
    assert found.administration.injected_mbq == 740


@pytest.mark.parametrize(
    ("moment", "decay"), [(-60, "administration"), (10740, "acquisition"), (400, None)]
)
def test_moment_of_decay_correction(image, moment, decay):
    found = read_sidecar(beside(image, BIDS | {"ImageDecayCorrectionTime": moment}))
    assert found.administration.decay == decay


def test_decay_that_is_not_corrected(image):
    found = read_sidecar(beside(image, BIDS | {"ImageDecayCorrected": False}))
    assert found.administration.decay is None


@pytest.mark.parametrize(
    ("said", "modality", "unit"),
    [
        ({"Units": "Bq/mL"}, "other", "Bq/mL"),
        ({"Units": "g/ml"}, "other", "SUV"),
        ({"Units": "HU"}, "CT", "HU"),
        ({"Modality": "CT"}, "CT", None),
        ({"Modality": "MR", "EchoTime": 0.03}, None, None),
    ],
)
def test_what_an_image_is(image, said, modality, unit):
    found = read_sidecar(beside(image, said))
    assert (found.modality, found.unit) == (modality, unit)


def test_who_asks_knows_better(image):
    beside(image, BIDS)
    as_ct = read_nifti(image, "CT")
    assert (as_ct.unit, as_ct.nuclide, as_ct.array.max()) == ("HU", "", 2.0)
    counts = read_nifti(image, "NM", "counts")
    assert (counts.unit, counts.array.max(), counts.nuclide) == ("counts", 2.0, "Tc-99m")
    assert read_nifti(image, "PT").modality == "PT"  # SPECT that is to be taken as PT


def test_an_unknown_unit_is_told(image):
    found = read_sidecar(beside(image, {"Modality": "PT", "Units": "1/cm"}))
    assert found.unit is None
    assert found.warnings == ("The unit of the image (1/cm) is treated as arbitrary.",)


@pytest.mark.parametrize("damaged", ['{"Units": "Bq/mL"', "[" * 100_000, '{"a": "\udc80"}'])
def test_a_damaged_file_is_told_and_ignored(image, damaged):
    (image.parent / "a.json").write_bytes(damaged.encode("utf-8", "surrogateescape"))
    volume = read_nifti(image)
    assert volume.unit == "arbitrary"
    assert volume.warnings == ("The JSON file beside the image cannot be read: it is ignored.",)


@pytest.mark.parametrize(
    "said",
    [
        [1, 2],
        {"Units": 3, "PatientWeight": "74", "RadionuclideHalfLife": -1, "PatientSex": None},
        {"PatientWeight": True, "PatientSize": [1.8], "InjectedRadioactivity": 5},
    ],
)
def test_what_is_not_of_its_kind_counts_as_absent(image, said):
    assert read_sidecar(beside(image, said)) == Sidecar()


def test_no_file(image):
    assert read_sidecar(image) == Sidecar()
