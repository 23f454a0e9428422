"""The formats that segmentations are written in, each in one line: `RESULT_FORMATS`."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from fuzzyseg.errors import SourceError
from fuzzyseg.io.nifti_write import write_labels, write_memberships
from fuzzyseg.io.results.dicom_seg import write_dicom_seg
from fuzzyseg.io.results.rtstruct import write_rtstruct
from fuzzyseg.io.results.seg_nrrd import write_seg_nrrd
from fuzzyseg.io.results.source import dicom_source
from fuzzyseg.tables import entry_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from fuzzyseg.volume import Segmentation, Volume

    Write = Callable[[Path, Segmentation], None]


@dataclass(frozen=True)
class ResultFormat:
    """How results are written in one format.

    Parameters
    ----------
    about : str
        One line for people.
    files : mapping of str to callable
        Name of each file in the folder of results, and what writes a segmentation to a path.
    dicom : bool
        Whether it refers to DICOM images, so that others have no such result.
    """

    about: str
    files: dict[str, Write] = field(repr=False)
    dicom: bool = False


def _labels(path: Path, segmentation: Segmentation) -> None:
    write_labels(path, segmentation.labels, segmentation.volume)


def _memberships(path: Path, segmentation: Segmentation) -> None:
    write_memberships(path, segmentation.memberships, segmentation.volume)


RESULT_FORMATS = {
    "nifti": ResultFormat(
        "labels.nii.gz and memberships.nii.gz",
        {"labels.nii.gz": _labels, "memberships.nii.gz": _memberships},
    ),
    "dicom-seg": ResultFormat(
        "segmentation.dcm: labels as DICOM SEG, a mask for each class",
        {"segmentation.dcm": write_dicom_seg},
        dicom=True,
    ),
    "dicom-labelmap": ResultFormat(
        "labelmap.dcm: labels as DICOM SEG, one map; newer than many viewers",
        {"labelmap.dcm": partial(write_dicom_seg, kind="LABELMAP")},
        dicom=True,
    ),
    "dicom-fractional": ResultFormat(
        "memberships.dcm: memberships as DICOM SEG",
        {"memberships.dcm": partial(write_dicom_seg, kind="FRACTIONAL")},
        dicom=True,
    ),
    "rtstruct": ResultFormat(
        "rtstruct.dcm: outlines for planning systems",
        {"rtstruct.dcm": write_rtstruct},
        dicom=True,
    ),
    "seg-nrrd": ResultFormat(
        "labels.seg.nrrd: labels, names and colours for 3D Slicer",
        {"labels.seg.nrrd": write_seg_nrrd},
    ),
}
_DEFAULT = ("nifti", "dicom-seg")  # of these, DICOM only for DICOM


def result_files() -> tuple[str, ...]:
    """Names of all files of all formats."""
    return tuple(name for entry in RESULT_FORMATS.values() for name in entry.files)


def default_formats(volume: Volume) -> tuple[str, ...]:
    """List what is written unless something else is asked for: keys of `RESULT_FORMATS`."""
    return tuple(name for name in _DEFAULT if volume.headers or not RESULT_FORMATS[name].dicom)


def require_formats(formats: Sequence[str], volume: Volume) -> None:
    """Refuse, before anything is computed, DICOM results that cannot be made.

    Raises
    ------
    InputError
        If there is no such format.
    SourceError
        As `fuzzyseg.io.results.source.dicom_source`.
    """
    wanted = [_format(name) for name in formats]
    if any(entry.dicom for entry in wanted):
        dicom_source(volume)


def write_results(
    folder: Path, segmentation: Segmentation, formats: Sequence[str], *, optional: bool = False
) -> list[str]:
    """Write a segmentation to a folder.

    Parameters
    ----------
    folder : Path
        It exists.
    segmentation : Segmentation
    formats : sequence of str
        Keys of `RESULT_FORMATS`.
    optional : bool
        Leave out DICOM results that cannot be made, and say so.

    Returns
    -------
    list of str
        A sentence for each file that was left out.

    Raises
    ------
    InputError
        If a file cannot be written; SourceError, if it cannot be made and is not optional.
    """
    said = []
    for name in formats:
        for file, write in _format(name).files.items():
            try:
                write(folder / file, segmentation)
            except SourceError as error:
                if not optional:
                    raise
                said.append(f"{file} was not written: {error}.")
    return said


def _format(name: str) -> ResultFormat:
    return entry_of(RESULT_FORMATS, name, "result format")
