"""Text of errors that libraries raise, and the errors made of it."""

from __future__ import annotations

import struct
import textwrap
import zlib
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from fuzzyseg.errors import InputError, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Characters of a library's error that are passed on.
_LONGEST_DETAIL = 160


@cache
def parse_errors() -> tuple[type[Exception], ...]:
    """List what pydicom raises on files that are cut short or damaged."""
    from pydicom.errors import BytesLengthException, InvalidDicomError

    return (
        BytesLengthException,
        InvalidDicomError,
        EOFError,
        OSError,
        ValueError,
        ArithmeticError,
        LookupError,
        TypeError,
        AttributeError,
        AssertionError,
        StopIteration,
        RuntimeError,  # of which NotImplementedError is one
        struct.error,
        zlib.error,
    )


def one_line(error: BaseException) -> str:
    """Text of a library's error on one line, cut where it becomes a treatise."""
    return textwrap.shorten(str(error), _LONGEST_DETAIL, placeholder=" ...") or type(error).__name__


def percent(value: float) -> str:
    """Write a percentage with two digits, and 100 as such."""
    return f"{value:.0f}%" if value >= 10 else f"{value:.2g}%"


def longer_warning(files: int) -> tuple[str, ...]:
    """Say that files hold more than their headers announce; nothing if none does."""
    if not files:
        return ()
    which = "The image file holds" if files == 1 else f"{files} image files hold"
    return (f"{which} more bytes than announced, so the pixels may be displaced; check the image.",)


def damaged(path: Path, detail: str) -> InputError:
    """Build the error for a file that is cut short; `detail` says how it shows."""
    return InputError(
        f"expected a complete DICOM file, found {path} truncated or damaged ({detail}); "
        "copy or export it again"
    )


@contextmanager
def refusing(what: str) -> Iterator[None]:
    """Turn what libraries raise on headers that they cannot use into one line, without a path."""
    try:
        yield
    except InputError:
        raise
    except parse_errors() as error:
        raise SourceError(
            f"expected DICOM headers that allow a {what}, found: {one_line(error)}; "
            "export the series again, or choose --formats without DICOM"
        ) from error
