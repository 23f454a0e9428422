"""The formats that are read, each in one line: `READERS`.

A reader tells from a path whether the file is its own, gathers such files into series, and
reads a series. To add a format whose files are volumes of their own, write a function that reads
one, and add a line with `single`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fuzzyseg.io import analyze, itk, nifti
from fuzzyseg.io.dicom import find as dicom
from fuzzyseg.io.found import SeriesInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pydicom import Dataset

    from fuzzyseg.volume import Modality, Volume

    Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Reader:
    """How one format is read.

    Parameters
    ----------
    name, about : str
        The format, and one line for people.
    accepts : callable
        Tells from a path, and the first bytes there, whether the file is of the format.
    find : callable
        Gathers files of the format into series; their numbers are given later.
    read : callable
        Reads one series; the modality, where given, is what the user says it is.
    headers : callable
        Reads the whole DICOM headers of one series; none in other formats.
    """

    name: str
    about: str
    accepts: Callable[[Path], bool] = field(repr=False)
    find: Callable[[Sequence[Path]], list[SeriesInfo]] = field(repr=False)
    read: Callable[[SeriesInfo, Modality | None, Progress | None], Volume] = field(repr=False)
    headers: Callable[[SeriesInfo], tuple[Dataset, ...]] = field(default=lambda _: (), repr=False)


def single(
    name: str,
    about: str,
    accepts: Callable[[Path], bool],
    read: Callable[[Path, Modality | None], Volume],
    *,
    why_not: Callable[[Path], str | None] = lambda _: None,
) -> Reader:
    """Make the reader of a format whose files are volumes of their own."""

    def find(files: Sequence[Path]) -> list[SeriesInfo]:
        return [
            SeriesInfo(0, name, file.name, (0, 0, 0), (file,), why_not(file), name)
            for file in files
        ]

    def read_one(info: SeriesInfo, modality: Modality | None, _: Progress | None) -> Volume:
        return read(info.files[0], modality)

    return Reader(name, about, accepts, find, read_one)


# A file belongs to the first that accepts it.
READERS = (
    single("NIfTI", "one file, gzipped or not", nifti.is_nifti, nifti.read_nifti),
    Reader(
        "DICOM",
        "CT and PT series, NM multi-frame",
        dicom.accepts,
        dicom.find,
        dicom.read,
        dicom.headers,
    ),
    single("Analyze", "a pair of .hdr and .img", analyze.is_analyze, analyze.read_analyze),
    single("MetaImage", ".mha, .mhd", itk.is_metaimage, itk.read_itk, why_not=itk.why_not),
    single("NRRD", ".nrrd, .nhdr", itk.is_nrrd, itk.read_itk, why_not=itk.why_not),
)


def reader_of(path: Path) -> Reader | None:
    """Find who reads a file; None where nobody does."""
    return next((reader for reader in READERS if reader.accepts(path)), None)


def reader_named(name: str) -> Reader:
    """Find a reader by its name."""
    return next(reader for reader in READERS if reader.name == name)
