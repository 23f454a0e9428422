"""Opening single DICOM files, header and pixels; every failure names the file."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fuzzyseg.errors import InputError
from fuzzyseg.io.messages import damaged, one_line, parse_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from pydicom import Dataset


@contextmanager
def quiet() -> Iterator[None]:
    """Keep pydicom's own warnings from the user; usable as a decorator.

    It warns about any value that breaks its VR, such as the dates "1993.11.24" of old files.
    The values that matter here are checked by this package, with messages that name the file.
    """
    from pydicom import config

    with config.disable_value_validation(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"pydicom\b")
        yield


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


def read_header(path: Path, tags: Sequence[str]) -> Dataset:
    """Read the elements of a file that are asked for, without the pixels.

    Parameters
    ----------
    path : Path
        A file for which `looks_like_dicom` is true.
    tags : sequence of str
        Keywords of the elements.

    Raises
    ------
    InputError
        If the file is cut short or damaged.
    """
    from pydicom import dcmread

    try:
        header = dcmread(path, stop_before_pixels=True, specific_tags=list(tags), force=True)
        _decode(header)
    except parse_errors() as error:
        raise damaged(path, one_line(error)) from error
    return header


def _decode(dataset: Dataset) -> None:
    """Decode the standard elements, which pydicom does on access: damage is to show here."""
    for tag in dataset.keys():  # noqa: SIM118, a Dataset iterates over its elements
        if not tag.is_private:
            element = dataset[tag]
            for item in element.value if element.VR == "SQ" else ():
                _decode(item)


def read_pixels(path: Path) -> NDArray[Any]:
    """Decode the stored values of a file, before any rescaling.

    Returns
    -------
    ndarray of shape (rows, columns) or (frames, rows, columns)

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
        return dataset.pixel_array
    except InputError:
        raise
    except parse_errors() as error:
        raise damaged(path, one_line(error)) from error


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
