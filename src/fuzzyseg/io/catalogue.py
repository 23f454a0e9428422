"""List the image series that a folder, file or archive holds."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fuzzyseg.errors import InputError
from fuzzyseg.io.archive import extracted
from fuzzyseg.io.dicom.classify import SERIES_TAGS, series_key, why_not_volume
from fuzzyseg.io.dicom.elements import count, number, text
from fuzzyseg.io.dicom.file import looks_like_dicom, quiet, read_header
from fuzzyseg.io.messages import damaged
from fuzzyseg.io.nifti import is_nifti_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydicom import Dataset

# What the directory of a CD or DVD is stored as.
_MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
_DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")


@dataclass(frozen=True)
class SeriesInfo:
    """One series found in the input.

    Parameters
    ----------
    number : int
        Its number in the list, from 1; what `--series` takes.
    kind : str
        DICOM modality such as "CT", "NM" or "PT", or "NIfTI".
    description : str
        Series Description, or the file's name.
    shape : tuple of int
        Columns, rows and slices; (0, 0, 0) where the file has not been opened (NIfTI) or has
        no pixels.
    files : tuple of Path
        Its files; for an archive, their places inside it.
    reason : str or None
        Why it is no volume, None if it can be read.
    """

    number: int
    kind: str
    description: str
    shape: tuple[int, int, int]
    files: tuple[Path, ...]
    reason: str | None = None

    @property
    def n_files(self) -> int:
        """Number of files."""
        return len(self.files)

    @property
    def readable(self) -> bool:
        """Whether it is a volume that can be read."""
        return self.reason is None

    def __str__(self) -> str:
        size = " x ".join(map(str, self.shape)) + ", " if any(self.shape) else ""
        files = f"{self.n_files} file{'s' if self.n_files != 1 else ''}"
        about = f'{self.number}) {self.kind}, {size}{files}, "{self.description}"'
        return about if self.reason is None else f"{about} (no volume: {self.reason})"


def find_series(
    path: str | Path, *, progress: Callable[[int, int], None] | None = None
) -> list[SeriesInfo]:
    """List the image series of a folder (searched in depth), a zip archive or a single file.

    Parameters
    ----------
    path : str or Path
        Folder, .zip, DICOM file or NIfTI file.
    progress : callable, optional
        Called with (files looked at, files in all).

    Returns
    -------
    list of SeriesInfo
        In the order of Series Number, NIfTI files last; never empty.

    Raises
    ------
    InputError
        If there is nothing at `path`, nothing that is an image, or a DICOM file is damaged.
    """
    path = Path(path)
    if not is_zip(path):
        return catalogue(path, progress=progress)
    with extracted(path) as folder:
        found = catalogue(folder, name=str(path), progress=progress)
    return [
        dataclasses.replace(s, files=tuple(path / f.relative_to(folder) for f in s.files))
        for s in found
    ]


def is_zip(path: Path) -> bool:
    """Tell whether a path is to be unpacked."""
    return path.is_file() and path.suffix.lower() == ".zip"


@quiet()
def catalogue(
    path: Path, *, name: str = "", progress: Callable[[int, int], None] | None = None
) -> list[SeriesInfo]:
    """`find_series` for anything but a zip; `name` is what messages call the input."""
    name = name or str(path)
    files = _files_of(path, name)
    groups: dict[tuple[str, ...], list[tuple[Path, Dataset]]] = defaultdict(list)
    niftis = []
    for i, file in enumerate(files):
        if is_nifti_name(file):
            niftis.append(file)
        elif looks_like_dicom(file):
            header = read_header(file, SERIES_TAGS)
            if text(header, "SOPClassUID") != _MEDIA_DIRECTORY:
                groups[series_key(file, header)].append((file, header))
        elif file.suffix.lower() in _DICOM_SUFFIXES:
            raise damaged(file, "it does not begin as DICOM does")
        if progress is not None:
            progress(i + 1, len(files))
    ordered = sorted(groups.values(), key=_order)
    found = [_dicom_info(i, group) for i, group in enumerate(ordered, start=1)]
    found += [
        SeriesInfo(i, "NIfTI", file.name, (0, 0, 0), (file,))
        for i, file in enumerate(niftis, start=len(found) + 1)
    ]
    if not found:
        raise InputError(
            f"expected DICOM or NIfTI images, found none among the {len(files)} file(s) in "
            f"{name}; pass the folder or file that holds the study"
        )
    return found


def _files_of(path: Path, name: str) -> list[Path]:
    """List the files to look at, sorted; hidden ones (system droppings) are left out."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(f"expected a study, found nothing at {name}; check the path")
    try:
        next(path.iterdir(), None)  # unlike rglob, this says when a folder may not be read
        inside = [(p, p.relative_to(path).parts) for p in path.rglob("*") if p.is_file()]
    except OSError as error:
        raise InputError(
            f"expected a readable folder, found {name} ({error.strerror}); check its permissions"
        ) from error
    return sorted(p for p, parts in inside if not any(part.startswith(".") for part in parts))


def _order(group: list[tuple[Path, Dataset]]) -> tuple[float, str]:
    path, header = group[0]
    return number(header, "SeriesNumber", path) or 0.0, str(path)


def _dicom_info(index: int, group: list[tuple[Path, Dataset]]) -> SeriesInfo:
    path, header = group[0]
    rows, columns = count(header, "Rows", path, 0), count(header, "Columns", path, 0)
    slices = len(group) if len(group) > 1 else count(header, "NumberOfFrames", path, 1)
    return SeriesInfo(
        number=index,
        kind=text(header, "Modality").upper() or "unknown",
        description=text(header, "SeriesDescription") or text(header, "ImageID") or path.name,
        shape=(columns, rows, slices) if rows and columns else (0, 0, 0),
        files=tuple(file for file, _ in group),
        reason=why_not_volume(group),
    )
