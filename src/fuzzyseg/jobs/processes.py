"""Processes that compute: started afresh, with one thread each, and gone with their parent."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Forked children would inherit the threads' locks of numerical libraries.
SPAWN = multiprocessing.get_context("spawn")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let processes that start meanwhile compute with one thread each."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def end_with_parent() -> None:
    """Stop this process as soon as its parent is gone, however that was ended."""
    threading.Thread(target=_watch_parent, daemon=True).start()


def _watch_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextlib.contextmanager
def executor(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Open a pool of such processes for functions of modules."""
    with (
        one_thread(),
        ProcessPoolExecutor(jobs, mp_context=SPAWN, initializer=end_with_parent) as pool,
    ):
        yield pool
