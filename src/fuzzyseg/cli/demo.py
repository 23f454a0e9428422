"""`fuzzyseg demo`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fuzzyseg.cli import evaluate, segment
from fuzzyseg.cli.options import Output, say


@dataclass(frozen=True)
class Command:
    """Make a small SPECT/CT study, segment it and compare it with its truth.

    Parameters
    ----------
    output
        Folder for the study and its results; results that are there are replaced.
    seed
        Another seed makes another study.
    debug
        Show a traceback on errors.
    """

    output: Output = Path("out/demo")
    seed: int = 0
    debug: bool = False

    def run(self) -> None:
        """Do what a user would, with the commands that a user has."""
        from fuzzyseg.simulation.study import write_study

        study = self.output / "study"
        write_study(study, seed=self.seed)
        say(f"study in {study}: spect.nii.gz, ct.nii.gz, labels.nii.gz (the truth)")
        segment.Command(
            input=study / "spect.nii.gz",
            ct=study / "ct.nii.gz",
            output=self.output,
            modality="NM",
            force=True,
        ).run()
        evaluate.Command(prediction=self.output, truth=study / "labels.nii.gz").run()
