"""Where results of a study lie in the folder of a cohort, and which studies have some there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuzzyseg.batch.bids import derivative_name, derivative_of
from fuzzyseg.batch.one import FILES
from fuzzyseg.io.output import write_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from fuzzyseg.batch.source import Source

_FAILED = ".failed"  # folder of reasons, a file a study
_SEEN = ".seen"  # folder of what `glance` tells of the files that results were made of, likewise


@dataclass(frozen=True)
class Place:
    """Where a study's results go.

    Parameters
    ----------
    folder : Path
    prefix : str
        Of its files, in a BIDS derivative.
    failure : Path
        The file that says why there are none.
    """

    folder: Path
    prefix: str
    failure: Path

    def file(self, name: str) -> Path:
        """Path of one of `FILES`."""
        return self.folder / (derivative_name(self.prefix, name) if self.prefix else name)

    @property
    def done(self) -> bool:
        """Whether the results are there, of this study or of another one of its name."""
        return self.file(FILES[-1]).exists()

    @property
    def taken(self) -> bool:
        """Whether the results that are there are of another study, so that this one failed."""
        return self.done and self.failure.exists()

    @property
    def seen(self) -> str:
        """What was remembered of the files that the results were made of; empty for nothing."""
        try:
            return self._seen.read_text("utf-8")
        except FileNotFoundError:
            return ""

    def remember(self, seen: str) -> None:
        """Keep what `glance` tells of the files that the results were made of."""
        self._seen.parent.mkdir(exist_ok=True)
        write_text(self._seen, seen)

    @property
    def _seen(self) -> Path:
        return self.failure.parent.with_name(_SEEN) / self.failure.stem


def place_of(source: Source, out: Path, *, bids: bool) -> Place:
    """Where a study's results go in `out`."""
    failure = _failure(out, source.name)
    if not bids:
        return Place(out / source.name, "", failure)
    derivative = derivative_of(source)
    return Place(out / derivative.folder, derivative.prefix, failure)


def other_places(out: Path, sources: Iterable[Source], *, bids: bool) -> list[tuple[str, Place]]:
    """Find studies that earlier runs have segmented into `out`, or failed at.

    Among them are those whose results are in the way of a study of this run.

    Parameters
    ----------
    out : Path
    sources : iterable of Source
        The studies of this run, which are left out.
    bids : bool

    Returns
    -------
    list of (str, Place)
        In the order of their names.
    """
    known, names = set(), set()
    for source in sources:
        place = place_of(source, out, bids=bids)
        if not place.taken:
            known.add(place.file(FILES[-1]))
        names.add(source.name)
    found = {
        name: place for name, place in _done(out, bids=bids) if place.file(FILES[-1]) not in known
    }
    for failure in out.glob(f"{_FAILED}/[!.]*.json"):
        if failure.stem not in names:
            found.setdefault(failure.stem, Place(out / failure.stem, "", failure))
    return sorted(found.items())


def _done(out: Path, *, bids: bool) -> Iterator[tuple[str, Place]]:
    if bids:
        end = derivative_name("", FILES[-1])
        for file in out.glob(f"sub-*/**/*{end}"):
            prefix = file.name.removesuffix(end)
            yield prefix, Place(file.parent, prefix, _failure(out, prefix))
        return
    for file in out.glob(f"[!.]*/{FILES[-1]}"):
        name = file.parent.name
        yield name, Place(file.parent, "", _failure(out, name))


def _failure(out: Path, name: str) -> Path:
    return out / _FAILED / f"{name}.json"
