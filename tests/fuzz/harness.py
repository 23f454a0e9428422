"""Read mutants one after the other, and count what must not happen."""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from corpus import Study, studies
from judge import is_silent
from mutate import mutant

from fuzzyseg.errors import InputError
from fuzzyseg.io import read_volume

LIMIT_S = 10.0


class HangError(BaseException):
    """A mutant that took too long; no Exception, so that no reader takes it for damage."""


@dataclass
class Tally:
    """What became of the mutants."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest_s: float = 0.0


def run(count: int, seed: int = 0) -> Tally:
    """Mutate and read `count` inputs."""
    tally = Tally()

    def stop(*_: object) -> None:
        raise HangError

    before = signal.signal(signal.SIGALRM, stop)
    try:
        with tempfile.TemporaryDirectory() as folder:
            made = studies(Path(folder))
            whole = {study.name: _read(Path(folder) / study.name, study.files) for study in made}
            for number in range(count):
                rng = random.Random(f"{seed}/{number}")
                study = made[number % len(made)]
                _one(study, whole[study.name], Path(folder) / "mutant", rng, number, tally)
    finally:
        signal.signal(signal.SIGALRM, before)
    return tally


def _one(study: Study, whole: object, folder: Path, rng: random.Random, number: int, tally: Tally):
    files, how = mutant(study, rng)
    name = f"input {number} ({study.name}, {how})"
    started = time.perf_counter()
    signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
    try:
        found = _read(folder, files)
        outcome = "silent" if is_silent(study, files, whole, found) else "read"
        if outcome == "silent":
            tally.failures.append(f"{name}: differs without a word: {whole} {found}")
    except InputError as error:
        outcome = "refused"
        if "\n" in str(error) or not str(error).startswith("expected "):
            tally.failures.append(f"{name}: no line of the house: {error}")
    except HangError:
        outcome = "hang"
        tally.failures.append(f"{name}: took more than {LIMIT_S:g} s")
    except Exception as error:
        outcome = "traceback"
        tally.failures.append(f"{name}:\n{_short(error)}")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    tally.outcomes[outcome] += 1
    tally.slowest_s = max(tally.slowest_s, time.perf_counter() - started)


def _read(folder: Path, files: dict[str, bytes]):
    folder.mkdir(exist_ok=True)
    for left in folder.iterdir():
        left.unlink()
    for name, raw in files.items():
        (folder / name).write_bytes(raw)
    zipped = [name for name in files if name.endswith(".zip")]
    return read_volume(folder / zipped[0] if zipped else folder, modality=None)


def _short(error: Exception) -> str:
    """Type and text of an error, and the last places it came through."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in frames[:-7:-1])
    return f"{type(error).__name__}: {error} at {places}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    begun = time.perf_counter()
    done = run(arguments.count, arguments.seed)
    seconds = time.perf_counter() - begun
    for line in (
        f"{arguments.count} inputs in {seconds:.0f} s, the slowest in {done.slowest_s:.2f} s",
        ", ".join(f"{count} {outcome}" for outcome, count in sorted(done.outcomes.items())),
        *done.failures[:40],
    ):
        sys.stdout.write(line + "\n")
    sys.exit(bool(done.failures))
