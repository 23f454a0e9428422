"""Gather DICOM files into series, and read one."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections import defaultdict
from typing import TYPE_CHECKING

from fuzzyseg.errors import InputError
from fuzzyseg.io.dicom.classify import (
    LOCALIZER,
    LOCALIZER_REASON,
    OTHER_MODALITIES,
    SERIES_TAGS,
    require_whole,
    series_key,
    why_not_volume,
)
from fuzzyseg.io.dicom.elements import count, number, text
from fuzzyseg.io.dicom.file import looks_like_dicom, quiet, read_header
from fuzzyseg.io.dicom.media_directory import MEDIA_DIRECTORY, is_media_directory
from fuzzyseg.io.dicom.nm import read_nm
from fuzzyseg.io.dicom.series import read_series
from fuzzyseg.io.found import SeriesInfo, left_out
from fuzzyseg.io.messages import damaged

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pydicom import Dataset

    from fuzzyseg.volume import Modality, Volume

_SUFFIXES = (".dcm", ".dicom", ".ima")


def accepts(path: Path) -> bool:
    """Tell whether a file is DICOM, or is named like it; the directory of a CD is none."""
    if is_media_directory(path):
        return False
    return path.suffix.lower() in _SUFFIXES or looks_like_dicom(path)


@quiet()
def find(files: Sequence[Path]) -> list[SeriesInfo]:
    """Gather files into series, in the order of Series Number.

    Damaged files stand in the list where nothing else of their series does, and in its warnings
    where the others may make a whole volume.
    """
    groups: dict[tuple[str, ...], list[tuple[Path, Dataset]]] = defaultdict(list)
    broken: dict[tuple[str, ...], list[tuple[Path, InputError]]] = defaultdict(list)
    kinds: dict[tuple[str, ...], str] = {}
    for file in files:
        try:
            if not looks_like_dicom(file):
                raise damaged(file, "it does not begin like a DICOM file")
            header = read_header(file, SERIES_TAGS)
            if header.file_meta.get("MediaStorageSOPClassUID") == MEDIA_DIRECTORY:
                continue
            key = series_key(file, header)
        except InputError as error:
            broken[()].append((file, error))
            continue
        try:
            require_whole(file, header)
        except InputError as error:
            broken[key].append((file, error))
            kinds[key] = text(header, "Modality").upper()
        else:
            groups[key].append((file, header))
    found = [
        _info(group, broken.pop(key, []), len(groups.get(_localizer(key), [])))
        for key, group in sorted(groups.items(), key=_order)
    ]
    found = [_with_single(info, found) for info in found]
    strays = broken.pop((), [])
    found = [_with_strays(info, [*strays, *itertools.chain(*broken.values())]) for info in found]
    found += [_broken_info(files, kinds[key]) for key, files in broken.items()]
    return found + ([_broken_info(strays)] if strays else [])


def read(
    info: SeriesInfo, _: Modality | None, progress: Callable[[int, int], None] | None
) -> Volume:
    """Read a series that `find` has listed."""
    if info.kind == "NM":
        return read_nm(info.files[0])
    return read_series(info.files, progress=progress)


@quiet()
def headers(info: SeriesInfo) -> tuple[Dataset, ...]:
    """Read the whole headers of a series that `find` has listed; damaged files are left out."""
    found = []
    for file in info.files:
        with contextlib.suppress(InputError):
            found.append(read_header(file))
    return tuple(found)


def _localizer(key: tuple[str, ...]) -> tuple[str, ...]:
    return (*key[:-1], LOCALIZER) if key[-1] != LOCALIZER else ()


def _order(entry: tuple[tuple[str, ...], list[tuple[Path, Dataset]]]) -> tuple[float, str]:
    path, header = entry[1][0]
    try:
        return number(header, "SeriesNumber", path) or 0.0, str(path)
    except InputError:
        return 0.0, str(path)


def _info(
    group: list[tuple[Path, Dataset]], broken: list[tuple[Path, InputError]], localizers: int
) -> SeriesInfo:
    path, header = group[0]
    damaged_error = None
    try:
        rows, columns = count(header, "Rows", path, 0), count(header, "Columns", path, 0)
        slices = len(group) if len(group) > 1 else count(header, "NumberOfFrames", path, 1)
        reason = why_not_volume(group)
    except InputError as error:
        rows, columns, slices, reason, damaged_error = 0, 0, 0, str(error), error
    warnings = left_out([file for file, _ in broken], "damaged image file")
    if localizers:
        warnings += (
            f"{localizers} localizer image(s) stored with the slices of the series were left out.",
        )
    return SeriesInfo(
        number=0,
        kind=text(header, "Modality").upper() or "unknown",
        description=text(header, "SeriesDescription") or text(header, "ImageID") or path.name,
        shape=(columns, rows, slices) if rows and columns else (0, 0, 0),
        files=tuple(file for file, _ in group),
        reason=reason,
        warnings=warnings,
        left_out=tuple(file for file, _ in broken),
        damaged=damaged_error is not None,
    )


def _with_single(info: SeriesInfo, found: list[SeriesInfo]) -> SeriesInfo:
    """Say if an image stands alone that may belong to this series: its header may be damaged."""
    alone = [
        other.files[0]
        for other in found
        if other.n_files == 1 < info.n_files
        and other.kind not in OTHER_MODALITIES
        and not other.readable
        and other.reason != LOCALIZER_REASON
    ]
    said = left_out(alone, "single image file")
    return dataclasses.replace(info, warnings=info.warnings + said)


def _with_strays(info: SeriesInfo, strays: list[tuple[Path, InputError]]) -> SeriesInfo:
    said = left_out([file for file, _ in strays], "damaged and unidentified file")
    return dataclasses.replace(info, warnings=info.warnings + said)


def _broken_info(broken: list[tuple[Path, InputError]], kind: str = "") -> SeriesInfo:
    """List files of which nothing is whole."""
    _, error = broken[0]
    return SeriesInfo(
        number=0,
        kind=kind or "unknown",
        description=", ".join(file.name for file, _ in broken[:3]),
        shape=(0, 0, 0),
        files=tuple(file for file, _ in broken),
        reason=str(error),
        damaged=True,
    )
