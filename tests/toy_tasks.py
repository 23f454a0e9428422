"""Functions that other processes import."""

import errno
import os
import signal
import time
from pathlib import Path

from fuzzyseg.errors import InputError
from fuzzyseg.io.output import new_folder
from fuzzyseg.jobs import Later


def add(a, b):
    return a + b


def fail(line):
    raise InputError(line)


def slip():
    return 1 // 0


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(path):
    if not Path(path).exists():
        Path(path).touch()
        die()
    return "there"


def fill(_=None):
    raise OSError(errno.ENOSPC, "No space left on device")


def hunger(error):
    raise error


def begin_folder(path):
    with new_folder(Path(path)):
        time.sleep(600)


def threads():
    return os.getpid(), os.environ["OMP_NUM_THREADS"]


def once_there(path):
    if not Path(path).exists():
        Path(path).touch()
        raise Later
    return "there"


def write(work):
    """A job: one more line to a file outside, so that doing it twice shows."""
    with Path(work.settings["log"]).open("a", encoding="utf-8") as log:
        log.write(f"{work.settings['name']}\n")
    texts = [
        (folder / "text").read_text() for folders in work.inputs.values() for folder in folders
    ]
    time.sleep(work.settings.get("sleep", 0))
    (work.folder / "text").write_text("".join([*texts, work.settings["name"]]))
    return {"length": len(texts)}


def go_on(work):
    """A job that is killed the first time, with half of its work done."""
    half = work.folder / "half"
    if not half.exists():
        half.touch()
        die()
    return {"went_on": True}
