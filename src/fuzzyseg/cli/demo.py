"""`fuzzyseg demo`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from fuzzyseg.cli import evaluate, segment, simulate
from fuzzyseg.cli.options import Output
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
            force=True,
        ).run()
        evaluate.Command(prediction=self.output, truth=patient / "labels.nii.gz").run()
