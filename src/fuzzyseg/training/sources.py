"""Which files to train on: folders that `simulate` wrote, or a manifest of image/label pairs."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_IMAGES = ("spect", "ct")
_COLUMNS = ("name", *_IMAGES, "labels", "activity")


@dataclass(frozen=True)
class Source:
    """The files of one case; what is missing is None.

    Parameters
    ----------
    name : str
    spect, ct : Path or None
        Images: NIfTI, DICOM folder, or zip.
    labels : Path or None
        NIfTI of class numbers on the grid of the first image; -1 where nobody knows.
    activity : Path or None
        True activity on that grid, for domain randomisation.
    """

    name: str
    spect: Path | None = None
    ct: Path | None = None
    labels: Path | None = None
    activity: Path | None = None


def find_sources(data: Sequence[Path], channels: Sequence[str]) -> list[Source]:
    """List the cases in folders and manifests.

    A folder holds patients that `fuzzyseg simulate` wrote, or is one of them. A manifest is a
    CSV file with a header line, or a JSON list of objects; its columns are name, spect, ct,
    labels and activity, all but the images of `channels` optional, paths relative to it.

    Parameters
    ----------
    data : sequence of Path
    channels : sequence of {"spect", "ct"}
        What every case must have.

    Raises
    ------
    InputError
        If there are no cases, or one lacks an image or names a file that does not exist.
    """
    found: list[Source] = []
    for path in data:
        if path.is_dir():
            found += _in_folder(path, channels)
        elif path.suffix.lower() in {".csv", ".json"} and path.is_file():
            found += _in_manifest(path)
        else:
            raise InputError(
                f"expected a folder of simulated patients or a manifest (.csv, .json), found "
                f"{path}; see docs/training.md"
            )
    for source in found:
        missing = [name for name in channels if getattr(source, name) is None]
        if missing:
            raise InputError(
                f"expected an image {' and '.join(missing)} of every case, found none of "
                f"{source.name}; add it, or train on other --channels"
            )
    return found


def _in_folder(folder: Path, channels: Sequence[str]) -> list[Source]:
    patients = [folder] if (folder / "patient.json").is_file() else sorted(folder.glob("patient-*"))
    patients = [p for p in patients if (p / "patient.json").is_file()]
    if not patients:
        raise InputError(
            f"expected patients that `fuzzyseg simulate` wrote, found none in {folder}; "
            "give that folder, or a manifest (docs/training.md)"
        )
    alone = tuple(channels) == ("ct",)  # then the CT's own, finer grid is the one to learn on
    return [
        Source(
            name=f"{p.resolve().parent.name}/{p.name}",
            spect=None if alone else p / "spect.nii.gz",
            ct=p / "ct.nii.gz",
            labels=p / ("ct_labels.nii.gz" if alone else "labels.nii.gz"),
            activity=None if alone else p / "activity.nii.gz",
        )
        for p in patients
    ]


def _in_manifest(path: Path) -> list[Source]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".csv":
            rows: Any = list(csv.DictReader(text.splitlines()))
        else:
            rows = json.loads(text)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, csv.Error) as error:
        raise InputError(
            f"expected a manifest that can be read, found {path}: {error}; "
            f"columns are {', '.join(_COLUMNS)}"
        ) from error
    if not rows or not isinstance(rows, list) or not all(isinstance(r, dict) for r in rows):
        raise InputError(
            f"expected one line (an object in JSON) per case, found none in {path}; "
            f"columns are {', '.join(_COLUMNS)}"
        )
    return [_row(row, number, path) for number, row in enumerate(rows, 1)]


def _row(row: Mapping[str, Any], number: int, manifest: Path) -> Source:
    unknown = sorted("a value too many" if k is None else k for k in set(row) - set(_COLUMNS))
    if unknown:
        raise InputError(
            f"expected the columns {', '.join(_COLUMNS)} in {manifest}, found "
            f"{', '.join(unknown)}; rename or remove it"
        )
    name = str(row.get("name") or f"case {number}")

    def file(column: str) -> Path | None:
        value = row.get(column)
        if not value:
            return None
        path = manifest.parent / str(value)
        if not path.exists():
            raise InputError(
                f"expected the {column} of {name} at {path}, found nothing there; paths in "
                f"{manifest.name} are relative to its folder"
            )
        return path

    return Source(name, *(file(column) for column in _COLUMNS[1:]))
