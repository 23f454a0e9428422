import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from fuzzyseg.administration import Administration
from fuzzyseg.io import read_nifti
from fuzzyseg.io.dicom.facts import HALF_LIVES_S
from fuzzyseg.io.sidecar import Sidecar, read_sidecar, sidecar_path
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
BIDS_DOSE = {"InjectedRadioactivity": 740, "InjectedRadioactivityUnits": "MBq"}
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


def with_json(image, said):
    (image.parent / "a.json").write_text(said if isinstance(said, str) else json.dumps(said))
    return image


def suv_of(image, half_life_s=HALF_LIVES_S["Tc-99m"]):
    return suv_scale(read_nifti(image, None).administration, half_life_s).per_bq_ml


def test_bids(image):
    volume = read_nifti(with_json(image, BIDS), None)
    assert (volume.modality, volume.unit, volume.nuclide) == ("NM", "Bq/mL", "Tc-99m")
    np.testing.assert_array_equal(volume.array, 2000.0)
    assert volume.warnings == (
        "Values were multiplied by 1000, since the JSON file says their unit.",
    )
    (told,) = volume.administration.notes
    assert "JSON file" in told
    expected = Administration(74.0, 1.78, "female", 740.0, 10800.0, 10800.0, "acquisition")
    assert replace(volume.administration, notes=()) == expected


@pytest.mark.parametrize("given", [0, -60, 1000])
@pytest.mark.parametrize("moment", [-60, 0, 400, 10740, "10740"])
def test_suv_follows_whatever_moment_decay_is_corrected_to(image, given, moment):
    times = {"InjectionStart": given, "ScanStart": 10740, "ImageDecayCorrectionTime": moment}
    corrected = "true" if isinstance(moment, str) else True
    found = suv_of(with_json(image, BIDS | times | {"ImageDecayCorrected": corrected}))
    waited = float(moment) - given
    if waited < 0:
        assert found is None
    else:
        left = 740e6 * 2 ** (-waited / HALF_LIVES_S["Tc-99m"])
        assert found == pytest.approx(74e3 / left)


def test_dcm2niix(image):
    volume = read_nifti(with_json(image, DCM2NIIX), None)
    assert (volume.modality, volume.unit, volume.nuclide) == ("PT", "Bq/mL", "F-18")
    assert volume.half_life_s == 6586.2
    expected = Administration(injected_mbq=370.0, decay="administration")
    assert replace(volume.administration, notes=()) == expected


def test_a_dose_in_mbq_stays(image):
    found = read_sidecar(with_json(image, {"Modality": "NM", "RadionuclideTotalDose": 740}))
    assert found.administration.injected_mbq == 740


@pytest.mark.parametrize("unsure", [{"ImageDecayCorrected": False}, {"DecayCorrection": "NONE"}])
def test_decay_that_is_not_corrected(image, unsure):
    said = {k: v for k, v in BIDS.items() if not k.startswith("ImageDecay")} | unsure
    found = read_sidecar(with_json(image, said)).administration
    assert found.decay == "acquisition"
    assert "Decay is not corrected" in found.notes[-1]


def test_a_scan_at_the_moment_of_the_injection_is_a_time_that_nobody_knew(image):
    said = {**BIDS, "InjectionStart": 0, "ScanStart": 0, "ImageDecayCorrected": None}
    assert suv_of(with_json(image, said)) is None


@pytest.mark.parametrize(
    ("said", "nuclide", "half_life", "warned"),
    [
        ({"TracerRadionuclide": "F18", "RadionuclideHalfLife": 109.77}, "F-18", None, "6586 s are"),
        ({"TracerRadionuclide": "F18", "RadionuclideHalfLife": 6584}, "F-18", 6584, None),
        ({"RadionuclideHalfLife": "21624"}, "Tc-99m", 21624, None),
        ({"RadionuclideHalfLife": 6.0067}, "", None, "not known"),
        ({"TracerRadionuclide": "Y90"}, "", None, "not known"),
        ({"Radiopharmaceutical": "FDG"}, "", None, None),
    ],
)
def test_nuclides(image, said, nuclide, half_life, warned):
    found = read_sidecar(with_json(image, BIDS_DOSE | said))
    assert (found.nuclide, found.half_life_s) == (nuclide, half_life)
    assert [warned in text for text in found.warnings] == ([True] if warned else [])
    assert (found.administration.injected_mbq is None) == bool(warned and "not known" in warned)


@pytest.mark.parametrize(
    ("said", "modality", "unit"),
    [
        ({"Units": "Bq/mL"}, "other", "Bq/mL"),
        ({"Units": "g/ml"}, "other", "SUV"),
        ({"Units": "HU"}, "CT", "HU"),
        ({"Modality": "CT"}, "CT", None),
        ({"Modality": "MR", "EchoTime": 0.03}, None, None),
        ({"Modality": "CT", "Units": "BQML"}, "CT", None),
        ({"Modality": "PT", "Units": "HU"}, "PT", None),
        ({"Units": "n/a"}, None, None),
    ],
)
def test_what_an_image_is(image, said, modality, unit):
    found = read_sidecar(with_json(image, said))
    assert (found.modality, found.unit) == (modality, unit)


def test_who_asks_knows_better(image):
    with_json(image, BIDS)
    as_ct = read_nifti(image, "CT")
    assert (as_ct.unit, as_ct.nuclide, as_ct.array.max()) == ("HU", "", 2.0)
    labels = read_nifti(image, "other")
    assert (labels.unit, labels.array.max()) == ("arbitrary", 2.0)
    counts = read_nifti(image, "NM", "counts")
    assert (counts.unit, counts.array.max(), counts.nuclide) == ("counts", 2.0, "Tc-99m")
    assert read_nifti(image, "PT").modality == "PT"  # SPECT that is to be taken as PT


@pytest.mark.parametrize("unit", ["CM2ML", "cm2/ml", "g/ml{SUVlbm}"])
def test_an_suv_that_is_not_by_weight_is_told(image, unit):
    found = read_sidecar(with_json(image, {"Modality": "PT", "Units": unit}))
    assert found.unit == "SUV"
    assert "not normalised by body weight" in found.warnings[0]


@pytest.mark.parametrize(("name", "json_name"), [("S.NII.GZ", "S.json"), ("a.b.nii", "a.b.json")])
def test_the_name_of_the_file(tmp_path, name, json_name):
    assert sidecar_path(tmp_path / name) == tmp_path / json_name


def test_an_unknown_unit_is_told(image):
    found = read_sidecar(with_json(image, {"Modality": "PT", "Units": "1/cm"}))
    assert found.unit is None
    assert found.warnings == ("The unit of the image (1/cm) is treated as arbitrary.",)


@pytest.mark.parametrize(
    "damaged", ['{"Units": "Bq/mL"', "[" * 100_000, " " * (1 << 21), '{"a": "\udc80"}']
)
def test_a_damaged_file_is_told_and_ignored(image, damaged):
    (image.parent / "a.json").write_bytes(damaged.encode("utf-8", "surrogateescape"))
    volume = read_nifti(image, "NM")
    assert volume.unit == "arbitrary"
    assert volume.warnings == ("The JSON file beside the image cannot be read: it is ignored.",)


@pytest.mark.parametrize(
    "said",
    [
        [1, 2],
        {"Units": 3, "PatientWeight": "heavy", "PatientSex": None},
        {"PatientWeight": True, "PatientSize": [1.8], "InjectedRadioactivity": 5},
        {"PatientWeight": 10**400, "PatientSize": float("nan"), "ScanStart": 5},
    ],
)
def test_what_is_not_of_its_kind_counts_as_absent(image, said):
    assert read_sidecar(with_json(image, said)) == Sidecar()


def test_no_file(image):
    assert read_sidecar(image) == Sidecar()
