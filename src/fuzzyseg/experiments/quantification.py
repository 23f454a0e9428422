"""How well volume and activity of lesions are recovered, by size, and how often the site is right.

    python -m fuzzyseg.experiments.quantification COHORT [COHORT ...] [--method rfcm] [--fwhm 12]

Of every true lesion that was found, what a segmentation gives in the voxels within 10 mm of it
that are nearest to it: hard (labels), fuzzy (sums of u and u A) and corrected (u A corrected for
partial volume with the memberships). Entries are medians over lesions of measured over true, with
quartiles: 1 is right.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.io import read_nifti
from fuzzyseg.quantification.around import REACH_MM, nearest_lesion
from fuzzyseg.quantification.geometry import places_mm
from fuzzyseg.quantification.partial_volume import corrected
from fuzzyseg.quantification.pieces import components
from fuzzyseg.quantification.site import site
from fuzzyseg.quantification.skeleton import find_landmarks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fuzzyseg.volume import Segmentation

SIZES_MM = (0.0, 12.0, 18.0, 24.0, 1000.0)
FWHM_MM = 12.0  # of simulated images around bone: 14 mm by 2 x 10 iterations, 10 mm by 8 x 10
COLUMNS = ("volume, hard", "volume, fuzzy", "activity, hard", "activity, fuzzy", "corrected")
_SITES = {
    "skull": "skull", "mandible": "skull", "C": "cervical spine", "T": "thoracic spine",
    "L": "lumbar spine", "sacrum": "sacrum", "coccyx": "sacrum", "hip": "pelvis", "rib": "ribs",
    "sternum": "sternum", "clavicle": "shoulder girdle", "scapula": "shoulder girdle",
    "humerus": "upper limb", "forearm": "upper limb", "hand": "upper limb", "femur": "lower limb",
}  # fmt: skip


@dataclass(frozen=True)
class Recovery:
    """One true lesion: diameter of the sphere of its volume, and measured over true."""

    diameter_mm: float
    found: bool
    ratios: tuple[float, ...]


def recoveries(segmentation: Segmentation, folder: Path, fwhm_mm: float) -> list[Recovery]:
    """Compare a segmentation of a simulated patient's SPECT with the truth in its folder."""
    truth = read_nifti(folder / "labels.nii.gz").array == 2
    activity = read_nifti(folder / "activity.nii.gz").array
    volume, u = segmentation.volume, segmentation.memberships
    hard, soft = segmentation.labels == 2, u[2]
    fixed = corrected(volume.array, list(u), fwhm_mm, volume.spacing_mm)
    pieces = components(truth, volume.affine)
    owner, distance = nearest_lesion(pieces.labels, volume.spacing_mm)
    rows = []
    for number, voxels in enumerate(pieces.voxels, start=1):
        own, true = (owner == number) & (distance <= REACH_MM), pieces.labels == number
        at, n = volume.array[own].astype(float), int(hard[own].sum())
        total = float(activity[true].sum(dtype=float))
        ratios = (
            n / voxels,
            float(soft[own].sum(dtype=float)) / voxels,
            float(at[hard[own]].sum()) / total,
            float((at * soft[own]).sum()) / total,
            float((fixed[own] * soft[own]).sum()) / total,
        )
        diameter = float(np.cbrt(6000 * voxels * volume.voxel_volume_ml / np.pi))
        rows.append(Recovery(diameter, n > 0, ratios))
    return rows


def sites(segmentation: Segmentation, folder: Path) -> list[bool | None]:
    """Tell of each drawn lesion whether its site is right by the segmented skeleton; None: unnamed.

    At the lesion's true centre, found or not.
    """
    volume = segmentation.volume
    drawn = json.loads((folder / "patient.json").read_text("utf-8"))["patient"]["lesions"]
    index = np.argwhere(segmentation.labels > 0)
    landmarks = find_landmarks(places_mm(index, volume.affine), volume.voxel_volume_ml)
    if isinstance(landmarks, str):
        return [None] * len(drawn)
    right: list[bool | None] = []
    for each in drawn:
        kind = each["region"].split(maxsplit=1)[0].rstrip("0123456789")
        name, _, _ = site(np.array(each["centre_mm"], float), landmarks)
        right.append(None if name is None else name == _SITES[kind])
    return right


def table(found: Sequence[Recovery], right: Sequence[bool | None]) -> str:
    """Markdown table by diameter, and a line on sites."""
    lines = [
        f"| diameter, mm | lesions | found | {' | '.join(COLUMNS)} |",
        "| --- |" + " ---: |" * (2 + len(COLUMNS)),
    ]
    for low, high in itertools.pairwise(SIZES_MM):
        rows = [r for r in found if low <= r.diameter_mm < high]
        seen = np.array([r.ratios for r in rows if r.found])
        cells = ["-"] * len(COLUMNS)
        if len(seen):
            low_, middle, high_ = np.percentile(seen, (25, 50, 75), axis=0)
            cells = [
                f"{m:.2f} [{a:.2f}, {b:.2f}]" for a, m, b in zip(low_, middle, high_, strict=True)
            ]
        name = f"{low:g} to {high:g}" if high < SIZES_MM[-1] else f"from {low:g}"
        lines.append(f"| {name} | {len(rows)} | {len(seen)} | {' | '.join(cells)} |")
    named = [r for r in right if r is not None]
    lines += ["", f"Sites: {len(named)} of {len(right)} named, {sum(named)} of these right."]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table over all patients of the cohorts."""
    from fuzzyseg.segmentation import Settings, segment
    from fuzzyseg.volume import Study

    parser = argparse.ArgumentParser(description="How well lesions are measured, by size.")
    parser.add_argument("cohorts", nargs="+", type=Path, help="folders made by fuzzyseg simulate")
    parser.add_argument("--method", default="auto", help="of fuzzyseg segment")
    parser.add_argument("--fwhm", type=float, default=FWHM_MM, help="resolution of the images, mm")
    given = parser.parse_args(arguments)
    folders = [f for cohort in given.cohorts for f in sorted(cohort.glob("patient-*"))]
    if not folders:
        parser.error("expected patients in the cohorts, found none; run fuzzyseg simulate first")
    found, right = [], []
    for folder in folders:
        try:
            study = Study(spect=read_nifti(folder / "spect.nii.gz", "NM"))
            segmentation = segment(study, Settings(method=given.method))
        except InputError as error:
            parser.error(str(error))
        found += recoveries(segmentation, folder, given.fwhm)
        right += sites(segmentation, folder)
    sys.stdout.write(f"{len(folders)} patients\n\n{table(found, right)}\n")


if __name__ == "__main__":
    main()
