"""`fuzzyseg evaluate`."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from fuzzyseg.cli.options import Input, say, say_table, to_json
from fuzzyseg.conventions import CLASSES
from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.metrics import Evaluation
    from fuzzyseg.volume import Volume

_COLUMNS = {
    "dsc": "DSC",
    "recall": "recall",
    "precision": "precision",
    "iou": "IoU",
    "surface_dsc": "surface DSC",
    "tolerance_mm": "tolerance mm",
    "hd95_mm": "HD95 mm",
    "mean_surface_distance_mm": "MSD mm",
    "prediction_ml": "predicted ml",
    "truth_ml": "true ml",
}


@dataclass(frozen=True)
class Command:
    """Compare a label map with the truth.

    Parameters
    ----------
    prediction
        NIfTI label map, or a folder that `fuzzyseg segment` wrote.
    truth
        NIfTI label map on the same grid.
    output
        Write the scores to this .json or .csv file too.
    names
        Names of labels 0, 1, 2, ...; without them those of the segmentation, or background,
        bone, lesion.
    tolerance_mm
        Tolerance of the surface DSC for every class; without it one voxel width, two for bone.
    debug
        Show a traceback on errors.
    """

    prediction: Input
    truth: Input
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None
    names: tuple[str, ...] = ()
    tolerance_mm: float | None = None
    debug: bool = False

    def run(self) -> None:
        """Print a table, and write the file."""
        if self.output is not None and self.output.suffix.lower() not in {".json", ".csv"}:
            raise InputError(
                f"expected an output file that ends in .json or .csv, found {self.output}; "
                "name one of these"
            )
        predicted = _labels_file(self.prediction)
        evaluation = compare(
            predicted,
            _labels_file(self.truth),
            self.names or _names_beside(predicted),
            self.tolerance_mm,
        )
        show(evaluation)
        if self.output is not None:
            _write(self.output, evaluation)


def compare(
    predicted: Path, true: Path, names: tuple[str, ...], tolerance_mm: float | None = None
) -> Evaluation:
    """Read two label maps, check that they lie on one grid, and score every class.

    The order and direction of the axes, in which files of one grid may differ, do not matter.

    Raises
    ------
    InputError
        If a file is no label map, the grids differ, or there are more labels than `names`.
    """
    import numpy as np

    from fuzzyseg.io import read_nifti
    from fuzzyseg.metrics import evaluate
    from fuzzyseg.resample import reoriented

    prediction, truth = read_nifti(predicted), read_nifti(true)
    prediction = reoriented(prediction, truth)
    if prediction.shape != truth.shape or not np.allclose(
        prediction.affine, truth.affine, atol=0.01
    ):
        raise InputError(
            f"expected two label maps on one grid, found {_grid(prediction)} in {predicted} and "
            f"{_grid(truth)} in {true}; resample one onto the other with nearest neighbours"
        )
    maps = [_whole(prediction, predicted), _whole(truth, true)]
    n_labels = int(max(m.max() for m in maps)) + 1
    names = names or (CLASSES if n_labels <= len(CLASSES) else ())
    names = names or tuple(f"label {k}" for k in range(n_labels))
    tolerances = None if tolerance_mm is None else dict.fromkeys(names, tolerance_mm)
    return evaluate(*maps, spacing_mm=truth.spacing_mm, class_names=names, tolerance_mm=tolerances)


def show(evaluation: Evaluation) -> None:
    """Print the scores as a table."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("class")
    for title in _COLUMNS.values():
        table.add_column(title, justify="right")
    for row in evaluation.rows:
        values = [getattr(row, key) for key in _COLUMNS]
        table.add_row(row.name, *("-" if math.isnan(v) else f"{v:.3f}" for v in values))
    say_table(table)
    for row in evaluation.rows:
        if row.reason:
            say(f"{row.name}: {row.reason}")


def _labels_file(path: Path) -> Path:
    return path / "labels.nii.gz" if path.is_dir() else path


def _names_beside(labels: Path) -> tuple[str, ...]:
    """Class names from the run.json that `fuzzyseg segment` wrote beside the labels, if any."""
    beside = labels.parent / "run.json"
    if labels.name != "labels.nii.gz" or not beside.exists():
        return ()
    try:
        return tuple(json.loads(beside.read_text(encoding="utf-8"))["classes"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"expected the names of classes in {beside}, found a damaged file ({error!r}); "
            "give them with --names"
        ) from error


def _whole(volume: Volume, path: Path) -> NDArray[Any]:
    import numpy as np

    if not np.isfinite(volume.array).all() or (volume.array != np.rint(volume.array)).any():
        raise InputError(
            f"expected whole-number labels, found other values in {path}; "
            "pass a label map, not memberships or an image"
        )
    return volume.array.astype(np.int32)


def _grid(volume: Volume) -> str:
    spacing = " x ".join(f"{s:.3g}" for s in volume.spacing_mm)
    corner = ", ".join(f"{x:.1f}" for x in volume.affine[:3, 3])
    return f"{volume.shape} voxels of {spacing} mm from ({corner})"


def _write(path: Path, evaluation: Evaluation) -> None:
    from fuzzyseg.io.output import write_text

    if path.suffix.lower() == ".json":
        text = to_json(evaluation.to_dict())
    else:
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerows(evaluation.to_csv_rows())
        text = buffer.getvalue()
    try:
        write_text(path, text)
    except OSError as error:
        raise InputError(
            f"expected a file that can be written to, found {path}: {error.strerror}; "
            "choose another place"
        ) from error
    say(f"scores in {path}")
