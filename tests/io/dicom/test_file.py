import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import Decoder
from pydicom.uid import MPEG2MPML, HTJ2KLossless, JPEGLSLossless, RLELossless

from fuzzyseg.errors import InputError
from fuzzyseg.io.dicom.file import looks_like_dicom, read_pixels
from fuzzyseg.io.reading import read_volume


def compress(path, syntax):
    dataset = dcmread(path)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate([b"\xff\xd8\xff\xf7" + b"\0" * 60])
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path)


@pytest.mark.parametrize("syntax", [JPEGLSLossless, HTJ2KLossless])
def test_a_missing_codec_is_named_with_its_cure(
    tmp_path, make_series, ct_pixels, syntax, monkeypatch
):
    for path in make_series(tmp_path, ct_pixels):
        compress(path, syntax)
    monkeypatch.setattr(Decoder, "is_available", property(lambda _: False))
    with pytest.raises(InputError) as error:
        read_volume(tmp_path)
    assert syntax.name in str(error.value)
    assert 'pip install "fuzzyseg[codecs]"' in str(error.value)
    assert "\n" not in str(error.value)


def test_a_compression_nobody_decodes_asks_for_another_export(tmp_path, make_series, ct_pixels):
    path = make_series(tmp_path, ct_pixels)[0]
    compress(path, MPEG2MPML)
    with pytest.raises(InputError, match="save it uncompressed"):
        read_pixels(path)


def test_damaged_compressed_pixels(tmp_path, make_series, ct_pixels, capfd):
    path = make_series(tmp_path, ct_pixels)[0]
    compress(path, RLELossless)
    with pytest.raises(InputError, match="damaged"):
        read_pixels(path)
    assert capfd.readouterr() == ("", "")


def test_rle_needs_no_codec(tmp_path, make_series, ct_pixels):
    path = make_series(tmp_path, ct_pixels)[0]
    dataset = dcmread(path)
    dataset.compress(RLELossless)
    dataset.save_as(path)
    np.testing.assert_array_equal(read_pixels(path), ct_pixels[0])


@pytest.mark.parametrize("place", [2, -1], ids=["middle", "end"])
def test_a_file_cut_anywhere_is_named(tmp_path, make_series, ct_pixels, capfd, place):
    """The loss of the last slice of the stack leaves no gap: the others are read."""
    path = make_series(tmp_path, ct_pixels, suffix=".dcm")[place]
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        if place == 2:
            with pytest.raises(InputError, match="expected") as error:
                read_volume(tmp_path)
            assert "\n" not in str(error.value)
        else:
            volume = read_volume(tmp_path)
            assert volume.shape == (6, 4, 4)
            assert volume.warnings[0].startswith("1 damaged ")
            assert path.name in volume.warnings[0]
    assert capfd.readouterr() == ("", "")


def test_a_cut_nm_file_is_refused_and_named(tmp_path, make_nm, ct_pixels):
    path = make_nm(tmp_path / "spect.dcm", ct_pixels.astype(np.uint16))
    whole = path.read_bytes()
    for length in range(0, len(whole), 23):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"spect\.dcm"):
            read_volume(path)


def test_files_without_preamble_are_read(tmp_path, make_series, ct_pixels):
    files = make_series(tmp_path, ct_pixels, implicit=True)
    for path in files:
        dataset = dcmread(path)
        del dataset.file_meta
        dataset.preamble = None
        dataset.save_as(path, enforce_file_format=False)
        assert path.read_bytes()[128:132] != b"DICM"
    volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.array, ct_pixels.transpose(2, 1, 0))


@pytest.mark.parametrize("content", [b"", b"\x08\x00", b"Licence: CC BY" * 20, b"\x89PNG" * 50])
def test_other_files_do_not_look_like_dicom(tmp_path, content):
    path = tmp_path / "a"
    path.write_bytes(content)
    assert not looks_like_dicom(path)


def test_a_number_that_is_none_is_named(tmp_path, make_series, ct_pixels):
    files = make_series(tmp_path, ct_pixels)
    raw = files[1].read_bytes()
    files[1].write_bytes(raw.replace(b"2.0\\1.5", b"2.0\\1,5"))
    with pytest.raises(InputError, match="PixelSpacing"):
        read_volume(tmp_path)
