"""DICOMDIR, the list of files that lies on every CD (DICOM PS3.10 8.6, PS3.3 F)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.io.messages import parse_errors

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom import Dataset

MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
_NAME = "DICOMDIR"


def is_media_directory(path: Path) -> bool:
    """Tell whether a file is named as the directory of a medium."""
    return path.name.upper() == _NAME


def listed_files(path: Path) -> list[Path]:
    """List the files that a DICOMDIR names, sorted; where it is damaged, all files beside it.

    Copies of CDs often change the case of names: it is not regarded. What the directory names
    outside its own folder is not there to be read.
    """
    folder = path.parent
    beside = {
        tuple(part.upper() for part in file.relative_to(folder).parts): file
        for file in folder.rglob("*")
        if file.is_file() and file != path
    }
    named = _references(path)
    chosen = {parts for parts in beside if parts in named} or set(beside)
    return sorted(
        file
        for parts, file in beside.items()
        if parts in chosen and not any(part.startswith(".") for part in parts)
    )


def _references(path: Path) -> set[tuple[str, ...]]:
    from pydicom import dcmread

    from fuzzyseg.io.dicom.file import quiet

    try:
        with quiet():
            directory = dcmread(path, force=True)
            return {r for r in map(_reference, directory.get("DirectoryRecordSequence") or []) if r}
    except parse_errors():
        return set()


def _reference(record: Dataset) -> tuple[str, ...]:
    value = record.get("ReferencedFileID")
    parts = [value] if isinstance(value, str) else list(value or [])
    return tuple(str(part).upper() for part in parts)
