"""`fuzzyseg segment --formats`: which files there are, and that they tell the same."""

import csv
import json
import shutil
from datetime import datetime

import nibabel as nib
import numpy as np
import pydicom
import pytest
from toy_study import make_study

from fuzzyseg.cli.main import main
from fuzzyseg.io import (
    RESULT_FORMATS,
    DicomPatient,
    DicomStudy,
    SpectAcquisition,
    write_ct_series,
    write_nm,
)

OF_CT = {"preview.png", "lesions.csv", "summary.json", "report.html", "run.json"}
ALWAYS = OF_CT | {"measured_spect.nii.gz"}
CT_DICOM = {"segmentation.dcm"}
DICOM = CT_DICOM | {"report.dcm", "lesions.dcm"}
NIFTI = {"labels.nii.gz", "memberships.nii.gz"}


@pytest.fixture(scope="session")
def dicom(tmp_path_factory):
    """Folder with spect.dcm, ct/ and ct.zip of the toy study."""
    folder = tmp_path_factory.mktemp("dicom")
    toy, started = make_study(), datetime(2026, 1, 1, 12)
    who, study = DicomPatient("TOYSTUDY", "T-1", sex="O"), DicomStudy("toy", started)
    taken = SpectAcquisition(started, views=60, view_seconds=10.0)
    write_nm(folder / "spect.dcm", toy.spect, patient=who, study=study, acquisition=taken)
    write_ct_series(folder / "ct", toy.ct, patient=who, study=study)
    shutil.make_archive(str(folder / "ct"), "zip", folder / "ct")
    return folder


def run(source, out, *options):
    return main(["segment", str(source), "-o", str(out), "--method", "kmeans", "--quiet", *options])


def names(folder):
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("source", ["spect.dcm", "ct", "ct.zip"])
def test_a_dicom_input_gives_a_segmentation_that_tells_what_nifti_tells(
    source, dicom, tmp_path, capfd
):
    assert run(dicom / source, tmp_path) == 0
    # Not the name either, whose one part some would warn about.
    assert "TOY" not in "".join(capfd.readouterr())
    expected = ALWAYS | DICOM if source == "spect.dcm" else OF_CT | CT_DICOM
    assert names(tmp_path) == NIFTI | expected
    dataset = pydicom.dcmread(tmp_path / "segmentation.dcm")
    labels = np.asarray(nib.load(tmp_path / "labels.nii.gz").dataobj)
    counts = {segment.SegmentNumber: 0 for segment in dataset.SegmentSequence}
    shared = dataset.SharedFunctionalGroupsSequence[0]
    for frame, groups in zip(
        dataset.pixel_array, dataset.PerFrameFunctionalGroupsSequence, strict=True
    ):
        holder = groups if "SegmentIdentificationSequence" in groups else shared
        number = holder.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        counts[number] += int(frame.sum())
    assert counts == {number: int((labels == number).sum()) for number in counts}
    assert min(counts.values()) > 0
    assert str(dataset.PatientName) == "TOYSTUDY"


def test_the_report_tells_what_the_table_tells(dicom, tmp_path):
    assert run(dicom / "spect.dcm", tmp_path) == 0
    rows = list(csv.DictReader((tmp_path / "lesions.csv").read_text().splitlines()))
    report = pydicom.dcmread(tmp_path / "report.dcm")
    (measured,) = (
        item
        for item in report.ContentSequence
        if item.ConceptNameCodeSequence[0].CodeMeaning == "Imaging Measurements"
    )
    volumes = [
        float(item.MeasuredValueSequence[0].NumericValue)
        for group in measured.ContentSequence
        for item in group.ContentSequence
        if item.ConceptNameCodeSequence[0].CodeMeaning == "Volume"
    ]
    assert volumes == pytest.approx([float(row["volume_ml"]) for row in rows], rel=1e-5)
    segments = pydicom.dcmread(tmp_path / "lesions.dcm").SegmentSequence
    assert len(segments) == len(rows) > 2
    # The toy is no body: nobody knows where its lesions are, but that they are in bone.
    assert {row["site"] for row in rows} == {""}


def test_without_a_lesion_there_is_no_report_and_it_says_so(dicom, tmp_path):
    assert run(dicom / "spect.dcm", tmp_path, "--min-ml", "10000") == 0
    assert names(tmp_path) == ALWAYS | NIFTI | CT_DICOM
    warnings = json.loads((tmp_path / "run.json").read_text())["warnings"]
    assert "report.dcm and lesions.dcm were not written: no lesion was found." in warnings


def test_nifti_gives_nifti(toy_folder, tmp_path):
    assert run(toy_folder / "spect.nii.gz", tmp_path) == 0
    assert names(tmp_path) == ALWAYS | NIFTI


def test_every_format_at_once(dicom, tmp_path):
    assert run(dicom / "spect.dcm", tmp_path, "--formats", *RESULT_FORMATS) == 0
    written = {name for entry in RESULT_FORMATS.values() for name in entry.files}
    assert names(tmp_path) == ALWAYS | written


def test_only_what_was_asked_for_and_nothing_of_the_run_before(dicom, tmp_path):
    assert run(dicom / "spect.dcm", tmp_path, "--rtstruct") == 0
    assert names(tmp_path) == ALWAYS | NIFTI | DICOM | {"rtstruct.dcm"}
    again = ("--force", "--formats", "seg-nrrd", "dicom-fractional")
    assert run(dicom / "spect.dcm", tmp_path, *again) == 0
    assert names(tmp_path) == ALWAYS | {"labels.seg.nrrd", "memberships.dcm"}
    described = json.loads((tmp_path / "run.json").read_text())
    assert described["command"]["formats"] == ["seg-nrrd", "dicom-fractional"]


class TestBadInput:
    @pytest.fixture
    def refused(self, tmp_path, capsys):
        def check(source, *options):
            assert run(source, tmp_path / "out", *options) == 2
            err = capsys.readouterr().err
            assert err.count("\n") == 1, err
            assert err.startswith("fuzzyseg: error: expected ")
            assert not (tmp_path / "out").exists()
            return err

        return check

    @pytest.mark.parametrize("options", [("--formats", "dicom-seg"), ("--rtstruct",)])
    def test_dicom_results_of_a_nifti(self, options, toy_folder, refused):
        assert "--formats" in refused(toy_folder / "spect.nii.gz", *options)

    def test_a_format_that_nobody_knows(self, dicom, refused):
        assert "seg-nrrd" in refused(dicom / "spect.dcm", "--formats", "nifti", "tiff")

    def test_a_source_without_its_study(self, dicom, tmp_path, refused):
        dataset = pydicom.dcmread(dicom / "spect.dcm")
        del dataset.StudyInstanceUID
        dataset.save_as(tmp_path / "a.dcm")
        assert "StudyInstanceUID" in refused(tmp_path / "a.dcm", "--formats", "dicom-seg")
        assert run(tmp_path / "a.dcm", tmp_path / "out") == 0  # of itself, without the SEG
        assert names(tmp_path / "out") == ALWAYS | NIFTI
        warnings = json.loads((tmp_path / "out" / "run.json").read_text())["warnings"]
        assert any("segmentation.dcm" in text and "StudyInstanceUID" in text for text in warnings)
        assert str(tmp_path) not in str(warnings)

    def test_a_folder_that_cannot_be(self, dicom, tmp_path):
        (tmp_path / "file").write_text("in the way")
        assert run(dicom / "spect.dcm", tmp_path / "file" / "out") == 2
