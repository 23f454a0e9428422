"""Files and folders of results that are either whole or not there."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_STAGING = ".fuzzyseg-unfinished-"


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path to write to that takes the place of `path` at the end.

    The file is there whole, or as it was before; nothing half-written is left.
    """
    partial = path.with_name(f".{path.name}.unfinished")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a file in one step: it is there whole, or as it was before.

    Raises
    ------
    OSError
        If the file system refuses; nothing half-written is left.
    """
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def results_folder(out: Path, names: Sequence[str], *, force: bool = False) -> Iterator[Path]:
    """Yield an empty folder to write results to; they appear in `out` together at the end.

    If the block raises, or the process is killed, `out` holds what it held before, besides a
    hidden folder that the next run removes. The last of `names` is moved last: where it is,
    the others are whole and belong to it.

    Parameters
    ----------
    out : Path
        Made if it does not exist.
    names : sequence of str
        The files that the block writes.
    force : bool
        Replace results that are there already.

    Raises
    ------
    InputError
        If `out` holds any of `names` and `force` is not set, or cannot be written to.
    """
    held = [name for name in names if (out / name).exists()]
    if held and not force:
        raise InputError(
            f"expected an output folder without results, found {', '.join(held)} in {out}; "
            "choose another folder, or replace them with --force"
        )
    new = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        for left in out.glob(f"{_STAGING}*"):
            shutil.rmtree(left, ignore_errors=True)
        staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=out))
    except OSError as error:
        raise InputError(
            f"expected a folder that can be written to, found {out}: {error.strerror}; "
            "choose another folder"
        ) from error
    try:
        yield staging
        if held:
            (out / names[-1]).unlink(missing_ok=True)
        for name in names:
            (staging / name).replace(out / name)
    except OSError as error:
        raise InputError(
            f"expected room to write results to {out}, found: {error.strerror}; "
            "free some space or choose another folder"
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        if new:
            with contextlib.suppress(OSError):  # not empty: it holds the results
                out.rmdir()
