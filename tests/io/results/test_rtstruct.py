"""RT Structure Sets, read by pydicom, drawn by matplotlib, and judged by dciodvfy."""

import numpy as np
import pydicom
import pytest
from matplotlib.path import Path

from fuzzyseg.errors import SourceError
from fuzzyseg.io.results.rtstruct import write_rtstruct

from .conftest import dciodvfy_errors, labels_of, segmented


def contours(dataset, number):
    """Each contour of a structure as (places in mm (n, 3), the image it refers to)."""
    item = next(i for i in dataset.ROIContourSequence if i.ReferencedROINumber == number)
    for contour in item.get("ContourSequence", []):
        places = np.array(contour.ContourData, float).reshape(-1, 3)
        assert len(places) == contour.NumberOfContourPoints
        yield places, contour.ContourImageSequence[0]


def test_outlines_drawn_in_the_volume_give_back_the_labels(segmentation, tmp_path):
    write_rtstruct(tmp_path / "a.dcm", segmentation)
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    volume = segmentation.volume
    to_index = np.linalg.inv(np.diag([-1.0, -1.0, 1.0, 1.0]) @ volume.affine)
    columns, rows, _ = volume.shape
    centres = np.stack(np.meshgrid(range(columns), range(rows), indexing="ij"), -1).reshape(-1, 2)
    for number in range(1, len(segmentation.class_names)):
        drawn, area = np.zeros(volume.shape, int), 0.0
        for places, image in contours(dataset, number):
            at = places @ to_index[:3, :3].T + to_index[:3, 3]
            k = round(at[0, 2])
            assert np.abs(at[:, 2] - k).max() < 0.01  # planar
            np.testing.assert_allclose(at[:, :2] % 1, 0.5, atol=0.01)  # on the sides of voxels
            closed = Path(np.vstack([at[:, :2], at[:1, :2]]))
            drawn[..., k] += closed.contains_points(centres).reshape(columns, rows)
            x, y = at[:, :2].T
            area += abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
            if volume.modality == "NM":
                assert volume.headers[0].SliceVector[image.ReferencedFrameNumber - 1] == k + 1
            else:
                place = {h.SOPInstanceUID: h.ImagePositionPatient for h in volume.headers}
                there = np.array(place[image.ReferencedSOPInstanceUID], float)
                assert round((to_index[:3, :3] @ there + to_index[:3, 3])[2]) == k
        np.testing.assert_array_equal(drawn, segmentation.labels == number)
        assert area == pytest.approx((segmentation.labels == number).sum(), abs=0.02)


def test_dciodvfy_finds_no_error(segmentation, tmp_path):
    write_rtstruct(tmp_path / "a.dcm", segmentation)
    assert dciodvfy_errors(tmp_path / "a.dcm") == []


def test_names_colours_and_references(make_source, tmp_path):
    volume = make_source("ct")
    write_rtstruct(tmp_path / "a.dcm", segmented(volume, labels_of(2)))
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    assert [roi.ROIName for roi in dataset.StructureSetROISequence] == ["bone"]
    assert dataset.ROIContourSequence[0].ROIDisplayColor == [10, 127, 208]
    frame = dataset.ReferencedFrameOfReferenceSequence[0]
    assert frame.FrameOfReferenceUID == volume.headers[0].FrameOfReferenceUID
    series = frame.RTReferencedStudySequence[0].RTReferencedSeriesSequence[0]
    assert series.SeriesInstanceUID == volume.headers[0].SeriesInstanceUID
    referred = {image.ReferencedSOPInstanceUID for image in series.ContourImageSequence}
    assert referred == {header.SOPInstanceUID for header in volume.headers}
    assert str(dataset.PatientName) == "Müller^Eva"


def test_a_class_without_voxels_is_listed_without_contours(make_source, tmp_path):
    volume = make_source("nm")
    write_rtstruct(tmp_path / "a.dcm", segmented(volume, np.zeros(volume.shape, np.uint8)))
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    assert [roi.ROIName for roi in dataset.StructureSetROISequence] == ["bone", "lesion"]
    assert not list(contours(dataset, 1))


def test_without_headers_it_says_so(make_source, tmp_path):
    def spoil(dataset):
        dataset.StudyInstanceUID = ""

    segmentation = segmented(make_source("nm", spoil), labels_of(3))
    with pytest.raises(SourceError, match="StudyInstanceUID"):
        write_rtstruct(tmp_path / "a.dcm", segmentation)
