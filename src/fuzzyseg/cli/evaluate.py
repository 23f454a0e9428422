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
    """Compare a label map with the truth, or a folder of patients.

    Parameters
    ----------
    prediction
        NIfTI label map; a folder that `fuzzyseg segment` wrote; or a folder of these.
    truth
        NIfTI label map on the same grid; or a folder of patients with the same names, such as
        `fuzzyseg simulate` writes.
    output
        Also write the scores to this .json or .csv file.
    names
        Names of labels 0, 1, 2, ...; by default those of the segmentation, or background, bone,
        lesion.
    tolerance_mm
        Tolerance of the surface DSC for every class; by default one voxel width, two for bone.
    missed_diagonal
        For a structure that was missed, take the image's diagonal as its distances, instead of
        leaving them unknown.
    force
        Replace existing scores.
    debug
        Show a traceback on errors.
    """

    prediction: Input
    truth: Input
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None
    names: tuple[str, ...] = ()
    tolerance_mm: float | None = None
    missed_diagonal: bool = False
    force: bool = False
    debug: bool = False

    def run(self) -> None:
        """Print a table, and write the file."""
        if self.output is not None and self.output.suffix.lower() not in {".json", ".csv"}:
            raise InputError(
                f"expected an output file that ends in .json or .csv, found {self.output}; "
                "name one of these"
            )
        if self.output is not None and self.output.exists() and not self.force:
            raise InputError(
                f"expected no file at {self.output}, found one; choose another path, "
                "or replace it with --force"
            )
        for path in (self.prediction, self.truth):
            if not path.exists():  # else the other one would be blamed
                raise InputError(
                    f"expected a label map, or a folder of them, found nothing at {path}; "
                    "check the path"
                )
        patients = _patients(self.prediction, self.truth)
        if patients:
            evaluations = {name: self._compared(*pair) for name, pair in patients.items()}
            from fuzzyseg.metrics import summarise

            summary = summarise(list(evaluations.values()))
            show_summary(summary)
            told = {"summary": summary} | {
                "patients": {name: e.to_dict() for name, e in evaluations.items()}
            }
            rows = [
                [name, *line] if i else ["patient", *line]
                for n, (name, e) in enumerate(evaluations.items())
                for i, line in enumerate(e.to_csv_rows())
                if i or not n
            ]
        else:
            evaluation = self._compared(_labels_file(self.prediction), _labels_file(self.truth))
            show(evaluation)
            told, rows = evaluation.to_dict(), evaluation.to_csv_rows()
        if self.output is not None:
            _write(self.output, told, rows)

    def _compared(self, predicted: Path, true: Path) -> Evaluation:
        names = self.names or _names_beside(predicted)
        return compare(
            predicted, true, names, self.tolerance_mm, missed_diagonal=self.missed_diagonal
        )


def _patients(prediction: Path, truth: Path) -> dict[str, tuple[Path, Path]]:
    """Label maps of the patients in two folders, by name; none if these are no such folders."""
    if not (prediction.is_dir() and truth.is_dir()) or (truth / "labels.nii.gz").exists():
        return {}
    true = {p.parent.name: p for p in sorted(truth.glob("*/labels.nii.gz"))}
    predicted = {
        name: next((p for p in _maps_of(prediction, name) if p.exists()), None) for name in true
    }
    missing = [name for name, path in predicted.items() if path is None]
    if not true or missing:
        raise InputError(
            f"expected a label map NAME/labels.nii.gz or NAME.nii.gz in {prediction} for every "
            f"patient NAME/labels.nii.gz in {truth}, found none of "
            f"{', '.join(missing) or 'anybody'}; segment them all"
        )
    return {name: (path, true[name]) for name, path in predicted.items() if path is not None}


def _maps_of(folder: Path, name: str) -> tuple[Path, ...]:
    return folder / name / "labels.nii.gz", folder / f"{name}.nii.gz", folder / f"{name}.nii"


def compare(
    predicted: Path,
    true: Path,
    names: tuple[str, ...],
    tolerance_mm: float | None = None,
    *,
    missed_diagonal: bool = False,
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
    from fuzzyseg.metrics import diagonal_mm, evaluate
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
    return evaluate(
        *maps,
        spacing_mm=truth.spacing_mm,
        class_names=names,
        tolerance_mm=tolerances,
        missed_mm=diagonal_mm(truth.shape, truth.spacing_mm) if missed_diagonal else None,
    )


def show(evaluation: Evaluation) -> None:
    """Print the scores as a table."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("class")
    for title in _COLUMNS.values():
        table.add_column(title, justify="right")
    for row in evaluation.rows:
        blank = "missed" if row.truth_ml > 0 and row.prediction_ml == 0 else "-"
        values = [getattr(row, key) for key in _COLUMNS]
        table.add_row(row.name, *(blank if math.isnan(v) else f"{v:.3f}" for v in values))
    say_table(table)
    if evaluation.lesions is not None:
        d = evaluation.lesions
        say(
            f"lesions: {d.found()} of {d.lesions} found ({d.found(0.1)} by 10%, {d.found(0.25)} by "
            f"25% of their voxels), {_many(d.false_pieces, 'false piece')}; "
            f"{d.false_positive_ml:.1f} ml false, {d.false_negative_ml:.1f} ml missed"
        )
    for row in evaluation.rows:
        if row.reason:
            say(f"{row.name}: {row.reason}")


def show_summary(summary: dict[str, Any]) -> None:
    """Print means over patients with their intervals."""
    from rich.table import Table

    titles = {k: _COLUMNS[k] for k in ("dsc", "surface_dsc", "hd95_mm", "mean_surface_distance_mm")}
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(_many(summary["patients"], "patient"))
    for title in titles.values():
        table.add_column(title, justify="right")
    for name, scores in summary["classes"].items():
        table.add_row(name, *(_told(scores[key]) for key in titles))
    say_table(table)
    scores = [each[key] for each in summary["classes"].values() for key in titles]
    if any(score["left_out"] for score in scores):
        say(
            "left out of a mean: patients without the structure, and of HD95 and MSD also those in "
            "whom it was missed; a structure that is predicted without being there counts as 0 in "
            "surface DSC"
        )
    if "lesions" in summary:
        lesions = summary["lesions"]
        for share, found in lesions["found"].items():
            how = f"at least {float(share):.0%} covered" if float(share) else "any overlap"
            lacking = _lacking(found, "lesions")
            say(f"lesions found, {how}: {_mean(found)} of {lesions['n']}{lacking}")
        for size, found in lesions["found_by_diameter_mm"].items():
            lacking = _lacking(found, "such lesions")
            say(f"  of {found['lesions']} of {size} mm: {_mean(found)}{lacking}")
        for key, title in (
            ("false_pieces", "false pieces a patient"),
            ("false_positive_ml", "false ml a patient"),
            ("false_negative_ml", "missed ml a patient"),
            ("volume_error_ml", "volume error ml"),
        ):
            say(f"{title}: {_told(lesions[key])}")


def _told(score: dict[str, Any]) -> str:
    """Write a mean with its interval, and how many patients are left out of it."""
    left_out = score["left_out"] if score["estimate"] is not None else 0
    return _mean(score) + (f", {left_out} left out" if left_out else "")


def _mean(score: dict[str, Any]) -> str:
    if score["estimate"] is None:
        return "-"
    text = f"{score['estimate']:.3f}"
    if score["low"] is not None:
        text += f" [{score['low']:.3f}, {score['high']:.3f}]"
    return text


def _lacking(score: dict[str, Any], what: str) -> str:
    """Say how many patients are left out of a mean for what they lack."""
    if score["estimate"] is None or not score["left_out"]:
        return ""
    return f"; {_many(score['left_out'], 'patient')} without {what} left out"


def _many(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


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
            f"expected the class names in {beside}, found a damaged file ({error!r}); "
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


def _write(path: Path, told: dict[str, Any], rows: list[list[str]]) -> None:
    from fuzzyseg.io.output import write_text

    if path.suffix.lower() == ".json":
        text = to_json(told)
    else:
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerows(rows)
        text = buffer.getvalue()
    try:
        write_text(path, text)
    except OSError as error:
        raise InputError(
            f"expected a file that can be written to, found {path}: {error.strerror}; "
            "choose another path"
        ) from error
    say(f"scores in {path}")
