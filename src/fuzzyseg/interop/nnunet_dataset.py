"""A cohort as a raw data set of nnU-Net v2, documentation/dataset_format.md there."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.conventions import CLASSES
from fuzzyseg.errors import InputError
from fuzzyseg.io.output import cannot_write, new_folder
from fuzzyseg.training.sources import find_sources

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from fuzzyseg.training.sources import Source
    from fuzzyseg.volume import Volume

# What nnU-Net calls CT it clips and scales by HU of the whole data set; the rest by z-score.
_TITLES = {"spect": "SPECT", "ct": "CT"}
_UNKNOWN = -1  # where nobody knows, as in manifests


def export_nnunet(
    data: Sequence[Path],
    out: Path,
    *,
    number: int = 1,
    name: str = "Bone",
    channels: Sequence[str] = ("spect",),
) -> Path:
    """Write a cohort as DatasetNNN_Name, which appears when it is whole.

    Voxels without a label (-1), and all those of cases without labels, are nnU-Net's class
    "ignore": `nnUNetTrainerSemiRFCM` learns from them by the image.

    Parameters
    ----------
    data : sequence of Path
        Folders that `fuzzyseg simulate` wrote, or manifests, as `fuzzyseg train` takes them.
    out : Path
        nnUNet_raw: the folder for the data set's.
    number : int
        From 1 to 999.
    name : str
        Letters and digits.
    channels : sequence of {"spect", "ct"}
        A CT beside a SPECT is resampled onto its grid, as nnU-Net wants.

    Returns
    -------
    Path
        The data set's folder.

    Raises
    ------
    InputError
        If no case has labels, they are of other classes, an image is missing, or the data set is
        there already or cannot be written.
    """
    if not 1 <= number <= 999 or not re.fullmatch(r"[A-Za-z0-9]+", name):
        raise InputError(
            f"expected a number from 1 to 999 and a name of letters and digits, found {number} "
            f"and {name!r}; change --number or --name"
        )
    sources = find_sources(data, channels)
    folder = out / f"Dataset{number:03d}_{name}"
    if folder.exists():
        raise InputError(f"expected a new data set, found {folder} there; give another --number")
    values: set[int] = set().union(*map(_values, sources))
    if values == {_UNKNOWN}:
        raise InputError(
            "expected labels of some cases, found none; nnU-Net needs them, and fuzzyseg train "
            "--loss rfcm does not"
        )
    classes = CLASSES[: max(2, max(values) + 1)]
    labels = {label: k for k, label in enumerate(classes)}
    if _UNKNOWN in values:
        labels["ignore"] = len(classes)  # which has to be the last
    described = {
        "channel_names": {str(k): _TITLES[c] for k, c in enumerate(channels)},
        "labels": labels,
        "numTraining": len(sources),
        "file_ending": ".nii.gz",
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        with new_folder(folder) as partial:
            for each in ("imagesTr", "labelsTr"):
                (partial / each).mkdir()
            for case, source in enumerate(sources, start=1):
                _write_case(partial, f"case_{case:04d}", source, channels, len(classes))
            text = json.dumps(described, indent=2) + "\n"
            (partial / "dataset.json").write_text(text, encoding="utf-8")
    except OSError as error:
        raise cannot_write(folder, error) from error
    return folder


def _write_case(
    folder: Path, name: str, source: Source, channels: Sequence[str], ignore: int
) -> None:
    """Write a case's images and labels; `ignore` is the class of voxels without any."""
    from fuzzyseg.io import read_nifti, write_image, write_labels
    from fuzzyseg.resample import resample

    images = {c: read_nifti(getattr(source, c), "CT" if c == "ct" else "NM") for c in channels}
    grid = images[channels[0]]
    for k, image in enumerate(images.values()):
        there = image if image.same_grid(grid) else resample(image, grid)
        write_image(folder / "imagesTr" / f"{name}_{k:04d}.nii.gz", there)
    labels = _labels_on(source, grid, channels[0])
    labels = np.where(labels == _UNKNOWN, ignore, labels).astype(np.uint8)
    write_labels(folder / "labelsTr" / f"{name}.nii.gz", labels, grid)


def _labels_on(source: Source, grid: Volume, channel: str) -> NDArray[Any]:
    from fuzzyseg.io import read_nifti
    from fuzzyseg.resample import reoriented

    if source.labels is None:
        return np.full(grid.shape, _UNKNOWN)
    labels = reoriented(read_nifti(source.labels, "other"), grid)
    if not labels.same_grid(grid):
        raise InputError(
            f"expected labels on the grid of {channel}, found another of {source.name}; resample "
            "them with nearest neighbours"
        )
    return labels.array


def _values(source: Source) -> set[int]:
    """Classes that a case's labels hold.

    Raises
    ------
    InputError
        If one is none of ours.
    """
    from fuzzyseg.io import read_nifti

    if source.labels is None:
        return {_UNKNOWN}
    found = np.unique(read_nifti(source.labels, "other").array)
    known = range(_UNKNOWN, len(CLASSES))
    if other := [f"{value:g}" for value in found if value not in known]:
        classes = ", ".join(f"{k} {name}" for k, name in enumerate(CLASSES))
        raise InputError(
            f"expected labels {classes}, or {_UNKNOWN} where nobody knows, found "
            f"{', '.join(other[:5])} in {source.labels}; renumber them"
        )
    return {int(value) for value in found}
