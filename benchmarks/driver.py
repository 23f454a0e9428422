"""Simulate what drives a cohort: how long 100,000 empty jobs keep it, and the table over them.

    python benchmarks/driver.py here                     the scheduler alone, in this process
    python benchmarks/driver.py local --jobs 2           through pipes to processes
    python benchmarks/driver.py ray --address HOST:PORT  over a Ray cluster that is running
    python benchmarks/driver.py table RESULTS/STUDY      a cohort that is done: found, and told

--count 1000 does fewer. The table is of copies of one folder of results, as links.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from fuzzyseg.batch.made_of import glance
from fuzzyseg.batch.many import Batch, run_batch
from fuzzyseg.batch.one import How
from fuzzyseg.batch.studies import find_studies
from fuzzyseg.jobs import Here, Task, get_engine, run

if TYPE_CHECKING:
    from fuzzyseg.jobs import Engine

LINKS = 50_000  # of a file; ext4 allows 65,000
READ = ("summary.json", "run.json")  # of a study that is done


def nothing() -> None:
    """Do what an empty job does."""


def empty_jobs(engine: str, count: int, jobs: int | None, address: str | None) -> None:
    """Time a driver whose jobs cost nothing."""
    options = {"address": address} if address else {}
    opened = Here() if engine == "here" else get_engine(engine, jobs=jobs, **options)
    with opened as running:
        run_all(running, 2 * running.slots)  # workers start
        began = time.perf_counter(), time.process_time()
        run_all(running, count)
        tell(f"{engine}, {running.slots} at a time", count, began)


def run_all(engine: Engine, count: int) -> None:
    tasks = [Task(str(n), nothing) for n in range(count)]
    if failed := sum(outcome.failure is not None for outcome in run(tasks, engine)):
        raise SystemExit(f"{failed} empty jobs failed")


def table(results: Path, count: int) -> None:
    """Time a run over a cohort that is done: it is listed, looked for, and told."""
    with tempfile.TemporaryDirectory() as folder:
        manifest, out = Path(folder) / "studies.csv", Path(folder) / "out"
        names = [f"study-{n:06}" for n in range(count)]
        manifest.write_text("study,image\n" + "".join(f"{name},a.nii.gz\n" for name in names))
        (Path(folder) / "a.nii.gz").touch()
        run_batch(Batch((), out, How()))  # begins it
        for n, name in enumerate(names):
            (out / name).mkdir()
            if n % LINKS == 0:
                source = Path(shutil.copytree(results, Path(folder) / f"source-{n}"))
            for file in READ:
                os.link(source / file, out / name / file)
        for source in find_studies(manifest):
            Batch((), out, How()).place(source).remember(glance(source))
        began = time.perf_counter(), time.process_time()
        batch = Batch(find_studies(manifest), out, How())
        tell("studies listed", count, began)
        if left := sum(row.state != "done" for row in run_batch(batch, engine=Here())):
            raise SystemExit(f"{left} studies were not done")
        tell("and the table written", count, began)


def tell(what: str, count: int, began: tuple[float, float]) -> None:
    wall, cpu = time.perf_counter() - began[0], time.process_time() - began[1]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{what}: {count} in {wall:.1f} s ({cpu:.1f} s of this process), {count / wall:.0f} a "
        f"second, at most {memory:.0f} MiB here",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("here", "local", "ray", "table"))
    parser.add_argument("results", type=Path, nargs="?")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--address")
    given = parser.parse_args()
    if given.what == "table":
        table(given.results, given.count)
    else:
        empty_jobs(given.what, given.count, given.jobs, given.address)


if __name__ == "__main__":
    main()
