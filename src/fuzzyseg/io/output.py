"""Files and folders of results that are either whole or not there."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import shutil
import time
from typing import TYPE_CHECKING, Any

from fuzzyseg.errors import InputError
from fuzzyseg.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_MARK = ".fuzzyseg-unfinished-"
# What nobody has touched for so long was left by a process that was killed: one that lives may
# compute for hours before it writes.
_ABANDONED_S = 24 * 3600.0
_RESULTS = "results"
# Characters of a file's name that its unfinished one shows: a name must stay below 255 bytes.
_SHOWN = 40
_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path to write to that takes the place of `path` at the end.

    The file is there whole, or as it was before; nothing half-written is left. Every caller
    gets a name of its own with the ending of `path`: where several processes write one file,
    each replaces it whole, and the last one's stays.

    Raises
    ------
    OSError
        If the file system refuses.
    """
    partial = _unfinished(path)
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes `path` at the end, whole; `path` is absent or empty.

    Raises
    ------
    OSError
        If the file system refuses, or `path` has been filled meanwhile.
    """
    partial = _unfinished(path)
    try:
        partial.mkdir()
        with locked(partial):  # so that no sweep takes it for abandoned
            yield partial
            if path.exists():
                path.rmdir()  # empty; not every system renames over it
            partial.rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a file in one step; raises OSError as `replacing` does."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def to_json(value: Any) -> str:
    """JSON with an indent; NaN is a mistake here and raises.

    What is no Unicode, in a file's name say, is escaped.
    """
    text = json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def cannot_write(path: Path, error: OSError) -> InputError:
    """Build the error for a place that cannot be written to."""
    return InputError(
        f"expected to write {path}, found that it cannot be written ({one_line(error)}); "
        "choose a folder that exists, is writable and has space"
    )


def disk_full(error: BaseException | None) -> bool:
    """Tell whether an error, or what it came from, is that a disk or a quota is full."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        error = error.__cause__
    return False


@contextlib.contextmanager
def results_folder(out: Path, names: Sequence[str], *, force: bool = False) -> Iterator[Path]:
    """Yield an empty folder to write results to; they appear in `out` together at the end.

    If the block raises, or the process is killed, `out` holds what it held before, besides a
    hidden folder that the next run removes. The last of `names` is moved last: where it
    is, the others are whole and belong to it, even where several processes write to `out`.

    Parameters
    ----------
    out : Path
        Made if it does not exist.
    names : sequence of str
        The files that the block may write; the last it must. Those that it does not write are
        removed from `out`: what is there then is of one run.
    force : bool
        Replace results that are there already.

    Raises
    ------
    InputError
        If `out` holds any of `names` and `force` is not set, at the start or by the end, or
        cannot be written to.
    """
    try:
        _require_free(out, names, force=force)
        new = not out.exists()
        out.mkdir(parents=True, exist_ok=True)
        staging = _unfinished(out / _RESULTS)
        with locked(out):  # so that nobody meets a folder that nobody holds yet
            sweep(out)
            staging.mkdir()
            held = contextlib.ExitStack()
            held.enter_context(locked(staging))
    except OSError as error:
        raise InputError(
            f"expected a writable folder, found {out}: {error.strerror}; choose another folder"
        ) from error
    try:
        yield staging
        with locked(out):
            _require_free(out, names, force=force)
            (out / names[-1]).unlink(missing_ok=True)
            for name in names:
                if name == names[-1] or (staging / name).exists():
                    (staging / name).replace(out / name)
                else:
                    (out / name).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"expected space to write results to {out}, found: {error.strerror}; "
            "free some space or choose another folder"
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        held.close()
        if new:
            with contextlib.suppress(OSError):  # not empty: it holds the results
                out.rmdir()


def sweep(folder: Path, *, older_than_s: float = _ABANDONED_S) -> None:
    """Remove what killed processes left unfinished in a folder.

    Results that no living process holds go at once, what cannot be told after `older_than_s`.
    """
    for left in folder.glob(f"{_MARK}*"):
        with contextlib.suppress(OSError):  # its own process has finished it meanwhile
            old = time.time() - left.stat().st_mtime >= older_than_s
            if not old and left.name.endswith(_RESULTS):
                with locked(left, wait=False) as ours:
                    old = ours
            if old:
                shutil.rmtree(left) if left.is_dir() else left.unlink()


def _unfinished(path: Path) -> Path:
    """Name beside `path`, hidden and nobody else's, with its ending, which says how to write."""
    own = f"{_MARK}{secrets.token_hex(8)}-"
    return path.with_name(own + path.name[-_SHOWN:])


def _require_free(out: Path, names: Sequence[str], *, force: bool) -> None:
    held = [name for name in names if (out / name).exists()]
    if held and not force:
        raise InputError(
            f"expected an output folder without results, found {', '.join(held)} in {out}; "
            "choose another folder, or replace them with --force"
        )


@contextlib.contextmanager
def locked(folder: Path, *, wait: bool = True) -> Iterator[bool]:
    """Let one process at a time into a folder; the lock ends with the process that holds it.

    Yields
    ------
    bool
        Whether the lock is ours: not where somebody else's is and `wait` is not set, nor where
        the system has no locks for folders (Windows, some network file systems).
    """
    try:
        import fcntl
    except ImportError:
        yield False
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            ours = True
        except OSError:
            ours = False
        yield ours
    finally:
        os.close(handle)
