"""What studies there are: a folder of them, a BIDS data set, or a CSV file that lists them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fuzzyseg.batch.bids import bids_sources, is_bids
from fuzzyseg.batch.manifest import manifest_sources
from fuzzyseg.batch.source import Source, require_names
from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# Ends of file names that are an image each, whatever is in them.
IMAGE_SUFFIXES = (".nii.gz", ".nii", ".mha", ".mhd", ".nrrd", ".nhdr", ".hdr")
# P1_spect.nii.gz and P1_ct.nii.gz are a pair, as are spect.nii.gz and ct.nii.gz in one folder.
_ROLE = re.compile(r"(?:^|(?<=[-_. ]))(spect|nm|pet|ct)$", re.IGNORECASE)


def find_studies(path: Path) -> tuple[Source, ...]:
    """List studies by the names of files alone; nothing is opened but a CSV file.

    Parameters
    ----------
    path : Path
        A folder, of which every folder, zip and image file is a study (SPECT and CT by their
        names); a BIDS data set; or a CSV file, see `manifest_sources`.

    Returns
    -------
    tuple of Source
        In the order of their names; of a CSV file, in its order.

    Raises
    ------
    InputError
        If there is none, two have one name, or a CSV file cannot be understood.
    """
    try:
        if path.suffix.lower() == ".csv":
            found = manifest_sources(path)
        elif not path.is_dir():
            raise InputError(
                f"expected a folder of studies or a CSV file that lists them, found {path}, which "
                "is neither; check the path, or segment a single study with fuzzyseg segment"
            )
        else:
            found = bids_sources(path) if is_bids(path) else _folder_sources(path)
    except OSError as error:
        raise InputError(
            f"expected studies that can be listed, found {path}: {error.strerror}; check the path"
        ) from error
    require_names(found, path)
    return found


def _folder_sources(path: Path) -> tuple[Source, ...]:
    inside = sorted(p for p in path.iterdir() if not p.name.startswith("."))
    found = [
        Source(child.name if child.is_dir() else child.stem, child)
        for child in inside
        if child.is_dir() or child.suffix.lower() == ".zip"
    ]
    found += paired(p for p in inside if _stem(p) is not None)
    return tuple(sorted(found, key=lambda source: source.name))


def paired(files: Iterable[Path]) -> list[Source]:
    """Put image files that differ in "spect" and "ct" alone together; all others are single."""
    spects: dict[str, Path] = {}
    cts: dict[str, Path] = {}
    single: list[Source] = []
    for file in files:
        stem = _stem(file)
        role = _ROLE.search(stem) if stem else None
        if stem is None or role is None:
            single.append(Source(stem or file.name, file))
            continue
        name = stem[: role.start()].rstrip("-_. ") or file.parent.name
        of_role = cts if role[1].lower() == "ct" else spects
        if name in of_role:
            single.append(Source(stem, file))
        else:
            of_role[name] = file
    pairs = [Source(name, file, cts.pop(name, None)) for name, file in spects.items()]
    return [*pairs, *(Source(name, file) for name, file in cts.items()), *single]


def _stem(path: Path) -> str | None:
    """Name of an image file without its ending; None for another file."""
    for suffix in IMAGE_SUFFIXES:
        if path.name.lower().endswith(suffix):
            return path.name[: -len(suffix)]
    return None
