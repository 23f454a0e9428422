from dataclasses import asdict
from pathlib import Path

import pytest
from pydicom import Dataset

from fuzzyseg.io import read_volume
from fuzzyseg.io.dicom.administered import administration
from fuzzyseg.io.dicom.file import quiet

WHERE = Path("scan")


def header(modality="PT", *, dose=None, start=None, whole_start=None, **elements):
    made, compound = Dataset(), Dataset()
    made.Modality = modality
    made.PatientWeight, made.PatientSize, made.PatientSex = 80, 1.75, "F"
    made.AcquisitionDate, made.AcquisitionTime = "20240131", "130000"
    made.SeriesDate, made.SeriesTime = "20240131", "125500"
    for name, value in elements.items():
        setattr(made, name, value)
    if dose is not None:
        compound.RadionuclideTotalDose = dose
    if start is not None:
        compound.RadiopharmaceuticalStartTime = start
    if whole_start is not None:
        compound.RadiopharmaceuticalStartDateTime = whole_start
    made.RadiopharmaceuticalInformationSequence = [compound]
    return made


def test_what_a_whole_header_says():
    found = administration([header(dose=7.4e8, whole_start="20240131100000.00")], WHERE)
    assert asdict(found) == {
        "weight_kg": 80,
        "height_m": 1.75,
        "sex": "female",
        "injected_mbq": 740,
        "acquisition_after_s": 3 * 3600,
        "series_after_s": 3 * 3600 - 300,
        "decay": None,
        "notes": (),
    }


def test_an_empty_header_says_nothing():
    assert set(asdict(administration([Dataset()], WHERE)).values()) == {None, ()}


@pytest.mark.parametrize(
    ("modality", "dose", "mbq", "noted"),
    [
        ("NM", 740, 740, False),
        ("NM", 7.4e8, 740, True),
        ("PT", 3.7e8, 370, False),
        ("PT", 370, 370, True),
        ("PT", 0, 0, False),
    ],
)
def test_the_dose_is_in_mbq_in_nm_and_in_bq_in_pt(modality, dose, mbq, noted):
    found = administration([header(modality, dose=dose)], WHERE)
    assert (found.injected_mbq, bool(found.notes)) == (mbq, noted)


def test_slices_of_several_beds_count_from_the_first():
    headers = [header(start="100000", AcquisitionTime=t) for t in ("133000", "130000", "131500")]
    assert administration(headers, WHERE).acquisition_after_s == 3 * 3600


def test_an_injection_before_midnight():
    found = administration([header(start="230000", AcquisitionTime="013000.5")], WHERE)
    assert found.acquisition_after_s == 2.5 * 3600 + 0.5
    assert "day before" in found.notes[0]


@pytest.mark.parametrize(
    ("said", "series", "decay"),
    [
        ("START", "125500", "series"),
        ("START", "150000", "acquisition"),  # written when the image was reconstructed again
        ("ADMIN", "125500", "administration"),
        ("NONE", "125500", "acquisition"),
        ("", "125500", None),
    ],
)
def test_to_which_moment_decay_is_corrected(said, series, decay):
    found = administration([header(start="100000", DecayCorrection=said, SeriesTime=series)], WHERE)
    assert found.decay == decay


@pytest.mark.parametrize("broken", ["", "noon", "20240131", "20249931250000", "2024013110000x"])
def test_times_that_are_none_count_as_absent(broken):
    with quiet():
        found = administration([header(whole_start=broken, AcquisitionDateTime=broken)], WHERE)
    assert found.acquisition_after_s is None


def test_readers_hand_it_on(tmp_path, make_nm, make_series, ct_pixels):
    def edit(*arguments):
        filled = header(arguments[-1].Modality, dose=740, whole_start="20240131110000")
        del filled.Modality
        arguments[-1].update(filled)

    make_nm(tmp_path / "nm.dcm", ct_pixels.astype("uint16"), edit=edit)
    make_series(tmp_path / "pt", ct_pixels, modality="PT", edit=edit)
    for path in (tmp_path / "nm.dcm", tmp_path / "pt"):
        volume = read_volume(path)
        assert volume.administration.injected_mbq == 740
        assert volume.administration.acquisition_after_s == 2 * 3600
        assert volume.file_frame == "LPS"
