"""Folders as hospitals hand them over: what lies beside the images, and what is damaged."""

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from fuzzyseg.errors import InputError
from fuzzyseg.io import find_series, read_volume

OTHER_OBJECTS = {
    "SR": "1.2.840.10008.5.1.4.1.1.88.22",
    "SEG": "1.2.840.10008.5.1.4.1.1.66.4",
    "RTSTRUCT": "1.2.840.10008.5.1.4.1.1.481.3",
    "KO": "1.2.840.10008.5.1.4.1.1.88.59",
    "PR": "1.2.840.10008.5.1.4.1.1.11.1",
    "DOC": "1.2.840.10008.5.1.4.1.1.104.1",
}


def write_object(path, modality):
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = OTHER_OBJECTS[modality], generate_uid()
    dataset.SeriesInstanceUID, dataset.Modality = generate_uid(), modality
    dataset.save_as(path, enforce_file_format=True)


@pytest.fixture
def disc(tmp_path, make_series, ct_pixels):
    """A CD: DICOMDIR (PS3.3 F.3), images that it names, and some that it does not name."""
    disc = tmp_path / "disc"
    directory = Dataset()
    directory.file_meta = FileMetaDataset()
    directory.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    directory.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    directory.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    directory.FileSetID, directory.DirectoryRecordSequence = "DISC", []
    for path in make_series(disc / "IMAGES", ct_pixels):
        record = Dataset()
        record.DirectoryRecordType = "IMAGE"
        record.ReferencedFileID = ["IMAGES", path.name]
        directory.DirectoryRecordSequence.append(record)
    patient = Dataset()
    patient.DirectoryRecordType = "PATIENT"  # names no file
    directory.DirectoryRecordSequence.append(patient)
    directory.save_as(disc / "DICOMDIR", enforce_file_format=True)
    make_series(disc / "MORE", ct_pixels[:2] + 1)
    return disc


def test_a_dicomdir_beside_images_is_passed_over(disc):
    assert sorted(s.n_files for s in find_series(disc)) == [2, 5]
    whole = (disc / "DICOMDIR").read_bytes()
    for length in (0, 200, len(whole) // 2):
        (disc / "DICOMDIR").write_bytes(whole[:length])
        assert sorted(s.n_files for s in find_series(disc)) == [2, 5]


def test_a_dicomdir_reads_what_it_lists(disc, ct_pixels):
    volume = read_volume(disc / "DICOMDIR")
    np.testing.assert_array_equal(volume.array, ct_pixels.transpose(2, 1, 0))
    for path in sorted(disc.rglob("*"), reverse=True):  # as many copies of CDs are
        path.rename(path.with_name(path.name.lower()))
    assert read_volume(disc / "dicomdir").shape == (6, 4, 5)


def test_a_damaged_dicomdir_reads_what_lies_beside_it(disc):
    (disc / "DICOMDIR").write_bytes(b"junk")
    assert sorted(s.n_files for s in find_series(disc / "DICOMDIR")) == [2, 5]


@pytest.mark.parametrize("modality", OTHER_OBJECTS)
def test_other_objects_and_droppings_are_passed_over(tmp_path, make_series, ct_pixels, modality):
    make_series(tmp_path, ct_pixels)
    write_object(tmp_path / "object", modality)
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "autorun.inf", "viewer.exe"):
        (tmp_path / name).write_bytes(b"\0\1junk" * 50)
    volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.array, ct_pixels.transpose(2, 1, 0))
    assert volume.warnings == ()


def test_a_damaged_inner_slice_is_what_the_error_names(tmp_path, make_series, ct_pixels):
    files = make_series(tmp_path, ct_pixels)
    files[2].write_bytes(files[2].read_bytes()[:-20])  # fewer pixels than announced
    with pytest.raises(InputError, match=f"{files[2].name} truncated or damaged"):
        read_volume(tmp_path)


def test_damaged_slices_at_both_ends_leave_the_others_in_their_place(
    tmp_path, make_series, ct_pixels
):
    files = make_series(tmp_path, ct_pixels)
    whole = read_volume(tmp_path)
    for k in (0, 4):
        files[k].write_bytes(files[k].read_bytes()[:-20])
    volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.array, whole.array[..., 1:4])
    np.testing.assert_allclose(volume.affine @ [0, 0, 0, 1], whole.affine @ [0, 0, 1, 1])
    assert "2 damaged image files were left out" in volume.warnings[0]
    assert files[0].name in volume.warnings[0]


def test_a_ct_is_no_stand_in_for_a_damaged_spect(tmp_path, make_series, make_nm, ct_pixels):
    make_series(tmp_path / "ct", ct_pixels)
    path = make_nm(tmp_path / "nm.dcm", ct_pixels.astype(np.uint16))
    dataset = dcmread(path)
    del dataset.Rows
    dataset.save_as(path)
    with pytest.raises(InputError, match=r"nm\.dcm truncated or damaged"):
        read_volume(tmp_path)
    assert read_volume(tmp_path, modality="CT").shape == (6, 4, 5)


def test_a_localizer_that_is_left_out_is_told(tmp_path, make_series, ct_pixels):
    def localizer(_, dataset):
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]

    make_series(tmp_path / "a", ct_pixels, series="1.2.3")
    make_series(tmp_path / "b", ct_pixels[:1], series="1.2.3", edit=localizer)
    volume = read_volume(tmp_path)
    assert volume.shape == (6, 4, 5)
    assert "1 localizer image(s)" in volume.warnings[0]


def test_an_image_that_stands_alone_is_told(tmp_path, make_series, ct_pixels):
    files = make_series(tmp_path, ct_pixels)
    dataset = dcmread(files[4])
    dataset.Modality = "C7"
    dataset.save_as(files[4])
    volume = read_volume(tmp_path)
    assert volume.shape == (6, 4, 4)
    assert "1 single image file was left out" in volume.warnings[0]


def test_bytes_that_moved_within_the_pixels_are_told(tmp_path, make_nm, ct_pixels):
    path = make_nm(tmp_path / "nm.dcm", ct_pixels.astype(np.uint16))
    raw = path.read_bytes()
    path.write_bytes(raw[:-100] + b"\7" * 12 + raw[-100:])
    assert "more bytes than announced" in read_volume(path).warnings[-1]
    path.write_bytes(raw + b"\0" * 512)  # filled up to a block
    assert not any("announced" in w for w in read_volume(path).warnings)


def test_private_elements_behind_the_pixels_are_no_stray_bytes(tmp_path, make_nm, ct_pixels):
    def edit(dataset):
        dataset.private_block(0xE029, "MAKER", create=True).add_new(1, "OB", b"1234")
        dataset.add_new(0xFFFCFFFC, "OB", b"\0" * 40)

    path = make_nm(tmp_path / "nm.dcm", ct_pixels.astype(np.uint16), edit=edit)
    assert not any("announced" in w for w in read_volume(path).warnings)
