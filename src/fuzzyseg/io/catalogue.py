"""List the image series that a folder, file or archive holds."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from fuzzyseg.errors import InputError
from fuzzyseg.io.archive import extracted, is_zip
from fuzzyseg.io.dicom import media_directory
from fuzzyseg.io.readers import READERS, reader_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from fuzzyseg.io.found import SeriesInfo

_ADVICE = "pass the folder or file that contains the study"


def find_series(
    path: str | Path, *, progress: Callable[[int, int], None] | None = None
) -> list[SeriesInfo]:
    """List the image series of a folder (searched in depth), a zip archive or a single file.

    Parameters
    ----------
    path : str or Path
        Folder, .zip, DICOMDIR, or a file of any format of `READERS`.
    progress : callable, optional
        Called with (files looked at, files in all).

    Returns
    -------
    list of SeriesInfo
        DICOM in the order of Series Number, then other formats; never empty.

    Raises
    ------
    InputError
        If there is nothing at `path`, or nothing that is an image or was one before it was
        damaged.
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


def catalogue(
    path: Path, *, name: str = "", progress: Callable[[int, int], None] | None = None
) -> list[SeriesInfo]:
    """`find_series` for anything but a zip; `name` is what messages call the input."""
    name = name or str(path)
    files = _files_of(path, name)
    if files == [path] and media_directory.is_media_directory(path):
        files = media_directory.listed_files(path)
    sorted_by: dict[str, list[Path]] = defaultdict(list)
    for i, file in enumerate(files):
        reader = reader_of(file)
        if reader is not None:
            sorted_by[reader.name].append(file)
        if progress is not None:
            progress(i + 1, len(files))
    first_dicom = sorted(READERS, key=lambda reader: reader.name != "DICOM")
    found = [s for reader in first_dicom for s in reader.find(sorted_by[reader.name])]
    if not found:
        raise InputError(
            f"expected images in DICOM, NIfTI or another supported format, found none among "
            f"the {len(files)} file(s) in {name}; {_ADVICE}"
        )
    return [dataclasses.replace(s, number=i) for i, s in enumerate(found, start=1)]


def _files_of(path: Path, name: str) -> list[Path]:
    """List the files to look at, sorted; hidden ones (system droppings) are left out."""
    try:
        if path.is_file():
            return [path]
        if not path.is_dir():
            raise InputError(f"expected a study, found nothing at {name[:200]}; check the path")
        next(path.iterdir(), None)  # unlike rglob, this says when a folder may not be read
        inside = [(p, p.relative_to(path).parts) for p in path.rglob("*") if p.is_file()]
    except InputError:
        raise
    except (OSError, ValueError) as error:  # a path with a NUL is a ValueError
        detail = getattr(error, "strerror", None) or error
        raise InputError(
            f"expected a readable file or folder, found {name[:200]!r} ({detail}); check the path"
        ) from error
    return sorted(p for p, parts in inside if not any(part.startswith(".") for part in parts))
