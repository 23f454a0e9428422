"""DICOM SEG, read by pydicom and dcmqi, and judged by dciodvfy."""

import json
from dataclasses import replace

import numpy as np
import pydicom
import pytest
import SimpleITK
from pydicom import DataElement

from fuzzyseg.errors import InputError, SourceError
from fuzzyseg.io import read_volume
from fuzzyseg.io.dicom.file import quiet
from fuzzyseg.io.results.dicom_seg import write_dicom_seg

from .conftest import dciodvfy_errors, labels_of, places_lps, run_tool, same_places, segmented


def frames_of(path):
    """Each frame as (segment, places of its voxels in mm, values, source), by pydicom alone."""
    dataset = pydicom.dcmread(path)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    row_mm, column_mm = shared.PixelMeasuresSequence[0].PixelSpacing
    cosines = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float)
    pixels = dataset.pixel_array.reshape(-1, dataset.Rows, dataset.Columns)
    for frame, groups in zip(pixels, dataset.PerFrameFunctionalGroupsSequence, strict=True):
        position = np.array(groups.PlanePositionSequence[0].ImagePositionPatient, float)
        found = np.argwhere(frame)
        # PS3.3 equation C.7.6.2.1-1
        places = (
            position + found[:, 1:] * column_mm * cosines[:3] + found[:, :1] * row_mm * cosines[3:]
        )
        number = 0
        for holder in (groups, shared):
            if "SegmentIdentificationSequence" in holder:
                number = holder.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        source = groups.DerivationImageSequence[0].SourceImageSequence[0]
        yield number, places, frame[frame > 0], source


def test_voxels_lie_where_those_of_the_source_do(segmentation, tmp_path):
    write_dicom_seg(tmp_path / "a.dcm", segmentation)
    frames = list(frames_of(tmp_path / "a.dcm"))
    for number in range(1, len(segmentation.class_names)):
        found = np.concatenate([places for n, places, _, _ in frames if n == number])
        expected = places_lps(segmentation.volume, segmentation.labels == number)
        assert same_places(found, expected)


def test_each_frame_refers_to_the_image_at_its_place(segmentation, tmp_path):
    write_dicom_seg(tmp_path / "a.dcm", segmentation)
    volume = segmentation.volume
    to_index = np.linalg.inv(np.diag([-1.0, -1.0, 1.0, 1.0]) @ volume.affine)
    for _, places, _, source in frames_of(tmp_path / "a.dcm"):
        k = round((to_index[:3, :3] @ places[0] + to_index[:3, 3])[2])
        if volume.modality == "NM":
            assert source.ReferencedSOPInstanceUID == volume.headers[0].SOPInstanceUID
            assert volume.headers[0].SliceVector[source.ReferencedFrameNumber - 1] == k + 1
        else:
            place = {h.SOPInstanceUID: h.ImagePositionPatient for h in volume.headers}
            there = np.array(place[source.ReferencedSOPInstanceUID], float)
            assert abs((to_index[:3, :3] @ there + to_index[:3, 3])[2] - k) < 0.01


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_dcmqi_and_simpleitk_find_the_labels_at_their_places(kind, segmentation, tmp_path):
    write_dicom_seg(tmp_path / "a.dcm", segmentation, kind)
    arguments = ("--inputDICOM", tmp_path / "a.dcm", "--outputDirectory", tmp_path)
    done = run_tool("segimage2itkimage", *arguments, "--prefix", "q", "-t", "nrrd")
    assert done.returncode == 0, done.stderr
    described = json.loads((tmp_path / "q-meta.json").read_text())["segmentAttributes"]
    assert len(described) == (1 if kind == "LABELMAP" else len(segmentation.class_names) - 1)
    for i, group in enumerate(described, start=1):
        image = SimpleITK.ReadImage(str(tmp_path / f"q-{i}.nrrd"))
        array = SimpleITK.GetArrayFromImage(image).T  # x, y, z
        for item in group:
            number = segmentation.class_names.index(item["SegmentLabel"])
            found = [
                image.TransformIndexToPhysicalPoint(tuple(map(int, index)))
                for index in np.argwhere(array == item["labelID"])
            ]
            expected = places_lps(segmentation.volume, segmentation.labels == number)
            assert same_places(np.array(found), expected)
            assert item["SegmentedPropertyTypeCodeSequence"]["CodingSchemeDesignator"] == "SCT"


def test_fractional_holds_the_memberships(make_source, tmp_path):
    volume = make_source("nm-headfirst")
    segmentation = segmented(volume, labels_of(3))
    write_dicom_seg(tmp_path / "a.dcm", segmentation, "FRACTIONAL")
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    assert dataset.SegmentationFractionalType == "PROBABILITY"
    assert dataset.MaximumFractionalValue == 250
    to_index = np.linalg.inv(np.diag([-1.0, -1.0, 1.0, 1.0]) @ volume.affine)
    found = np.zeros(segmentation.memberships.shape)
    for number, places, values, _ in frames_of(tmp_path / "a.dcm"):
        at = np.rint(places @ to_index[:3, :3].T + to_index[:3, 3]).astype(int)
        found[number, *at.T] = values / 250
    np.testing.assert_allclose(found[1:], segmentation.memberships[1:], atol=1 / 250 + 1e-6)


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL"])  # of 2022, it knows no LABELMAP
def test_dciodvfy_finds_no_error(kind, segmentation, tmp_path):
    write_dicom_seg(tmp_path / "a.dcm", segmentation, kind)
    assert dciodvfy_errors(tmp_path / "a.dcm") == []


@pytest.mark.parametrize("kind", ["LABELMAP", "FRACTIONAL"])
def test_bytes_are_compressed_without_loss(kind, make_source, tmp_path):
    # What is in them, the tests above read back; a plain reader of RLE is built into pydicom.
    write_dicom_seg(tmp_path / "a.dcm", segmented(make_source("nm"), labels_of(3)), kind)
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    assert dataset.file_meta.TransferSyntaxUID == pydicom.uid.RLELossless
    assert dataset.get("LossyImageCompression", "00") == "00"


def test_says_whose_it_is_what_it_shows_and_who_made_it(make_source, tmp_path):
    volume = make_source("nm")
    write_dicom_seg(tmp_path / "a.dcm", segmented(volume, labels_of(3)))
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    source = volume.headers[0]
    for keyword in (
        "PatientName",
        "PatientID",
        "PatientBirthDate",
        "StudyInstanceUID",
        "StudyDate",
    ):
        assert dataset[keyword].value == source[keyword].value
    assert str(dataset.PatientName) == "Müller^Eva"
    assert dataset.SeriesInstanceUID != source.SeriesInstanceUID
    bone, lesion = dataset.SegmentSequence
    assert bone.SegmentedPropertyTypeCodeSequence[0].CodeValue == "272673000"  # SNOMED CT, Bone
    assert lesion.SegmentedPropertyTypeCodeSequence[0].CodeValue == "52988006"  # Lesion
    assert lesion.AnatomicRegionSequence[0].CodeValue == "272673000"
    assert (bone.SegmentAlgorithmType, dataset.SoftwareVersions) == ("AUTOMATIC", "1.2.3")


def test_no_lesion_at_all(make_source, tmp_path):
    volume = make_source("nm")
    write_dicom_seg(tmp_path / "a.dcm", segmented(volume, np.zeros(volume.shape, np.uint8)))
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    assert len(dataset.SegmentSequence) == 2
    assert not dataset.pixel_array.any()


def test_a_damaged_slice_at_an_end_is_left_out(make_source, tmp_path):
    volume = make_source("ct")
    last = max(
        (tmp_path / "study").iterdir(), key=lambda p: pydicom.dcmread(p).ImagePositionPatient[2]
    )
    last.write_bytes(last.read_bytes()[:-200])
    volume = read_volume(tmp_path / "study", headers=True)
    assert volume.shape[2] == 4
    write_dicom_seg(tmp_path / "a.dcm", segmented(volume, labels_of(2)[..., :4]))
    assert len(pydicom.dcmread(tmp_path / "a.dcm").SourceImageSequence) == 4


def test_a_camera_s_own_file(shared, tmp_path):
    volume = read_volume(shared("nm/recon_tomo_heart_13frames.dcm"), headers=True)
    hot = (volume.array > 0.5 * volume.array.max()).astype(np.uint8)
    write_dicom_seg(tmp_path / "a.dcm", segmented(volume, hot))
    found = np.concatenate([places for _, places, _, _ in frames_of(tmp_path / "a.dcm")])
    assert same_places(found, places_lps(volume, hot == 1))
    assert dciodvfy_errors(tmp_path / "a.dcm") == []


class TestBadInput:
    @pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SOPInstanceUID", "SeriesInstanceUID"])
    @pytest.mark.parametrize("found", ["", "no uid"])
    def test_without_a_uid_it_says_which(self, keyword, found, make_source, tmp_path):
        volume = make_source("nm")
        with quiet():
            setattr(volume.headers[0], keyword, found)
        with pytest.raises(SourceError, match=keyword) as caught:
            write_dicom_seg(tmp_path / "a.dcm", segmented(volume, labels_of(3)))
        assert "\n" not in str(caught.value)
        assert str(tmp_path) not in str(caught.value)
        assert not (tmp_path / "a.dcm").exists()

    @pytest.mark.parametrize("kind", ["ct", "nm"])
    def test_without_anything_that_may_be_empty_it_is_written(self, kind, make_source, tmp_path):
        @quiet()
        def spoil(dataset):
            for keyword in ("PatientName", "PatientID", "AccessionNumber", "SliceThickness"):
                dataset.pop(keyword, None)
            dataset.PatientSex, dataset.StudyDate, dataset.StudyTime = "W", "1993.1", "noon"
            dataset.pop("FrameOfReferenceUID", None)

        volume = make_source(kind, spoil)
        write_dicom_seg(tmp_path / "a.dcm", segmented(volume, labels_of(2)))
        dataset = pydicom.dcmread(tmp_path / "a.dcm")
        assert (dataset.PatientID, dataset.PatientSex, dataset.StudyDate) == ("", "", "")
        assert dataset.FrameOfReferenceUID.is_valid
        assert dciodvfy_errors(tmp_path / "a.dcm") == []

    def test_elements_that_no_library_can_write(self, make_source, tmp_path):
        volume = make_source("nm")
        with quiet():
            volume.headers[0].add(DataElement("PatientSize", "US", "tall"))
        with pytest.raises(SourceError, match="allow a DICOM SEG"):
            write_dicom_seg(tmp_path / "a.dcm", segmented(volume, labels_of(3)))
        assert not list(tmp_path.glob("*.dcm"))

    def test_a_volume_without_headers(self, make_source, tmp_path):
        make_source("nm")
        volume = read_volume(tmp_path / "study")
        with pytest.raises(SourceError, match="headers"):
            write_dicom_seg(tmp_path / "a.dcm", segmented(volume, labels_of(3)))

    @pytest.mark.parametrize("kind", ["ct", "nm"])
    def test_headers_of_another_volume(self, kind, make_source, tmp_path):
        volume = make_source(kind)
        cut = replace(volume, array=volume.array[:, :5])
        with pytest.raises(SourceError, match="headers of the volume"):
            write_dicom_seg(tmp_path / "a.dcm", segmented(cut, np.zeros(cut.shape, np.uint8)))

    def test_headers_of_slices_elsewhere(self, make_source, tmp_path):
        volume = make_source("ct")
        moved = volume.affine + np.outer([20, 0, 0, 0], [0, 0, 0, 1])
        segmentation = segmented(replace(volume, affine=moved), labels_of(2))
        with pytest.raises(SourceError, match="headers of the volume"):
            write_dicom_seg(tmp_path / "a.dcm", segmentation)

    def test_a_folder_that_is_not_there(self, make_source, tmp_path):
        with pytest.raises(InputError, match="cannot be written"):
            write_dicom_seg(tmp_path / "no" / "a.dcm", segmented(make_source("nm"), labels_of(3)))
