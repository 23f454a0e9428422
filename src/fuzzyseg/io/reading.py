"""Read the volume, or the SPECT and CT, that are meant from a folder, archive or file."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from fuzzyseg.errors import InputError
from fuzzyseg.io.archive import extracted, is_zip
from fuzzyseg.io.catalogue import catalogue
from fuzzyseg.io.plausible import require_plausible
from fuzzyseg.io.readers import reader_named
from fuzzyseg.volume import Study

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fuzzyseg.io.found import SeriesInfo
    from fuzzyseg.volume import Modality, Volume

_EMISSION = ("NM", "PT")


def read_study(
    path: str | Path,
    ct: str | Path | None = None,
    *,
    series: int | None = None,
    ct_series: int | None = None,
    modality: Modality | None = None,
    progress: Callable[[int, int], None] | None = None,
    headers: bool = False,
    found: Sequence[SeriesInfo] = (),
) -> Study:
    """Read what is to be segmented: one image, and perhaps a CT beside it.

    Parameters
    ----------
    path : str or Path
        Folder, .zip, DICOM file or NIfTI file.
    ct : str or Path, optional
        The CT beside the emission image: another of these, or the same one again where it
        holds both.
    series, ct_series : int, optional
        Number in the list of `find_series`; needed where several series fit.
    modality, progress
        As for `read_volume`.
    headers : bool
        Keep the DICOM headers of the image at `path`, which DICOM results refer to.
    found : sequence of SeriesInfo
        What `find_series` found in the folder `path`, where that is known: its headers are not
        read again.

    Returns
    -------
    Study
        Each image on its own grid; `fuzzyseg.resample.align` brings the CT onto the SPECT's.

    Raises
    ------
    InputError
        As `read_volume`, if a CT is given beside a CT, or `ct_series` without `ct`.
    """
    if ct_series is not None and ct is None:
        raise InputError(
            f"expected a CT with its series, found --ct-series {ct_series} without --ct; give the "
            "folder or file that holds the CT, which may also be the input"
        )
    with contextlib.ExitStack() as open_:
        one = _opened(path, open_, found)
        image = _read_one(one, series, modality, progress, headers=headers)
        if ct is None:
            return Study.of(image)
        other = one
        if Path(ct) != Path(path):
            open_.close()  # what was unpacked takes space
            other = _opened(ct, open_)
        info = choose_series(
            other.found, other.name, series=ct_series, modality="CT", option="--ct-series"
        )
        return Study.of(image, _read(info, other.place, other.name, "CT", progress))


def read_volume(
    path: str | Path,
    *,
    series: int | None = None,
    modality: Modality | None = None,
    progress: Callable[[int, int], None] | None = None,
    headers: bool = False,
) -> Volume:
    """Read a volume from whatever a study comes as.

    Parameters
    ----------
    path : str or Path
        Folder (searched in depth), .zip, DICOM file or NIfTI file.
    series : int, optional
        Number in the list of `find_series`; needed where several series fit.
    modality : {"CT", "NM", "PT", "other"}, optional
        Take only such a series; a NIfTI file is taken to be one. By default emission images
        (NM, PT) come before CT, and a NIfTI file is CT if its values look like it.
    progress : callable, optional
        Called with (slices read, slices in all) while a series of single slices is read.
    headers : bool
        Keep the headers of DICOM files, names of patients and all, in `Volume.headers`.

    Returns
    -------
    Volume
        Its `source` names the input; its `warnings` say what was assumed.

    Raises
    ------
    InputError
        If nothing fits, several series fit, or the one that fits cannot be read.
    """
    with contextlib.ExitStack() as open_:
        return _read_one(_opened(path, open_), series, modality, progress, headers=headers)


@dataclasses.dataclass(frozen=True)
class _Opened:
    """An input, where it lies (an archive: unpacked), and what is there."""

    name: str
    place: Path
    found: Sequence[SeriesInfo]


def _opened(
    path: str | Path, open_: contextlib.ExitStack, found: Sequence[SeriesInfo] = ()
) -> _Opened:
    """Look into an input, whose files stay until the stack is closed."""
    place = open_.enter_context(_unpacked(Path(path)))
    known = found if place == Path(path) else ()  # an archive is unpacked to another place
    return _Opened(str(path), place, known or catalogue(place, name=str(path)))


def _read_one(
    opened: _Opened,
    series: int | None,
    modality: Modality | None,
    progress: Callable[[int, int], None] | None,
    *,
    headers: bool,
) -> Volume:
    info = choose_series(opened.found, opened.name, series=series, modality=modality)
    volume = _read(info, opened.place, opened.name, modality, progress)
    if headers:
        volume = dataclasses.replace(volume, headers=reader_named(info.reader).headers(info))
    return volume


def read_each(
    path: str | Path, *, progress: Callable[[int, int], None] | None = None
) -> Iterator[tuple[SeriesInfo, Volume | None]]:
    """Read the series of a folder, archive or file one after the other.

    Parameters
    ----------
    path : str or Path
        Anything that `find_series` takes.
    progress : callable, optional
        Called with (series read, series in all).

    Yields
    ------
    info : SeriesInfo
        With the reason, where it turned out to be no volume.
    volume : Volume or None
        None where it is no volume.

    Raises
    ------
    InputError
        As `find_series`.
    """
    with _unpacked(Path(path)) as place:
        found = catalogue(place, name=str(path))
        for done, info in enumerate(found, start=1):
            volume = None
            if info.readable:
                try:
                    volume = _read(info, place, str(path), None, None)
                except InputError as error:
                    info = dataclasses.replace(info, reason=str(error))  # noqa: PLW2901
            yield info, volume
            if progress is not None:
                progress(done, len(found))


@contextlib.contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """Give a path, or the folder that an archive is unpacked to meanwhile."""
    if is_zip(path):
        with extracted(path) as folder:
            yield folder
    else:
        yield path


def _read(
    info: SeriesInfo,
    path: Path,
    name: str,
    modality: Modality | None,
    progress: Callable[[int, int], None] | None,
) -> Volume:
    volume = reader_named(info.reader).read(info, modality, progress)
    label = name if path.is_file() else f"{name}, series {info.number}"
    volume = dataclasses.replace(volume, source=label, warnings=info.warnings + volume.warnings)
    require_plausible(volume)
    return volume


def choose_series(
    found: Sequence[SeriesInfo],
    name: str,
    *,
    series: int | None = None,
    modality: Modality | None = None,
    option: str = "--series",
) -> SeriesInfo:
    """Choose from a list of series the one that is meant.

    Parameters
    ----------
    found : sequence of SeriesInfo
    name : str
        What messages call the input.
    series, modality
        As for `read_volume`.
    option : str
        With which users choose.

    Returns
    -------
    SeriesInfo
        A readable one.

    Raises
    ------
    InputError
        If none fits, or several do; the message lists them.
    """
    if series is not None:
        return _numbered(found, name, series)
    readable = [s for s in found if s.readable]
    if not readable and len(found) == 1:
        raise _no_volume(found[0], name)
    # A CT is no stand-in for the emission image that was meant.
    lost = [s for s in found if s.damaged and s.kind in _EMISSION]
    if lost and modality != "CT" and not any(s.kind in _EMISSION for s in readable):
        raise _no_volume(lost[0], name)
    if modality in ("CT", *_EMISSION):
        fitting = [s for s in readable if s.kind == modality]
        fitting = fitting or [s for s in readable if not s.has_modality]
    else:
        fitting = [s for s in readable if s.kind in _EMISSION] or readable
    if len(fitting) == 1:
        return fitting[0]
    wanted = f"one {modality} volume" if modality else "one volume"
    how_many = f"{len(fitting)} that fit" if fitting else "none"
    advice = f"choose one with {option} N" if fitting else "pass another folder or file"
    shown = fitting or found
    raise InputError(f"expected {wanted}, found {how_many} in {name}: {_listing(shown)}; {advice}")


def _numbered(found: Sequence[SeriesInfo], name: str, series: int) -> SeriesInfo:
    for info in found:
        if info.number == series:
            if info.reason is not None:
                raise _no_volume(info, f"{name}, series {series},")
            return info
    raise InputError(
        f"expected a series number from 1 to {len(found)}, found {series}; {name} "
        f"contains {_listing(found)}"
    )


def _no_volume(info: SeriesInfo, name: str) -> InputError:
    if info.damaged and info.reason is not None:
        return InputError(info.reason)  # names the file and what to do
    return InputError(f"expected a volume, found in {name} {info.reason}")


def _listing(found: Sequence[SeriesInfo]) -> str:
    return "; ".join(str(s) for s in found)
