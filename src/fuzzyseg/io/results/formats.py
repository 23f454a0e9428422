"""The formats that segmentations are written in, each in one line: `RESULT_FORMATS`."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from fuzzyseg.errors import InputError, SourceError
from fuzzyseg.io.nifti_write import write_labels, write_memberships
from fuzzyseg.io.results.dicom_seg import write_dicom_seg
from fuzzyseg.io.results.dicom_sr import write_dicom_sr
from fuzzyseg.io.results.rtstruct import write_rtstruct
from fuzzyseg.io.results.seg_nrrd import write_seg_nrrd
from fuzzyseg.io.results.source_images import dicom_source
from fuzzyseg.tables import entry_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from fuzzyseg.io.results.measures import MeasuredLesions
    from fuzzyseg.volume import Segmentation, Volume

    WriteOne = Callable[[Path, Segmentation], None]
    Write = Callable[[Sequence[Path], Segmentation, MeasuredLesions | None], None]


@dataclass(frozen=True)
class ResultFormat:
    """How results are written in one format.

    Parameters
    ----------
    about : str
        One line for people.
    files : tuple of str
        Their names in the folder of results.
    write : callable
        Called with their paths, a segmentation, and what was measured of its lesions.
    dicom : bool
        Whether it refers to DICOM images, so that others have no such result.
    lesions : bool
        Whether it tells what was measured, so that there is none without a lesion.
    """

    about: str
    files: tuple[str, ...]
    write: Write = field(repr=False)
    dicom: bool = False
    lesions: bool = False


def _labels(path: Path, segmentation: Segmentation) -> None:
    write_labels(path, segmentation.labels, segmentation.volume)


def _memberships(path: Path, segmentation: Segmentation) -> None:
    write_memberships(path, segmentation.memberships, segmentation.volume)


def _each(*writers: WriteOne) -> Write:
    """Write each file by a function of its own, which needs no measures."""

    def write(paths: Sequence[Path], segmentation: Segmentation, _: MeasuredLesions | None) -> None:
        for path, writer in zip(paths, writers, strict=True):
            writer(path, segmentation)

    return write


def _report(
    paths: Sequence[Path], segmentation: Segmentation, measured: MeasuredLesions | None
) -> None:
    if measured is None:
        raise InputError("expected measurements for a report of lesions, found none; give them")
    report, segments = paths
    write_dicom_sr(report, segments, measured, segmentation.volume, segmentation.provenance)


RESULT_FORMATS = {
    "nifti": ResultFormat(
        "labels.nii.gz and memberships.nii.gz",
        ("labels.nii.gz", "memberships.nii.gz"),
        _each(_labels, _memberships),
    ),
    "dicom-seg": ResultFormat(
        "segmentation.dcm: labels as DICOM SEG, a mask for each class",
        ("segmentation.dcm",),
        _each(write_dicom_seg),
        dicom=True,
    ),
    "dicom-sr": ResultFormat(
        "report.dcm: measurements of lesions as DICOM SR; lesions.dcm: the SEG that it refers to",
        ("report.dcm", "lesions.dcm"),
        _report,
        dicom=True,
        lesions=True,
    ),
    "dicom-labelmap": ResultFormat(
        "labelmap.dcm: labels as DICOM SEG, one map; newer than many viewers",
        ("labelmap.dcm",),
        _each(partial(write_dicom_seg, kind="LABELMAP")),
        dicom=True,
    ),
    "dicom-fractional": ResultFormat(
        "memberships.dcm: memberships as DICOM SEG",
        ("memberships.dcm",),
        _each(partial(write_dicom_seg, kind="FRACTIONAL")),
        dicom=True,
    ),
    "rtstruct": ResultFormat(
        "rtstruct.dcm: outlines for planning systems",
        ("rtstruct.dcm",),
        _each(write_rtstruct),
        dicom=True,
    ),
    "seg-nrrd": ResultFormat(
        "labels.seg.nrrd: labels, names and colours for 3D Slicer",
        ("labels.seg.nrrd",),
        _each(write_seg_nrrd),
    ),
}
_DEFAULT = ("nifti", "dicom-seg", "dicom-sr")  # of these, DICOM only for DICOM


def result_files() -> tuple[str, ...]:
    """Names of all files of all formats."""
    return tuple(name for entry in RESULT_FORMATS.values() for name in entry.files)


def default_formats(volume: Volume) -> tuple[str, ...]:
    """List what is written unless something else is asked for: keys of `RESULT_FORMATS`."""
    entries = ((name, RESULT_FORMATS[name]) for name in _DEFAULT)
    return tuple(
        name
        for name, entry in entries
        if (volume.headers or not entry.dicom) and not (entry.lesions and volume.modality == "CT")
    )


def require_formats(formats: Sequence[str], volume: Volume) -> None:
    """Refuse, before anything is computed, DICOM results that cannot be made.

    Raises
    ------
    InputError
        If there is no such format.
    SourceError
        As `fuzzyseg.io.results.source_images.dicom_source`.
    """
    wanted = [_format(name) for name in formats]
    if any(entry.dicom for entry in wanted):
        dicom_source(volume)


def write_results(
    folder: Path,
    segmentation: Segmentation,
    formats: Sequence[str],
    *,
    measured: MeasuredLesions | None = None,
    optional: bool = False,
) -> list[str]:
    """Write a segmentation to a folder.

    Parameters
    ----------
    folder : Path
        It exists.
    segmentation : Segmentation
    formats : sequence of str
        Keys of `RESULT_FORMATS`.
    measured : MeasuredLesions, optional
        For formats that tell what was measured; they are left out where it has no lesion.
    optional : bool
        Leave out DICOM results that cannot be made, and say so.

    Returns
    -------
    list of str
        A sentence for each format that was left out.

    Raises
    ------
    InputError
        If a file cannot be written, or there are no measures for a format that tells them;
        SourceError, if it cannot be made and is not optional.
    """
    said = []
    for name in formats:
        entry = _format(name)
        files = " and ".join(entry.files)
        if entry.lesions and measured is not None and not measured.lesions:
            said.append(f"{files} were not written: no lesion was found.")
            continue
        try:
            entry.write([folder / file for file in entry.files], segmentation, measured)
        except SourceError as error:
            if not optional:
                raise
            said.append(
                f"{files} {'were' if len(entry.files) > 1 else 'was'} not written: {error}."
            )
    return said


def _format(name: str) -> ResultFormat:
    return entry_of(RESULT_FORMATS, name, "result format")
