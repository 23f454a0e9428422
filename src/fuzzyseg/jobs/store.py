"""What is done, in folders named by all that it depends on: nothing is done twice.

A folder appears when it is whole. Several processes may work on one store: a lock, which ends with
the process that holds it, keeps each job with one of them.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import hashlib
import importlib.util
import json
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuzzyseg.errors import InputError
from fuzzyseg.io.output import cannot_write, locked, write_text
from fuzzyseg.jobs.task import Later, Task
from fuzzyseg.provenance import now, versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

RECORD = "job.json"
_PARTIAL = ".partial"
_DIGITS = 16


@dataclass(frozen=True)
class Work:
    """What a job's function is given.

    Parameters
    ----------
    folder : Path
        To write to. Empty, or, for a job that resumes, as a killed process left it.
    settings : mapping
        The job's.
    inputs : mapping of str to tuple of Path
        Folders of the jobs that it needs.
    files : mapping of str to Path
        Files from elsewhere.
    """

    folder: Path
    settings: Mapping[str, Any]
    inputs: Mapping[str, tuple[Path, ...]]
    files: Mapping[str, Path]


@dataclass(frozen=True, eq=False)
class Job:
    """Something to compute once.

    Parameters
    ----------
    kind : str
        A word: the folder that holds the folders of its kind.
    function : callable
        Of a module; takes a `Work`, writes files, and may return what JSON can hold for the record.
    settings : mapping
        All that decides the result and is neither code nor input, as JSON can hold it.
    needs : mapping of str to tuple of Job
    files : mapping of str to Path
        Told apart by their content, wherever they lie.
    code : tuple of str
        Modules and packages whose sources decide the result.
    resumes : bool
        Whether the function goes on with what a killed process left in its folder.
    label : str
        For people; no part of the key.
    """

    kind: str
    function: Callable[[Work], Mapping[str, Any] | None]
    settings: Mapping[str, Any] = field(default_factory=dict)
    needs: Mapping[str, tuple[Job, ...]] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    code: tuple[str, ...] = ()
    resumes: bool = False
    label: str = ""

    @functools.cached_property
    def key(self) -> str:
        """Digest of all that the result depends on."""
        return _digest(json.dumps(self.described(), sort_keys=True).encode())

    @property
    def name(self) -> str:
        """Kind and key."""
        return f"{self.kind}/{self.key}"

    def described(self) -> dict[str, Any]:
        """Say what the result depends on."""
        return {
            "kind": self.kind,
            "settings": dict(self.settings),
            "needs": {name: [job.name for job in jobs] for name, jobs in self.needs.items()},
            "files": {name: _content(path) for name, path in self.files.items()},
            "code": sources_digest(self.code),
        }


class Store:
    """A folder of results.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    InputError
        Where the system has no locks for folders (Windows).
    """

    def __init__(self, folder: Path) -> None:
        if importlib.util.find_spec("fcntl") is None:
            raise InputError(
                "expected a system that can lock folders (Linux, macOS), found none; "
                "run this on one"
            )
        self.folder = folder

    def path(self, job: Job) -> Path:
        """Folder of a job's result; it exists when the job is done."""
        return self.folder / job.kind / job.key

    def done(self, job: Job) -> bool:
        """Whether the result is there."""
        return self.path(job).is_dir()

    def record(self, job: Job) -> dict[str, Any]:
        """Read settings, seconds and "result" of a job that is done."""
        found: dict[str, Any] = json.loads((self.path(job) / RECORD).read_text("utf-8"))
        return found

    def tasks(self, jobs: Iterable[Job]) -> list[Task]:
        """List what is still to compute of jobs and of all that they need, for `run`."""
        found: dict[str, Task] = {}
        for job in jobs:
            self._add(job, found)
        return list(found.values())

    def _add(self, job: Job, found: dict[str, Task]) -> None:
        if job.name in found or self.done(job):
            return
        needed = [need for needs in job.needs.values() for need in needs]
        for need in needed:
            self._add(need, found)
        work = Work(
            self.path(job),
            job.settings,
            {name: tuple(map(self.path, needs)) for name, needs in job.needs.items()},
            job.files,
        )
        found[job.name] = Task(
            job.name,
            perform,
            (job.function, work, job.described(), job.resumes),
            tuple(need.name for need in needed if need.name in found),
        )


def perform(
    function: Callable[[Work], Mapping[str, Any] | None],
    work: Work,
    described: Mapping[str, Any],
    resumes: bool,
) -> None:
    """Compute a job, unless it is done; its folder appears when it is whole.

    Raises
    ------
    Later
        If another process is at it.
    InputError
        If the function raises it, or the store cannot be written to.
    """
    done, partial = work.folder, work.folder.with_name(work.folder.name + _PARTIAL)
    if done.is_dir():
        return
    with _writing(done):
        partial.mkdir(parents=True, exist_ok=True)
    with locked(partial, wait=False) as ours:
        if not ours:
            raise Later
        if done.is_dir():  # another process was faster
            partial.rmdir()
            return
        if not resumes:
            _empty(partial)
        started, cpu = time.perf_counter(), time.process_time()
        result = function(Work(partial, work.settings, work.inputs, work.files))
        record = {
            **described,
            "finished": now(),
            "seconds": round(time.perf_counter() - started, 3),
            "cpu_seconds": round(time.process_time() - cpu, 3),
            "versions": versions(),
            "result": result,
        }
        text = json.dumps(record, indent=2, allow_nan=False) + "\n"
        with _writing(done):
            write_text(partial / RECORD, text)
            partial.rename(done)


@contextlib.contextmanager
def _writing(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise cannot_write(place, error) from error


def _empty(folder: Path) -> None:
    for left in folder.iterdir():
        shutil.rmtree(left) if left.is_dir() else left.unlink()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_DIGITS]


def _content(path: Path) -> str:
    """Digest of a file; a large one is read once as long as it stays as it is."""
    stat = path.stat()
    return _read(path.resolve(), stat.st_mtime_ns, stat.st_size)


@functools.cache
def _read(path: Path, changed_ns: int, size: int) -> str:  # noqa: ARG001 - tell contents apart
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:_DIGITS]


@functools.cache
def sources_digest(modules: tuple[str, ...]) -> str:
    """Digest of the sources of modules and packages, as far as they can change a result.

    Comments, docstrings and layout do not count: a better sentence makes nothing be done again.
    """
    digest = hashlib.sha256()
    for module in sorted(modules):
        spec = importlib.util.find_spec(module)
        if spec is None or spec.origin is None:
            raise ValueError(f"no sources of {module}")
        home = Path(spec.origin)
        package = bool(spec.submodule_search_locations)
        for path in sorted(home.parent.rglob("*.py")) if package else [home]:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            digest.update(f"{module}\0{ast.dump(_without_text(tree))}\0".encode())
        for path in sorted(home.parent.rglob("*.toml")) if package else []:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:_DIGITS]


def _without_text(tree: ast.AST) -> ast.AST:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        first = body[0] if isinstance(body, list) and body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            node.body = body[1:]  # type: ignore[attr-defined,index]
    return tree
