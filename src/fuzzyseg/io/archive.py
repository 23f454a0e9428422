"""Zip archives in."""

from __future__ import annotations

import contextlib
import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fuzzyseg.errors import InputError
from fuzzyseg.io.limits import max_bytes, max_files
from fuzzyseg.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# What zipfile raises on damaged, encrypted or exotically compressed members.
_FAILURES = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    LookupError,
)
# An archive of images unpacks to some ten times its size, one of nearly empty ones to fifty; the
# ratio counts where it unpacks to more than the second number, in bytes.
_RATIO, _RATIO_COUNTS = 200.0, 1e8
# APPNOTE.TXT 4.3.12 and 4.3.16: bytes of the central directory for one member, without its name;
# where the end record begins at the earliest; and the number of members that it cannot hold.
_ENTRY_BYTES, _END_BYTES, _ELSEWHERE = 46, 65557, 0xFFFF


def is_zip(path: Path) -> bool:
    """Tell whether a path is to be unpacked."""
    with contextlib.suppress(OSError, ValueError):  # a name with NUL, or too long: nothing there
        return path.suffix.lower() == ".zip" and path.is_file()
    return False


@contextmanager
def extracted(path: Path) -> Iterator[Path]:
    """Unpack a zip into a folder that is removed afterwards.

    Parameters
    ----------
    path : Path
        The archive.

    Yields
    ------
    Path
        The folder with its files.

    Raises
    ------
    InputError
        If the archive is damaged, encrypted, or larger than the free space or the limits of
        `fuzzyseg.io.limits`, or if a member's path leads out of the folder.
    """
    with tempfile.TemporaryDirectory(prefix="fuzzyseg-") as folder:
        try:
            announced = _announced(path)
            with zipfile.ZipFile(path) as archive:
                members = archive.infolist()
                if announced not in (None, len({member.filename for member in members})):
                    raise zipfile.BadZipFile(
                        f"its list names {len(members)} files, its end {announced}"
                    )
                for member in members:
                    _require_inside(path, member)
                _require_modest(path, members)
                size, free = sum(m.file_size for m in members), shutil.disk_usage(folder).free
                if size > free:
                    raise InputError(
                        f"expected space to unpack {path}, found {free / 1e9:.1f} GB free for "
                        f"{size / 1e9:.1f} GB; free some space or pass the unpacked folder"
                    )
                archive.extractall(folder)  # every member was checked above
        except _FAILURES as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"expected a complete zip archive, found {path}, which cannot be unpacked "
                f"({one_line(error)}); copy it again or unpack it and pass the folder"
            ) from error
        yield Path(folder)


def _announced(path: Path) -> int | None:
    """Members that the end record of an archive announces, None where it has no such record.

    Raises
    ------
    InputError
        If they are more than the limit: listing very many takes long.
    """
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - _END_BYTES))
        tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) < end + 16:
        return None
    announced = int.from_bytes(tail[end + 10 : end + 12], "little")
    size = int.from_bytes(tail[end + 12 : end + 16], "little")
    if announced == _ELSEWHERE:  # a larger number stands in a record of its own
        _require_count(path, size // (_ENTRY_BYTES + 1))
        return None
    _require_count(path, announced)
    return announced


def _require_count(path: Path, members: int) -> None:
    if members > max_files():
        raise InputError(
            f"expected an archive of at most {max_files()} files, found {members} in {path}; "
            "unpack it and pass the folder of the study, or set FUZZYSEG_MAX_FILES"
        )


def _require_modest(path: Path, members: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse what announces more than an archive of images holds; raise InputError."""
    _require_count(path, len(members))
    size = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if packed > path.stat().st_size:
        raise InputError(
            f"expected members that lie one after another, found them overlapping in {path}; do "
            "not trust it, ask its sender for a new one"
        )
    if size > max_bytes():
        raise InputError(
            f"expected at most {max_bytes() / 1e9:g} GB unpacked, found {size / 1e9:.1f} GB in "
            f"{path}; unpack it and pass the folder of the study, or set FUZZYSEG_MAX_GB"
        )
    if size > _RATIO_COUNTS and size > _RATIO * packed:
        raise InputError(
            f"expected an archive of images, found one that unpacks to {size / max(packed, 1):.0f} "
            f"times its size in {path}; unpack it and pass the folder of the study"
        )


def _require_inside(path: Path, member: zipfile.ZipInfo) -> None:
    # The separators of every system count, wherever this runs.
    name = (member.orig_filename or member.filename).replace("\\", "/")
    climbs = ".." in name.split("/") or name.startswith("/") or re.match(r"[A-Za-z]:", name)
    link = stat.S_ISLNK(member.external_attr >> 16)
    if climbs or link:
        what = "a symbolic link" if link else "a path that leads out of it"
        raise InputError(
            f"expected an archive of plain files, found {what} in {path}: "
            f"{member.filename!r}; do not trust it, ask its sender for a new one"
        )
