"""Files that ask for more than there is: refused before anything is made of them."""

import gzip
import io
import zipfile
import zlib

import nibabel as nib
import numpy as np
import pytest
from pydicom import dcmread

from fuzzyseg.errors import InputError
from fuzzyseg.io import read_volume
from fuzzyseg.io.limits import max_bytes


def bomb(path, announced, inflated):
    """A gzipped NIfTI whose header announces a shape, with `inflated` bytes of zeros behind it."""
    header = nib.Nifti1Header()
    header.set_data_shape(announced)
    header.set_data_dtype(np.int16)
    header["vox_offset"], header["magic"] = 352, b"n+1"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(header.binaryblock + b"\0" * 4)
        for _ in range(inflated >> 24):
            file.write(b"\0" * (1 << 24))


def test_a_nifti_that_announces_more_than_the_limit(tmp_path):
    bomb(tmp_path / "a.nii.gz", (2000, 2000, 2000), 0)
    with pytest.raises(InputError, match=r"announces 16\.0 GB.*FUZZYSEG_MAX_GB"):
        read_volume(tmp_path / "a.nii.gz")


def test_a_nifti_that_announces_more_than_is_there(tmp_path):
    bomb(tmp_path / "a.nii.gz", (1000, 1000, 1000), 0)
    with pytest.raises(InputError, match="bytes by its header, found"):
        read_volume(tmp_path / "a.nii.gz")


def test_zeros_behind_a_small_nifti_are_not_unpacked(tmp_path):
    bomb(tmp_path / "a.nii.gz", (4, 4, 4), 1 << 28)
    volume = read_volume(tmp_path / "a.nii.gz", modality="NM")
    assert volume.shape == (4, 4, 4)
    assert any("bytes more than its header announces" in w for w in volume.warnings)


def test_limits_are_raised_by_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("FUZZYSEG_MAX_GB", "32")
    assert max_bytes() == 32e9
    bomb(tmp_path / "a.nii.gz", (2000, 2000, 2000), 0)
    with pytest.raises(InputError, match="bytes by its header, found"):  # past the limit now
        read_volume(tmp_path / "a.nii.gz")
    monkeypatch.setenv("FUZZYSEG_MAX_GB", "-1")
    with pytest.raises(InputError, match="positive number in FUZZYSEG_MAX_GB"):
        max_bytes()


def test_a_zip_of_junk_is_refused_by_its_ratio(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("junk", b"\0" * (200 << 20))
    with pytest.raises(InputError, match="times its size"):
        read_volume(tmp_path / "a.zip")


def test_a_zip_of_more_than_the_limit(tmp_path, monkeypatch):
    monkeypatch.setenv("FUZZYSEG_MAX_GB", "0.001")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a", b"x" * 2_000_000)
    with pytest.raises(InputError, match="GB unpacked"):
        read_volume(tmp_path / "a.zip")


def test_a_zip_of_very_many_files(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number in range(20_001):
            archive.writestr(f"{number}", b"")
    with pytest.raises(InputError, match=r"at most 20000 files, found 20001.*FUZZYSEG_MAX_FILES"):
        read_volume(tmp_path / "a.zip")


def test_members_that_overlap(tmp_path):
    """Every entry of the list points at the same 100 kB."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in ("a", "b"):
            archive.writestr(name, np.random.default_rng(0).bytes(100_000))
    raw = out.getvalue()
    second = raw.index(b"PK\x03\x04", 10)
    listed = raw.index(b"PK\x01\x02")
    raw = raw[:second] + raw[listed:]  # without the second's own bytes
    (tmp_path / "a.zip").write_bytes(raw)
    with pytest.raises(InputError, match="expected"):
        read_volume(tmp_path / "a.zip")


def test_a_list_shorter_than_its_end_says(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a", b"x")
    raw = bytearray((tmp_path / "a.zip").read_bytes())
    raw[raw.rindex(b"PK\x05\x06") + 10] = 3
    (tmp_path / "a.zip").write_bytes(raw)
    with pytest.raises(InputError, match="its list names 1 files, its end 3"):
        read_volume(tmp_path / "a.zip")


@pytest.mark.parametrize("rows", [65535, 4000])
def test_dicom_headers_larger_than_their_files(tmp_path, make_nm, ct_pixels, rows):
    def edit(dataset):
        dataset.Rows = dataset.Columns = rows

    path = make_nm(tmp_path / "a.dcm", ct_pixels.astype(np.uint16), edit=edit)
    with pytest.raises(InputError, match="announce"):
        read_volume(path)


def test_a_deflated_dicom_bomb(tmp_path, make_nm, ct_pixels, monkeypatch):
    monkeypatch.setenv("FUZZYSEG_MAX_GB", "0.05")
    path = make_nm(tmp_path / "a.dcm", ct_pixels.astype(np.uint16))
    dataset = dcmread(path)
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    dataset.save_as(path)
    whole = path.read_bytes()
    start = 144 + int(dcmread(path).file_meta.FileMetaInformationGroupLength)
    pack = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = pack.compress(zlib.decompress(whole[start:], -zlib.MAX_WBITS))
    packed += pack.compress(b"\0" * (100 << 20)) + pack.flush()
    path.write_bytes(whole[:start] + packed)
    with pytest.raises(InputError, match="FUZZYSEG_MAX_GB"):
        read_volume(path)
