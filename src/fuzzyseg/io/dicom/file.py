"""Opening single DICOM files, header and pixels; every failure names the file."""

from __future__ import annotations

import logging
import math
import warnings
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fuzzyseg.errors import InputError
from fuzzyseg.io.dicom.elements import count, text
from fuzzyseg.io.limits import max_bytes, require_size
from fuzzyseg.io.messages import damaged, one_line, parse_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from pydicom import Dataset
    from pydicom.tag import BaseTag


SIZE_TAGS = ("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "BitsAllocated")
# How many bytes of pixels one byte may become: no more than deflate's, of all compressions that
# are read; images of nothing but air come to some hundred.
_MOST_PACKED = 1032
_CHUNK = 1 << 24  # bytes unpacked at a time to count them
# Transfer syntaxes that store pixels as they are, and files of old that name none.
_NATIVE = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "")
# Digital Signatures and Data Set Trailing Padding (PS3.5 7.2, PS3.10 7.2).
_BEHIND_PIXELS = (0xFFFAFFFA, 0xFFFCFFFC)
_DEFLATED = "1.2.840.10008.1.2.1.99"


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the warnings of pydicom and highdicom from the user; usable as a decorator.

    They warn about any value that breaks its VR, such as the dates "1993.11.24" of old files, and
    highdicom prints names of patients that have one part only. The values that matter here are
    checked by this package.
    """
    from pydicom import config

    logger = logging.getLogger("highdicom")
    level = logger.level
    with config.disable_value_validation(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"(pydicom|highdicom)\b")
        logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            logger.setLevel(level)


def looks_like_dicom(path: Path) -> bool:
    """Tell from the first bytes whether a file is DICOM, with or without its preamble.

    Raises
    ------
    InputError
        If the file cannot be opened.
    """
    try:
        with path.open("rb") as file:
            head = file.read(132)
    except OSError as error:
        raise InputError(
            f"expected a readable file, found {path} ({one_line(error)}); check its permissions"
        ) from error
    # Files written without the preamble of PS3.10 start with an element of group 2 or 8 whose
    # number is small, in little-endian order.
    bare = len(head) >= 8 and head[:2] in (b"\x02\x00", b"\x08\x00") and head[3] == 0
    return head[128:132] == b"DICM" or bare


def read_header(path: Path, tags: Sequence[str | int] | None = None) -> Dataset:
    """Read the elements of a file that are asked for, or all, without the pixels.

    Parameters
    ----------
    path : Path
        A file for which `looks_like_dicom` is true.
    tags : sequence of str or int, optional
        Keywords of the elements, or tags of private ones; by default all.

    Raises
    ------
    InputError
        If the file is cut short or damaged.
    """
    from pydicom import dcmread
    from pydicom.tag import Tag

    try:
        _require_modest(path)
        wanted = None if tags is None else [Tag(tag) for tag in tags]
        header = dcmread(path, stop_before_pixels=True, specific_tags=wanted, force=True)
        _decode(header.file_meta)
        _decode(header)
    except InputError:
        raise
    except parse_errors() as error:
        raise damaged(path, one_line(error)) from error
    return header


def _require_modest(path: Path) -> None:
    """Refuse a deflated file that unpacks to more than an image may have."""
    from pydicom.filereader import read_file_meta_info

    try:
        meta = read_file_meta_info(path)
        deflated = meta.get("TransferSyntaxUID") == _DEFLATED
        # Preamble, "DICM" and the element that says how long the rest of group 2 is.
        start = 144 + int(meta.get("FileMetaInformationGroupLength") or 0)
    except parse_errors():
        return  # without the preamble, or damaged: what reads it will say so
    if not deflated:
        return
    unpack, size, rest = zlib.decompressobj(-zlib.MAX_WBITS), 0, path.read_bytes()[start:]
    while rest and not unpack.eof and size <= max_bytes():
        size += len(unpack.decompress(rest, _CHUNK))
        rest = unpack.unconsumed_tail
    require_size(size, path)


def _decode(dataset: Dataset) -> None:
    """Decode the standard elements, which pydicom does on access: damage is to show here."""
    for tag in dataset.keys():  # noqa: SIM118, a Dataset iterates over its elements
        if not tag.is_private:
            element = dataset[tag]
            for item in element.value if element.VR == "SQ" else ():
                _decode(item)


def require_pixels(path: Path, header: Dataset) -> None:
    """Compare the size that a header announces with the bytes of its file.

    Parameters
    ----------
    path : Path
    header : Dataset
        Elements named in `SIZE_TAGS`.

    Raises
    ------
    InputError
        If the file cannot hold so many pixels, or they are more than an image may have.
    """
    pixels = math.prod(
        count(header, keyword, path, 1)
        for keyword in ("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel")
    )
    size = pixels * max(1, count(header, "BitsAllocated", path, 8) // 8)
    require_size(size, path)
    native = text(header.file_meta, "TransferSyntaxUID") in _NATIVE
    there = path.stat().st_size * (1 if native else _MOST_PACKED)
    if size > there:
        raise damaged(path, f"{size} bytes of pixels announced, {path.stat().st_size} there")


def read_pixels(path: Path) -> NDArray[Any]:
    """Decode the stored values of a file; see `read_frames`."""
    return read_frames(path)[0]


def read_frames(path: Path) -> tuple[NDArray[Any], bool]:
    """Decode the stored values of a file, before any rescaling.

    Returns
    -------
    stored : ndarray of shape (rows, columns) or (frames, rows, columns)
    longer : bool
        Whether the file holds more than its header announces: pixels behind those that were
        read, or bytes behind the last element that are not zeros. Either may mean that bytes
        have moved.

    Raises
    ------
    InputError
        If the file holds fewer pixels than it announces, or is compressed in a way that
        nothing installed can decode.
    """
    from pydicom import dcmread

    try:
        dataset = dcmread(path, force=True)
        if not any(name in dataset for name in ("PixelData", "FloatPixelData")):
            raise damaged(path, "no pixel data")
        _require_decoder(path, dataset)
        longer = _goes_on(path, dataset)
        return dataset.pixel_array, longer
    except InputError:
        raise
    except parse_errors() as error:
        raise damaged(path, one_line(error)) from error


def _goes_on(path: Path, dataset: Dataset) -> bool:
    keyword = "PixelData" if "PixelData" in dataset else "FloatPixelData"
    element = dataset.get_item(keyword)
    if element is None or not isinstance(element.value, bytes):
        return False
    if text(dataset.file_meta, "TransferSyntaxUID") in _NATIVE:
        bits = math.prod(count(dataset, name, path, 1) for name in SIZE_TAGS)
        announced = math.ceil(bits / 8)
        if len(element.value) > announced + announced % 2:
            return True
    behind = [tag for tag in dataset.keys() if tag > element.tag]  # noqa: SIM118, not elements
    if behind:
        return not all(_may_follow_pixels(tag, dataset) for tag in behind)
    tell, length = getattr(element, "value_tell", 0), getattr(element, "length", 0xFFFFFFFF)
    if not tell or length == 0xFFFFFFFF:
        return False
    with path.open("rb") as file:
        file.seek(tell + length)
        return bool(file.read(_CHUNK).strip(b"\0"))


def _may_follow_pixels(tag: BaseTag, dataset: Dataset) -> bool:
    """Tell elements of the standard, and private ones whose owner is named, from stray bytes."""
    if not tag.is_private:
        return tag in _BEHIND_PIXELS
    owner = (tag.group << 16) | (tag.element >> 8)  # (gggg,00bb) owns (gggg,bbxx)
    return tag.element == 0 or tag.is_private_creator or owner in dataset


def _require_decoder(path: Path, dataset: Dataset) -> None:
    """Refuse a compressed file that nothing installed can decode; complete a missing syntax."""
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, _ = dataset.original_encoding
        dataset.file_meta.TransferSyntaxUID = (
            ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
        )
    syntax = dataset.file_meta.TransferSyntaxUID
    if not syntax.is_compressed or syntax.is_deflated:
        return
    try:
        available = get_decoder(syntax).is_available
        advice = 'install the decoders with: pip install "fuzzyseg[codecs]"'
    except NotImplementedError:
        available = False
        advice = "save it uncompressed (Explicit VR Little Endian) and try again"
    if not available:
        raise InputError(
            f"expected pixels that can be decoded, found {path} compressed as {syntax.name} "
            f"({syntax}) and no decoder for it; {advice}"
        )
