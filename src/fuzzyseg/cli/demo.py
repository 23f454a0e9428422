"""`fuzzyseg demo`."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from fuzzyseg.batch.one import How
from fuzzyseg.cli import evaluate, segment, simulate
from fuzzyseg.cli.options import Output
from fuzzyseg.quantification.measuring import Measuring
from fuzzyseg.simulation.record import code_digest
from fuzzyseg.simulation.simulated import Recipe

RECIPE = Recipe(views=60, fine=False, axial=(0.05, 0.5))


@dataclass(frozen=True)
class Command:
    """Simulate a patient, segment its SPECT/CT and compare the result with the truth.

    Parameters
    ----------
    output
        Folder for the patient and the results; existing results are replaced.
    seed
        Random seed of the patient.
    debug
        Show a traceback on errors.
    """

    output: Output = Path("out/demo")
    seed: int = 3
    debug: bool = False

    def run(self) -> None:
        """Do what a user would, with the commands that a user has."""
        # A patient of other code is not the one that this code makes.
        cohort = self.output / f"cohort-{code_digest()[:8]}-{self.seed}"
        simulate.Command(output=cohort, patients=1, recipe=replace(RECIPE, seed=self.seed)).run()
        patient = cohort / "patient-0001"
        segment.Command(
            input=patient / "spect.nii.gz",
            ct=patient / "ct.nii.gz",
            output=self.output,
            modality="NM",
            how=How(measuring=_known_of(patient)),
            force=True,
        ).run()
        evaluate.Command(prediction=self.output, truth=patient / "labels.nii.gz").run()


def _known_of(patient: Path) -> Measuring:
    """Tell what SUV needs and a NIfTI does not hold; a department knows it of its patients."""
    drawn = json.loads((patient / "patient.json").read_text(encoding="utf-8"))["patient"]
    return Measuring(
        unit="Bq/mL",
        weight_kg=round(drawn["weight_kg"], 1),
        injected_mbq=drawn["injected_mbq"],
        uptake_min=60 * drawn["uptake_h"],
    )
