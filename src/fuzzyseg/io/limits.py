"""How much a file may ask for: a few bytes can announce more than any machine holds."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

# Bytes of one image or archive, unpacked. A CT of 512 x 512 x 3000 slices has 1.5 GB, a
# whole-body phantom of 1 mm in float32 1.3 GB.
_MAX_GB = 4.0
# Files in one archive: a CT of the trunk with its reconstructions has some thousand.
_MAX_FILES = 20_000


def max_bytes() -> int:
    """Bytes that an image or archive may take, from FUZZYSEG_MAX_GB; 4 GB by default."""
    return int(_number("FUZZYSEG_MAX_GB", _MAX_GB) * 1e9)


def max_files() -> int:
    """Files that an archive may hold, from FUZZYSEG_MAX_FILES; 20,000 by default."""
    return int(_number("FUZZYSEG_MAX_FILES", _MAX_FILES))


def require_size(size: float, path: Path) -> None:
    """Refuse an image of more bytes than `max_bytes`; raise InputError."""
    if size > max_bytes():
        raise InputError(
            f"expected an image of at most {max_bytes() / 1e9:g} GB, found {path}, which "
            f"announces {size / 1e9:.1f} GB; if that is right, set FUZZYSEG_MAX_GB"
        )


def _number(name: str, default: float) -> float:
    said = os.environ.get(name, "")
    try:
        value = float(said) if said else default
    except ValueError:
        value = -1.0
    if not 0 < value < 1e9:
        raise InputError(f"expected a positive number in {name}, found {said!r}; correct it")
    return value
