"""Intervals for volume and uptake: calibrated on some simulated patients, tested on others.

    python -m fuzzyseg.experiments.quantification.intervals COHORT --test COHORT [--model spect]

Prints which share of the true volumes and uptakes intervals held, by nominal coverage; `-o` draws
it into calibration.png, `--write` puts intervals of 90% and what they held into the model's card.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fuzzyseg.errors import InputError
from fuzzyseg.experiments.quantification.interval_fit import fitted, held
from fuzzyseg.experiments.quantification.interval_pairs import Pair, pairs_of
from fuzzyseg.experiments.quantification.interval_plot import draw_calibration
from fuzzyseg.experiments.quantification.truth import read_truth
from fuzzyseg.io import read_nifti
from fuzzyseg.models.locate import card_of
from fuzzyseg.models.model_files import write_card
from fuzzyseg.quantification import quantify

if TYPE_CHECKING:
    from collections.abc import Sequence

COVERAGES, GIVEN = (0.5, 0.6, 0.7, 0.8, 0.9), 0.9


def measured_pairs(cohorts: Sequence[Path], model: str) -> list[Pair]:
    """Segment all patients of cohorts as users would, and pair their lesions with the truth.

    Raises
    ------
    InputError
        If there are none, or a file cannot be read.
    """
    from fuzzyseg.segmentation import Settings, segment
    from fuzzyseg.volume import Study

    folders = [path.parent for c in cohorts for path in sorted(c.glob("patient-*/patient.json"))]
    if not folders:
        raise InputError("expected patients in the cohorts, found none; run fuzzyseg simulate")
    with_ct = "ct" in card_of(model).architecture.channels
    settings, found = Settings(method="model", model=model), []
    for number, folder in enumerate(folders):
        spect = read_nifti(folder / "spect.nii.gz", "NM", "Bq/mL")
        ct = read_nifti(folder / "ct.nii.gz", "CT") if with_ct else None
        measured = quantify(segment(Study(spect, ct), settings))
        found += pairs_of(measured, spect, read_truth(folder), number)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Calibrate, test, print, and draw or write where asked to."""
    parser = argparse.ArgumentParser(
        prog="python -m fuzzyseg.experiments.quantification.intervals",
        description="Intervals for volume and uptake, and how often they hold the truth.",
    )
    parser.add_argument("cohorts", nargs="+", type=Path, help="patients to calibrate on")
    parser.add_argument("--test", nargs="+", type=Path, required=True, help="other patients")
    parser.add_argument("--model", default="spect", help="bundled one, or a path")
    parser.add_argument("--write", action="store_true", help="into the model's card")
    parser.add_argument("-o", "--output", type=Path, help="folder for the picture")
    given = parser.parse_args(arguments)
    try:
        known, others = (measured_pairs(c, given.model) for c in (given.cohorts, given.test))
        laws = {coverage: fitted(known, coverage) for coverage in COVERAGES}
        inside = {coverage: held(others, law) for coverage, law in laws.items()}
        if given.write:
            volume, uptake = (round(float(share), 3) for share in inside[GIVEN].mean(axis=0))
            told = replace(laws[GIVEN], tested=len(inside[GIVEN]), held=(volume, uptake))
            write_card(given.model, replace(card_of(given.model), intervals=told))
    except InputError as error:
        parser.error(str(error))
    law, n = laws[GIVEN], len(inside[GIVEN])
    patients = len({pair.patient for pair in others})
    lines = [
        f"calibrated on {law.lesions} lesions of {law.patients} patients, tested on {n} of "
        f"{patients}; of {len(others) - n} more the volume is beyond those of the calibration",
        f"volume: {law.volume}",
        f"uptake: {law.uptake}",
        "",
        "| intervals made to hold | volumes held | uptakes held |",
        "| ---: | ---: | ---: |",
        *(
            "| {:.0%} | {:.0%} | {:.0%} |".format(coverage, *found.mean(axis=0))
            for coverage, found in inside.items()
        ),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    if given.output is not None:
        given.output.mkdir(parents=True, exist_ok=True)
        shares = {c: (float(s[:, 0].mean()), float(s[:, 1].mean())) for c, s in inside.items()}
        draw_calibration(shares, n, given.output / "calibration.png")


if __name__ == "__main__":
    main()
