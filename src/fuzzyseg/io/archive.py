"""Zip archives in."""

from __future__ import annotations

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
from fuzzyseg.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

# What zipfile raises on damaged, encrypted or exotically compressed members.
_FAILURES = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)


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
        If the archive is damaged, encrypted or larger than the free space, or if a member's
        path leads out of the folder.
    """
    with tempfile.TemporaryDirectory(prefix="fuzzyseg-") as folder:
        try:
            with zipfile.ZipFile(path) as archive:
                members = archive.infolist()
                for member in members:
                    _require_inside(path, member)
                size, free = sum(m.file_size for m in members), shutil.disk_usage(folder).free
                if size > free:
                    raise InputError(
                        f"expected room to unpack {path}, found {free / 1e9:.1f} GB free for "
                        f"{size / 1e9:.1f} GB; free some space or pass the unpacked folder"
                    )
                archive.extractall(folder)  # every member was checked above
        except _FAILURES as error:
            raise InputError(
                f"expected a whole zip archive, found {path}, which cannot be unpacked "
                f"({one_line(error)}); copy it again or unpack it and pass the folder"
            ) from error
        yield Path(folder)


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
