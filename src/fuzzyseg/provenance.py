"""What ran: versions of everything whose numbers end up in a result."""

from __future__ import annotations

import platform
from datetime import datetime
from importlib import metadata

_LIBRARIES = ("numpy", "scipy", "numba", "torch", "nibabel", "pydicom")


def versions() -> dict[str, str]:
    """Version of fuzzyseg, Python and the libraries; "not installed" where one is missing."""
    found = {"fuzzyseg": "", "python": platform.python_version()}
    for name in ("fuzzyseg", *_LIBRARIES):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def now() -> str:
    """Local time with its offset, ISO 8601, to the second."""
    return datetime.now().astimezone().isoformat(timespec="seconds")
