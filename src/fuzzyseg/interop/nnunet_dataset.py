"""A cohort as a raw data set of nnU-Net v2, documentation/dataset_format.md there."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.conventions import CLASSES
from fuzzyseg.errors import InputError
from fuzzyseg.io.output import cannot_write, new_folder
from fuzzyseg.training.sources import find_sources

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# What nnU-Net calls CT it clips and scales by HU of the whole data set; the rest by z-score.
_TITLES = {"spect": "SPECT", "ct": "CT"}


def export_nnunet(
    data: Sequence[Path],
    out: Path,
    *,
    number: int = 1,
    name: str = "Bone",
    channels: Sequence[str] = ("spect",),
) -> Path:
    """Write a cohort as DatasetNNN_Name, which appears when it is whole.

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
        If a case has no labels or lacks an image, the data set is there, or cannot be written.
    """
    from fuzzyseg.io import read_nifti, write_image, write_labels
    from fuzzyseg.resample import reoriented, resample

    if not 1 <= number <= 999 or not re.fullmatch(r"[A-Za-z0-9]+", name):
        raise InputError(
            f"expected a number from 1 to 999 and a name of letters and digits, found {number} "
            f"and {name!r}; change --number or --name"
        )
    sources = find_sources(data, channels)
    unlabelled = [source.name for source in sources if source.labels is None]
    if unlabelled:
        raise InputError(
            f"expected labels of every case, found none of {', '.join(unlabelled[:3])}; "
            "nnU-Net trains only on labelled cases"
        )
    folder = out / f"Dataset{number:03d}_{name}"
    if folder.exists():
        raise InputError(f"expected a new data set, found {folder} there; give another --number")
    classes = 2
    try:
        out.mkdir(parents=True, exist_ok=True)
        with new_folder(folder) as partial:
            for each in ("imagesTr", "labelsTr"):
                (partial / each).mkdir()
            for case, source in enumerate(sources, start=1):
                assert source.labels is not None  # noqa: S101, checked above
                images = {
                    c: read_nifti(getattr(source, c), "CT" if c == "ct" else "NM") for c in channels
                }
                grid = images[channels[0]]
                for k, image in enumerate(images.values()):
                    there = image if image.same_grid(grid) else resample(image, grid)
                    write_image(partial / "imagesTr" / f"case_{case:04d}_{k:04d}.nii.gz", there)
                labels = reoriented(read_nifti(source.labels, "other"), grid)
                if not labels.same_grid(grid):
                    raise InputError(
                        f"expected labels on the grid of {channels[0]}, found another of "
                        f"{source.name}; resample them with nearest neighbours"
                    )
                classes = max(classes, int(labels.array.max()) + 1)
                array = labels.array.astype(np.uint8)
                write_labels(partial / "labelsTr" / f"case_{case:04d}.nii.gz", array, grid)
            described = {
                "channel_names": {str(k): _TITLES[c] for k, c in enumerate(channels)},
                "labels": {label: k for k, label in enumerate(CLASSES[:classes])},
                "numTraining": len(sources),
                "file_ending": ".nii.gz",
            }
            text = json.dumps(described, indent=2) + "\n"
            (partial / "dataset.json").write_text(text, encoding="utf-8")
    except OSError as error:
        raise cannot_write(folder, error) from error
    return folder
