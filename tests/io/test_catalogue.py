import numpy as np
import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.io import find_series, read_volume
from fuzzyseg.io.found import left_out


def test_a_folder_is_listed(tmp_path, make_series, make_nm, ct_pixels):
    def third(_, dataset):
        dataset.SeriesNumber = 3

    make_series(tmp_path / "a", ct_pixels, edit=third)
    make_nm(tmp_path / "b" / "spect", ct_pixels.astype(np.uint16))
    (tmp_path / "LICENSE").write_text("text\n" * 100)
    (tmp_path / ".hidden.nii.gz").write_bytes(b"x")
    (tmp_path / "seg.nii.gz").write_bytes(b"opened only when it is read")
    found = find_series(tmp_path)
    assert [(s.number, s.kind, s.shape, s.n_files, s.readable) for s in found] == [
        (1, "NM", (6, 4, 5), 1, True),
        (2, "CT", (6, 4, 5), 5, True),
        (3, "NIfTI", (0, 0, 0), 1, True),
    ]
    assert str(found[1]) == '2) CT, 6 x 4 x 5, 5 files, "CT test"'


def test_nm_files_under_one_series_are_volumes_of_their_own(tmp_path, make_nm, ct_pixels):
    for name in ("corrected", "uncorrected"):
        make_nm(tmp_path / name, ct_pixels.astype(np.uint16), series="1.2.3")
    assert [s.n_files for s in find_series(tmp_path)] == [1, 1]


def test_a_localizer_in_the_series_is_set_aside(tmp_path, make_series, ct_pixels):
    def localizer(_, dataset):
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]

    make_series(tmp_path / "a", ct_pixels, series="1.2.3")
    make_series(tmp_path / "b", ct_pixels[:1], series="1.2.3", edit=localizer)
    found = find_series(tmp_path)
    assert [s.n_files for s in found] == [5, 1]
    assert found[0].readable
    assert "localizer" in found[1].reason


def no_position(_, dataset):
    del dataset.ImagePositionPatient


def set_class(uid):
    def edit(_, dataset):
        dataset.SOPClassUID = uid

    return edit


def report(_, dataset):
    dataset.Modality, dataset.SOPClassUID = "SR", "1.2.840.10008.5.1.4.1.1.88.22"
    del dataset.Rows


def raw_data(_, dataset):
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.66"
    del dataset.Rows


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (set_class("1.2.840.10008.5.1.4.1.1.2.1"), "enhanced multi-frame CT"),
        (lambda _, d: setattr(d, "SamplesPerPixel", 3), "colour"),
        (lambda _, d: setattr(d, "Modality", "MR"), "modality MR"),
        (lambda _, d: setattr(d, "SeriesType", ["STATIC", "REPROJECTION"]), "reprojections"),
        (no_position, "without a position"),
        (report, "modality SR"),
        (raw_data, "without pixels"),
    ],
)
def test_what_is_no_volume_has_its_reason(tmp_path, make_series, ct_pixels, edit, reason):
    make_series(tmp_path, ct_pixels, edit=edit)
    (info,) = find_series(tmp_path)
    assert not info.readable
    assert reason in info.reason
    assert reason in str(info)


def test_multi_frame_pet_has_its_reason(tmp_path, make_series, ct_pixels):
    make_series(
        tmp_path, ct_pixels, modality="PT", edit=lambda _, d: setattr(d, "NumberOfFrames", 9)
    )
    assert all("multi-frame PT" in s.reason for s in find_series(tmp_path))


def test_a_media_directory_is_no_series(tmp_path, make_series, ct_pixels):
    make_series(tmp_path / "ct", ct_pixels)
    make_series(tmp_path / "dir", ct_pixels[:1], edit=set_class("1.2.840.10008.1.3.10"))
    assert len(find_series(tmp_path)) == 1


def test_a_description_stays_on_one_line(tmp_path, make_series, ct_pixels):
    make_series(
        tmp_path, ct_pixels, edit=lambda _, d: setattr(d, "SeriesDescription", "one\n two\x1b")
    )
    assert find_series(tmp_path)[0].description == "one two"


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"none among the 0 file\(s\)"):
        find_series(tmp_path)


def test_a_path_to_nothing_is_refused(tmp_path):
    with pytest.raises(InputError, match="found nothing at"):
        find_series(tmp_path / "nowhere")


def test_a_folder_of_other_files_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(InputError, match=r"none among the 1 file\(s\)"):
        find_series(tmp_path)


def test_a_folder_that_may_not_be_read_is_refused(tmp_path, monkeypatch):
    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.iterdir", refuse)
    with pytest.raises(InputError, match="Permission denied"):
        find_series(tmp_path)


def test_a_file_called_dcm_that_is_none_is_listed_and_told(tmp_path, make_series, ct_pixels):
    make_series(tmp_path, ct_pixels)
    (tmp_path / "last.dcm").write_bytes(b"")
    series, last = find_series(tmp_path)
    assert series.readable
    assert "1 damaged and unidentified file was left out" in series.warnings[0]
    assert (last.readable, last.description) == (False, "last.dcm")
    with pytest.raises(InputError, match=r"last\.dcm truncated"):
        read_volume(tmp_path / "last.dcm")


def test_warnings_name_counters_and_no_people(tmp_path):
    named, withheld = (
        left_out([tmp_path / "IM0003", tmp_path / "1-042.dcm"], "file")[0],
        left_out([tmp_path / "DOE_JOHN_1950.dcm", tmp_path / "Müller7"], "file"),
    )
    assert "2 files were left out (IM0003, 1-042.dcm)" in named
    assert "DOE" not in withheld[0]
    assert "ller" not in withheld[0]


def test_progress_counts_files(tmp_path, make_series, ct_pixels):
    make_series(tmp_path, ct_pixels)
    seen = []
    find_series(tmp_path, progress=lambda *a: seen.append(a))
    assert seen == [(k, 5) for k in range(1, 6)]


@pytest.mark.parametrize("path", ["a\0b", "a\0.zip", "x" * 5000, "/a" * 3000, "\udcff\udcfe"])
def test_a_path_that_no_system_has_is_refused_in_one_line(path):
    with pytest.raises(InputError, match="check the path") as error:
        find_series(path)
    assert len(str(error.value)) < 500
    assert "\n" not in str(error.value)
