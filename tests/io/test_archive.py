import stat
import zipfile

import numpy as np
import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.io import find_series, read_volume
from fuzzyseg.io.archive import extracted


def zip_of(path, **members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_a_zipped_series_is_read(tmp_path, make_series, ct_pixels):
    files = make_series(tmp_path / "in", ct_pixels)
    path = tmp_path / "study.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in files:
            archive.write(file, f"patient/ct/{file.name}")
    volume = read_volume(path)
    np.testing.assert_array_equal(volume.array, ct_pixels.transpose(2, 1, 0))
    assert "study.zip" in volume.source
    (info,) = find_series(path)
    assert info.files[0].parent == path / "patient/ct"


@pytest.mark.parametrize(
    "name", ["../evil", "a/../../evil", "/etc/evil", "C:\\evil", "..\\evil", "a\\..\\..\\evil"]
)
def test_a_path_that_climbs_out_is_refused(tmp_path, name):
    folder = tmp_path / "in"
    folder.mkdir()
    path = zip_of(folder / "a.zip", **{name: b"x"})
    with pytest.raises(InputError, match="leads out of it"):
        read_volume(path)
    assert not list(tmp_path.rglob("evil"))


def test_a_symbolic_link_is_refused(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc")
    with pytest.raises(InputError, match="symbolic link"):
        read_volume(path)


def test_a_corrupt_zip_is_refused(tmp_path):
    path = zip_of(tmp_path / "a.zip", a=b"x" * 5000)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputError, match="complete zip"):
        read_volume(path)


def test_a_damaged_member_is_refused(tmp_path):
    path = zip_of(tmp_path / "a.zip", a=b"x" * 5000)
    raw = bytearray(path.read_bytes())
    raw[100] ^= 255
    path.write_bytes(raw)
    with pytest.raises(InputError, match="complete zip"):
        read_volume(path)


def test_an_archive_larger_than_the_disk_is_refused(tmp_path, monkeypatch):
    path = zip_of(tmp_path / "a.zip", a=b"x")
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 0}))
    with pytest.raises(InputError, match="space to unpack"):
        read_volume(path)


def test_the_folder_is_removed(tmp_path):
    with extracted(zip_of(tmp_path / "a.zip", a=b"x")) as folder:
        assert (folder / "a").read_bytes() == b"x"
    assert not folder.exists()
