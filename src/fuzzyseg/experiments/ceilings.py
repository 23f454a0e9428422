"""What limits segmentation of simulated cohorts, with intervals over patients.

    python -m fuzzyseg.experiments.ceilings COHORT [COHORT ...] [--model spect-ct]

Each row knows more than a model does: where every lesion lies, or its activity without noise. The
last rows ask how much density tells: the area under the ROC curve of HU, lesion against bone
around it (0.5: nothing), and a model's scores where lesions are erased from the CT alone.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.conventions import FWHM_PER_SIGMA
from fuzzyseg.errors import InputError
from fuzzyseg.io import read_nifti
from fuzzyseg.metrics import bootstrap_interval
from fuzzyseg.quantification.around import nearest_lesion
from fuzzyseg.registration import register
from fuzzyseg.resample import resample
from fuzzyseg.volume import Study, Volume

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Image = NDArray[np.float32]
    Mask = NDArray[np.bool_]
    Labels = NDArray[np.uint8]

BLURS_MM = (14.0, 10.0, 6.0)
AROUND_MM = 15.0  # of a lesion: its own voxels, and the bone that it is compared with
_FILL_MM = 4.0  # standard deviation of the average that takes a lesion's place in the CT


@dataclass(frozen=True)
class Score:
    """One patient's score, and the volume that weighs it (eq. 22); NaN where undefined."""

    value: float
    volume_ml: float


def dice(a: Mask, b: Mask) -> float:
    """Dice coefficient of two masks; NaN where both are empty."""
    both = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / both if both else float("nan")


def best_level(image: Image, truth: Mask) -> tuple[float, float]:
    """Find the level above which `image` agrees best with `truth`, of all that there are.

    Returns
    -------
    dsc, level : float
        Voxels of `level` and above are taken.
    """
    order = np.argsort(image, axis=None)[::-1]
    sorted_ = image.reshape(-1)[order]
    hits = np.cumsum(truth.reshape(-1)[order])
    taken = np.arange(1, hits.size + 1)
    scores = 2 * hits / (taken + hits[-1])
    # Voxels of one value are taken together.
    scores[:-1][sorted_[:-1] == sorted_[1:]] = -1
    best = int(np.argmax(scores))
    return float(scores[best]), float(sorted_[best])


def best_per_lesion(
    image: Image, truth: Mask, spacing_mm: Sequence[float], allowed: Mask | None = None
) -> Mask:
    """Cut each lesion at its own best level, its place known.

    A voxel belongs to the lesion it is nearest to, and to none further than `AROUND_MM`.

    Parameters
    ----------
    image : ndarray of shape (X, Y, Z)
    truth : bool ndarray of shape (X, Y, Z)
        Lesions.
    spacing_mm : three floats
    allowed : bool ndarray, optional
        Voxels that can be lesion, such as all bone.

    Returns
    -------
    bool ndarray of shape (X, Y, Z)
    """
    from scipy import ndimage

    lesions, n = ndimage.label(truth, np.ones((3, 3, 3)))
    owner, _ = nearest_lesion(lesions, spacing_mm, AROUND_MM)
    if allowed is not None:
        owner[~allowed] = 0
    found = np.zeros(truth.shape, bool)
    for number, box in enumerate(ndimage.find_objects(owner, n), start=1):
        if box is None:
            continue
        own = owner[box] == number
        _, level = best_level(image[box][own], lesions[box][own] == number)
        found[box] |= own & (image[box] >= level)
    return found


def density_auc(ct: Image, labels: Labels, spacing_mm: Sequence[float]) -> float:
    """Area under the ROC curve of HU: voxels of lesions against those of bone near them.

    Parameters
    ----------
    ct : ndarray of shape (X, Y, Z)
        HU.
    labels : uint8 ndarray of shape (X, Y, Z)
        0 background, 1 bone, 2 lesion, on the CT's grid.
    spacing_mm : three floats

    Returns
    -------
    float
        0.5 where density tells nothing, NaN without lesions.
    """
    from scipy import ndimage, stats

    lesion = labels == 2
    near = ndimage.distance_transform_edt(~lesion, sampling=spacing_mm) < AROUND_MM
    bone = near & (labels == 1)
    if not (lesion.any() and bone.any()):
        return float("nan")
    above = stats.mannwhitneyu(ct[lesion], ct[bone]).statistic
    return float(above) / (int(lesion.sum()) * int(bone.sum()))


def erase_lesions(ct: Image, labels: Labels, spacing_mm: Sequence[float]) -> Image:
    """Give lesions, and bone within 3 mm of them, the average HU of healthy bone nearby."""
    from scipy import ndimage

    lesion = labels == 2
    margin = ndimage.distance_transform_edt(~lesion, sampling=spacing_mm) <= 3.0
    healthy = (labels == 1) & ~margin
    sigma = _FILL_MM / np.asarray(spacing_mm)
    weight = ndimage.gaussian_filter(healthy.astype(np.float32), sigma)
    mean = ndimage.gaussian_filter(np.where(healthy, ct, 0).astype(np.float32), sigma)
    default = float(np.median(ct[healthy])) if healthy.any() else 0.0
    filled = np.where(weight > 1e-4, mean / np.maximum(weight, 1e-4), default)
    return np.where(margin & (labels > 0), filled, ct).astype(np.float32)


def score_patient(folder: Path, model: str | None = None) -> dict[str, Score]:
    """Every row's score of one simulated patient."""
    from scipy import ndimage

    spect = read_nifti(folder / "spect.nii.gz", "NM")
    activity = read_nifti(folder / "activity.nii.gz").array
    labels = read_nifti(folder / "labels.nii.gz").array.astype(np.uint8)
    ct = read_nifti(folder / "ct.nii.gz", "CT")
    ct_labels = read_nifti(folder / "ct_labels.nii.gz").array.astype(np.uint8)
    lesion, solid = labels == 2, labels > 0
    lesion_ml, bone_ml = (int(m.sum()) * spect.voxel_volume_ml for m in (lesion, solid))
    rows: dict[str, Score] = {}

    def lesions(name: str, image: Image, allowed: Mask | None = None) -> None:
        cut = best_per_lesion(image, lesion, spect.spacing_mm, allowed)
        rows[f"lesion: {name}"] = Score(dice(cut, lesion) if lesion_ml else np.nan, lesion_ml)

    lesions("best level per lesion, places known", spect.array)
    lesions("best level per lesion, places and bone known", spect.array, solid)
    rows["bone with lesions: one best level"] = Score(best_level(spect.array, solid)[0], bone_ml)
    for blur in BLURS_MM:
        sigma = blur / FWHM_PER_SIGMA / np.asarray(spect.spacing_mm)
        blurred = ndimage.gaussian_filter(activity, sigma)
        name = f"activity blurred to {blur:g} mm"
        lesions(f"{name}, places known", blurred)
        rows[f"bone with lesions: {name}, one best level"] = Score(
            best_level(blurred, solid)[0], bone_ml
        )
    fitted = register(Study(spect, ct)).ct or ct
    for name, affine in (("", ct.affine), (", registered", fitted.affine)):
        seen = resample(Volume((ct_labels > 0).astype(np.float32), affine), spect).array >= 0.5
        rows[f"bone with lesions: truth, where the CT shows it{name}"] = Score(
            dice(seen, solid), bone_ml
        )
    auc = density_auc(ct.array, ct_labels, ct.spacing_mm)
    rows["density: area under the ROC curve"] = Score(auc, 1.0)
    if model is not None:
        erased = replace(ct, array=erase_lesions(ct.array, ct_labels, ct.spacing_mm))
        for name, beside in ((model, ct), (f"{model}, lesions erased from the CT", erased)):
            found = _segment(spect, beside, model)
            rows[f"lesion: {name}"] = Score(dice(found == 2, lesion), lesion_ml)
            rows[f"bone: {name}"] = Score(dice(found == 1, labels == 1), bone_ml - lesion_ml)
    return rows


def _segment(spect: Volume, ct: Volume, model: str) -> NDArray[np.integer]:
    from fuzzyseg.segmentation import Settings, segment

    return segment(Study(spect, ct), Settings(method="model", model=model)).labels


def table(cohort: Path, model: str | None = None) -> str:
    """Markdown table of one cohort: means weighted by volume, 95% bootstrap intervals."""
    folders = sorted(cohort.glob("patient-*"))
    if not folders:
        raise InputError(f"expected patients in {cohort}, found none; run fuzzyseg simulate first")
    scores: dict[str, list[Score]] = defaultdict(list)
    for folder in folders:
        for name, score in score_patient(folder, model).items():
            scores[name].append(score)
    lines = [
        f"{cohort.name}, {len(folders)} patients",
        "",
        "| what | DSC or AUC |",
        "| --- | ---: |",
    ]
    for name, found in scores.items():
        mean = bootstrap_interval([s.value for s in found], [s.volume_ml for s in found])
        spread = f" [{mean.low:.3f}, {mean.high:.3f}]" if np.isfinite(mean.low) else ""
        lines.append(f"| {name} | {mean.estimate:.3f}{spread} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table for each cohort."""
    parser = argparse.ArgumentParser(description="What limits segmentation of simulated cohorts.")
    parser.add_argument("cohorts", nargs="+", type=Path, help="folders made by fuzzyseg simulate")
    parser.add_argument("--model", help="also score a model of SPECT and CT, lesions erased")
    given = parser.parse_args(arguments)
    for cohort in given.cohorts:
        try:
            text = table(cohort, given.model)
        except InputError as error:
            parser.error(str(error))
        sys.stdout.write(text + "\n\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
