"""Free-response curves, DSC over diameter, and patients to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.experiments.accuracy.score_tables import curve
from fuzzyseg.io import read_nifti

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from fuzzyseg.experiments.accuracy.predictions import Prediction
    from fuzzyseg.experiments.accuracy.score_tables import Cohorts
    from fuzzyseg.experiments.accuracy.scores import PatientScores

_HIT, _MISSED, _FALSE = "#1b7f3b", "#c62828", "#e08a00"
_BINS_MM = (6.0, 9.0, 12.0, 15.0, 18.0, 22.0, 30.0, 60.0)
_EDGE_IN = 0.15  # from a picture's upper edge to its titles


def draw_curves(models: Mapping[str, Cohorts], path: Path) -> None:
    """Sensitivity for lesions of 10 mm and more over false pieces a patient."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2 * len(models), 3.8), layout="constrained")
    for axis, (model, cohorts) in zip(_row(figure, len(models)), models.items(), strict=True):
        for name, patients in cohorts.items():
            sensitivity, false = curve(patients)
            axis.plot(false, 100 * sensitivity, ".-", label=name)
        axis.set(title=model, xlabel="false pieces a patient", xlim=(0, 12), ylim=(0, 100))
        axis.grid(alpha=0.3)
        axis.legend(frameon=False, loc="lower right")
    figure.axes[0].set_ylabel("lesions of 10 mm and more found, %")
    figure.savefig(path, dpi=110, facecolor="white")


def draw_diameters(models: Mapping[str, Cohorts], path: Path) -> None:
    """DSC of every lesion over its diameter, with the mean of bins."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2 * len(models), 3.8), layout="constrained")
    for axis, (model, cohorts) in zip(_row(figure, len(models)), models.items(), strict=True):
        for name, patients in cohorts.items():
            lesions = [one for p in patients for one in p.lesions]
            mm = np.array([one.diameter_mm for one in lesions])
            dsc = np.array([one.dsc for one in lesions])
            dots = axis.plot(mm, dsc, ".", ms=4, alpha=0.35)[0]
            bins = np.digitize(mm, _BINS_MM)
            known = [k for k in range(1, len(_BINS_MM)) if (bins == k).sum() >= 3]
            axis.plot(
                [mm[bins == k].mean() for k in known],
                [dsc[bins == k].mean() for k in known],
                "-",
                color=dots.get_color(),
                label=name,
            )
        axis.set(title=model, xlabel="diameter, mm", xlim=(4, 45), ylim=(0, 1))
        axis.grid(alpha=0.3)
        axis.legend(frameon=False, loc="lower right")
    figure.axes[0].set_ylabel("DSC of a lesion")
    figure.savefig(path, dpi=110, facecolor="white")


def draw_gallery(
    scores: Sequence[PatientScores],
    predictions: Mapping[str, Prediction],
    cohort: Path,
    path: Path,
) -> None:
    """Worst, median and best patient with lesions, by their DSC, from the front and the left."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    known = sorted((p for p in scores if p.lesions), key=lambda p: p.dsc(2)[0])
    if not known:
        return
    chosen = {"worst": known[0], "median": known[len(known) // 2], "best": known[-1]}
    if len(known) < 3:
        del chosen["median"]
    figure = Figure(figsize=(12, 4.4), layout=ConstrainedLayoutEngine(h_pad=_EDGE_IN))
    axes = _row(figure, 2 * len(chosen))
    for n, (what, patient) in enumerate(chosen.items()):
        folder = cohort / patient.name
        spect = read_nifti(folder / "spect.nii.gz", "NM")
        truth = read_nifti(folder / "labels.nii.gz").array == 2
        found = predictions[patient.name].labels == 2
        aspect = spect.spacing_mm[2] / spect.spacing_mm[0]
        for axis, along in ((axes[2 * n], 1), (axes[2 * n + 1], 0)):
            _outlined(axis, spect.array, truth, found, along, aspect)
        found_n = sum(one.covered > 0 for one in patient.lesions)
        axes[2 * n].set_title(
            f"{what}: {patient.name}\nlesion DSC {patient.dsc(2)[0]:.2f}, "
            f"{found_n} of {len(patient.lesions)} found, {patient.false_pieces} false",
            fontsize=8,
            loc="left",
        )
    figure.savefig(path, dpi=100, facecolor="white")


def _outlined(
    axis: Axes,
    spect: NDArray[np.float32],
    truth: NDArray[np.bool_],
    found: NDArray[np.bool_],
    along: int,
    aspect: float,
) -> None:
    """Maximum intensity, with truth that was hit in green, missed in red, and false pieces."""
    from scipy import ndimage

    touching = ndimage.generate_binary_structure(3, 2)  # as they are counted
    true_pieces, _ = ndimage.label(truth, touching)
    pieces, _ = ndimage.label(found, touching)
    hit = np.isin(true_pieces, np.setdiff1d(np.unique(true_pieces[found]), 0))
    false = found & ~np.isin(pieces, np.setdiff1d(np.unique(pieces[truth]), 0))
    picture = spect.max(along).T
    axis.imshow(
        picture,
        cmap="gray_r",
        origin="lower",
        vmin=0,
        vmax=np.percentile(picture, 99.3),
        aspect=aspect,
    )
    for mask, colour in ((hit, _HIT), (truth & ~hit, _MISSED), (false, _FALSE)):
        if mask.any():
            axis.contour(mask.max(along).T, [0.5], colors=colour, linewidths=0.9)
    if along == 1:
        axis.invert_xaxis()  # the patient's right on the left, as a bone scan is read
    axis.axis("off")


def _row(figure: object, n: int) -> list[Axes]:
    axes = figure.subplots(1, n, squeeze=False)  # type: ignore[attr-defined]
    return list(axes[0])
