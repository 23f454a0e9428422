"""Many studies through `process`: where results go, what is left to do, and what failed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, Any

from fuzzyseg.batch.beside import with_ct_beside
from fuzzyseg.batch.bids import as_derivative, derivative_files, write_description
from fuzzyseg.batch.cohort_csv import Row, cohort_csv, read_row
from fuzzyseg.batch.cohort_html import cohort_html
from fuzzyseg.batch.made_of import glance, input_digest
from fuzzyseg.batch.one import (
    FILES,
    How,
    check_how,
    of_patient,
    process,
    read,
    result_names,
)
from fuzzyseg.batch.place import other_places, place_of
from fuzzyseg.errors import InputError
from fuzzyseg.io.output import (
    cannot_write,
    locked,
    new_folder,
    results_folder,
    sweep,
    write_text,
)
from fuzzyseg.jobs import Task, get_engine, run
from fuzzyseg.models.locate import card_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from fuzzyseg.batch.place import Place
    from fuzzyseg.batch.source import Source
    from fuzzyseg.jobs import Engine, Failure

_RECORD = "batch.json"


@dataclass(frozen=True)
class Batch:
    """Studies, and what is done with them.

    Parameters
    ----------
    sources : tuple of Source
        All of the cohort, not only those of one part.
    out : Path
    how : How
    bids : bool
        Name results as BIDS wants derivatives.
    """

    sources: tuple[Source, ...]
    out: Path
    how: How = field(default_factory=How)
    bids: bool = False

    def place(self, source: Source) -> Place:
        """Where a study's results go."""
        return place_of(source, self.out, bids=self.bids)

    @property
    def others(self) -> list[tuple[str, Place]]:
        """Studies that earlier runs left in `out`, of other sources, with their places."""
        return other_places(self.out, self.sources, bids=self.bids)


def run_batch(
    batch: Batch,
    *,
    part: tuple[int, int] = (1, 1),
    engine: Engine | None = None,
    failed: Callable[[str, str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Row]:
    """Segment every study that has no results yet, and tell of all in cohort.csv and .html.

    Where results of its name were made of other images, a study fails, and they keep their row.
    Studies of earlier runs, from other sources, keep their rows there.

    Parameters
    ----------
    batch : Batch
    part : (int, int)
        (3, 16): only every 16th study from the third; others may do the other parts meanwhile.
    engine : Engine, optional
        Of `fuzzyseg.jobs.get_engine`, entered here; by default one process of this machine.
    failed : callable, optional
        Called with the name of a study that failed, and why, in one line.
    progress : callable, optional
        Called with (studies tried or there, studies of this part).

    Returns
    -------
    list of Row
        A row a study of `batch.sources`.

    Raises
    ------
    InputError
        If `out` was begun with other options, cannot be written to, or a disk is full; what is
        whole stays.
    """
    check_how(batch.how)
    places = [batch.place(source) for source in batch.sources]
    _require_own_places(batch, places)
    try:
        _begin(batch)
        mine = range(part[0] - 1, len(places), part[1])
        todo = [n for n in mine if not _known_done(batch.sources[n], places[n])]
        tasks = [Task(str(n), run_one, (batch.sources[n], places[n], batch.how)) for n in todo]
        done = len(mine) - len(todo)
        with engine or get_engine() as pool:
            for outcome in run(tasks, pool):
                n, failure = int(outcome.task.name), outcome.failure
                if failure is not None:
                    _note(places[n], failure)
                    if failed is not None:
                        failed(batch.sources[n].name, failure.line)
                done += 1
                if progress is not None:
                    progress(done, len(mine))
        return _tell(batch, places)
    except OSError as error:
        raise cannot_write(batch.out, error) from error


def run_one(source: Source, place: Place, how: How) -> None:
    """Segment one study, unless it is done.

    Raises
    ------
    InputError
        If it cannot be done, or results of its name were made of other images.
    """
    seen = glance(source)
    if place.done:  # earlier, or by another process, or by a worker that was lost meanwhile
        _require_same_input(source, place, how)
        _settle(place, seen)
        return
    try:
        with _results(place) as folder:
            process(with_ct_beside(source), folder, how)
            if place.prefix:
                as_derivative(folder, place.prefix)
    except (InputError, OSError) as error:
        if place.done:  # another process was faster
            _require_same_input(source, place, how)
            return
        if isinstance(error, OSError):
            raise cannot_write(place.folder, error) from error
        raise
    _settle(place, seen)


def _known_done(source: Source, place: Place) -> bool:
    """Whether the results are there, and the files that they were made of as they were then."""
    if not place.done or not (seen := glance(source)) or seen != place.seen:
        return False
    place.failure.unlink(missing_ok=True)  # of another study of this name
    return True


def _require_same_input(source: Source, place: Place, how: How) -> None:
    """Raise InputError if results were made of something else; the images are read for it."""
    try:
        made_of = json.loads(place.file(FILES[-1]).read_text("utf-8"))["study"].get("sha256")
    except (ValueError, LookupError, TypeError, AttributeError):
        return  # damaged: their row says so
    how = of_patient(how, source)
    if input_digest(read(with_ct_beside(source)), how.measuring) != made_of:
        raise InputError(
            "expected results made of the same images and figures of the patient, found some in "
            f"{place.folder} that were made of others; name this study otherwise, or move or "
            "remove those results to have it segmented"
        )


def _settle(place: Place, seen: str) -> None:
    """Note that the results are this study's."""
    place.failure.unlink(missing_ok=True)
    place.remember(seen)


def _results(place: Place) -> AbstractContextManager[Path]:
    """Open the folder that results appear in together: the study's own, or one of BIDS."""
    if not place.prefix:
        return new_folder(place.folder)
    return results_folder(place.folder, derivative_files(place.prefix, result_names()))


def _note(place: Place, failure: Failure) -> None:
    """Write down why a study failed, for the table; where the code is to blame, also where."""
    told = {"reason": failure.line}
    if not failure.expected:
        told["traceback"] = failure.traceback
    place.failure.parent.mkdir(exist_ok=True)
    write_text(place.failure, json.dumps(told) + "\n")


def _require_own_places(batch: Batch, places: Sequence[Place]) -> None:
    """Raise InputError where two studies would share their files in a BIDS derivative."""
    taken: dict[Path, str] = {}
    for source, place in zip(batch.sources, places, strict=True):
        file = place.file(FILES[-1])
        if file in taken:
            raise InputError(
                f"expected names that differ in letters and digits for --bids, found "
                f"{taken[file]!r} and {source.name!r}; rename one"
            )
        taken[file] = source.name


def _begin(batch: Batch) -> None:
    """Write down how the studies are segmented, or check that it is as it was when `out` began."""
    made = _described(batch)
    record = batch.out / _RECORD
    batch.out.mkdir(parents=True, exist_ok=True)
    if not record.exists():
        if any(batch.out.iterdir()):
            raise InputError(
                f"expected an empty folder or a cohort to continue, found other files in "
                f"{batch.out}; choose another folder"
            )
        write_text(record, json.dumps(made, indent=2) + "\n")
        if batch.bids:
            write_description(batch.out)
        return
    sweep(batch.out)
    try:
        before = json.loads(record.read_text("utf-8"))
        different = [name for name, value in made.items() if before.get(name) != value]
    except (ValueError, AttributeError) as error:
        raise InputError(
            "expected the record of how the cohort was begun, found a damaged "
            f"{record}; choose another folder"
        ) from error
    if different:
        raise InputError(
            f"expected the options that the cohort in {batch.out} was begun with, "
            "found a different "
            f"{' and '.join(different)}; give the same options, or choose another folder"
        )


def _described(batch: Batch) -> dict[str, Any]:
    how = batch.how
    settings = asdict(how.settings)
    del settings["jobs"]
    if how.settings.model is not None:
        settings["model"] = card_of(how.settings.model).sha256
    told = {
        **settings,
        **{f"measuring.{name}": value for name, value in asdict(how.measuring).items()},
        "formats": how.formats,
        "rtstruct": how.rtstruct,
        "allow_mismatch": how.allow_mismatch,
        "keep_identity": how.keep_identity,
        "bids": batch.bids,
        "fuzzyseg": metadata.version("fuzzyseg"),
    }
    found: dict[str, Any] = json.loads(json.dumps(told))
    return found


def _tell(batch: Batch, places: Sequence[Place]) -> list[Row]:
    """Write cohort.csv and cohort.html of all studies; who comes last has seen everything."""
    with locked(batch.out):
        told = [
            *(
                (source.name, place, place.done and not place.taken)
                for source, place in zip(batch.sources, places, strict=True)
            ),
            *((name, place, place.done) for name, place in batch.others),
        ]
        rows = [
            read_row(
                name,
                place.file("summary.json") if done else None,
                place.file("run.json"),
                place.failure,
            )
            for name, place, done in told
        ]
        write_text(batch.out / "cohort.csv", cohort_csv(rows))
        reports = [place.file("report.html").relative_to(batch.out) for _, place, _ in told]
        write_text(batch.out / "cohort.html", cohort_html(rows, [r.as_posix() for r in reports]))
    return rows[: len(places)]
