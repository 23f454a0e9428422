"""Segmentations of 3D Slicer, read by SimpleITK and slicerio."""

import numpy as np
import pytest
import SimpleITK

from fuzzyseg.errors import InputError
from fuzzyseg.io.results.seg_nrrd import write_seg_nrrd

from .conftest import labels_of, places_lps, same_places, segmented


def test_simpleitk_finds_the_labels_at_their_places(segmentation, tmp_path):
    path = tmp_path / "a.seg.nrrd"
    write_seg_nrrd(path, segmentation)
    image = SimpleITK.ReadImage(str(path))
    array = SimpleITK.GetArrayFromImage(image).T
    np.testing.assert_array_equal(array, segmentation.labels)
    for number in range(1, len(segmentation.class_names)):
        found = [
            image.TransformIndexToPhysicalPoint(tuple(map(int, index)))
            for index in np.argwhere(array == number)
        ]
        expected = places_lps(segmentation.volume, segmentation.labels == number)
        assert same_places(np.array(found), expected)


def test_slicerio_finds_names_colours_and_codes(make_source, tmp_path):
    slicerio = pytest.importorskip("slicerio")
    labels = labels_of(3)
    write_seg_nrrd(tmp_path / "a.seg.nrrd", segmented(make_source("nm"), labels))
    found = slicerio.read_segmentation(str(tmp_path / "a.seg.nrrd"))
    np.testing.assert_array_equal(found["voxels"], labels)
    bone, lesion = found["segments"]
    assert (bone["name"], bone["labelValue"]) == ("bone", 1)
    assert bone["terminology"]["type"] == ["SCT", "272673000", "Bone"]
    assert lesion["terminology"]["anatomicRegion"] == ["SCT", "272673000", "Bone"]
    np.testing.assert_allclose(lesion["color"], np.array([232, 50, 42]) / 255, atol=1e-5)
    there = np.argwhere(labels == 2)
    ends = np.column_stack([there.min(0), there.max(0)]).ravel().tolist()
    assert lesion["extent"] == ends


def test_a_class_without_voxels(make_source, tmp_path):
    slicerio = pytest.importorskip("slicerio")
    segmentation = segmented(make_source("nm"), np.zeros((9, 7, 5), np.uint8))
    write_seg_nrrd(tmp_path / "a.seg.nrrd", segmentation)
    found = slicerio.read_segmentation(str(tmp_path / "a.seg.nrrd"))
    assert [segment["extent"] for segment in found["segments"]] == [[0, -1] * 3] * 2


def test_a_folder_that_is_not_there(make_source, tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        write_seg_nrrd(tmp_path / "no" / "a.seg.nrrd", segmented(make_source("nm"), labels_of(3)))
