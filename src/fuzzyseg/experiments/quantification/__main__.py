"""True volume, uptake and site of lesions against measured ones, on simulated patients.

    python -m fuzzyseg.experiments.quantification COHORT [COHORT ...] [--model spect] [-o FOLDER]

Of every true lesion, what a segmentation and the true labels give in the voxels within 10 mm of it
that are nearest to it: hard (labels), fuzzy (sums of u and u A) and corrected for partial volume by
the geometric transfer matrix (GTM) and voxel by voxel (RBV). Entries are medians over the lesions
found of measured over true, with quartiles: 1 is right. Then how often sites are right. `-o` draws
the ratios of every lesion into recovery.png.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fuzzyseg.errors import InputError
from fuzzyseg.experiments.quantification import recovery
from fuzzyseg.experiments.quantification.sites import sentence, sites
from fuzzyseg.experiments.quantification.truth import read_truth, true_segmentation
from fuzzyseg.io import read_nifti

if TYPE_CHECKING:
    from collections.abc import Sequence

FWHM_MM = 8.0  # with true labels, activity is right on average by it


def main(arguments: Sequence[str] | None = None) -> None:
    """Print tables over all patients of the cohorts."""
    from fuzzyseg.segmentation import Settings, segment
    from fuzzyseg.volume import Study

    parser = argparse.ArgumentParser(
        prog="python -m fuzzyseg.experiments.quantification",
        description="How close measurements of lesions are to the truth.",
    )
    parser.add_argument("cohorts", nargs="+", type=Path, help="folders made by fuzzyseg simulate")
    parser.add_argument("--model", default="spect", help="bundled one, or a path; of SPECT alone")
    parser.add_argument(
        "--method", default="model", help="of fuzzyseg segment, in place of a model"
    )
    parser.add_argument("--fwhm", type=float, default=FWHM_MM, help="resolution of the images, mm")
    parser.add_argument("-o", "--output", type=Path, help="folder for the picture")
    given = parser.parse_args(arguments)
    described = (sorted(c.glob("patient-*/patient.json")) for c in given.cohorts)
    folders = [path.parent for paths in described for path in paths]
    if not folders:
        parser.error("expected patients in the cohorts, found none; run fuzzyseg simulate first")
    by_model = given.method == "model"
    settings = Settings(method=given.method, model=given.model if by_model else None)
    name = given.model if by_model else given.method
    found: dict[str, list[recovery.Recovery]] = {name: [], "true labels": []}
    right: dict[str, list[bool | None]] = {name: [], "true labels": []}
    try:
        for folder in folders:
            spect, truth = read_nifti(folder / "spect.nii.gz", "NM"), read_truth(folder)
            segmentation = segment(Study(spect=spect), settings)
            both = {name: segmentation, "true labels": true_segmentation(truth, spect)}
            for key, each in both.items():
                found[key] += recovery.recoveries(each, truth, given.fwhm)
                right[key] += sites(each, truth)
    except InputError as error:
        parser.error(str(error))
    parts = [f"{len(folders)} patients, assumed resolution {given.fwhm:g} mm"]
    for key, rows in found.items():
        parts += [f"## {key}", recovery.table(rows), sentence(right[key])]
    sys.stdout.write("\n\n".join(parts) + "\n")
    if given.output is not None:
        from fuzzyseg.experiments.quantification.recovery_plot import draw_recovery

        given.output.mkdir(parents=True, exist_ok=True)
        draw_recovery(found, given.output / "recovery.png")


if __name__ == "__main__":
    main()
