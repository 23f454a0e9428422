"""`fuzzyseg export-nnunet`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from fuzzyseg.cli.options import Output, say

_CHANNELS = {"spect": "the SPECT", "ct": "the CT, on the grid of the first image"}


@dataclass(frozen=True)
class Command:
    """Write a cohort as a data set for nnU-Net.

    Parameters
    ----------
    cohort
        Folders of patients that fuzzyseg simulate wrote, or manifests (docs/training.md).
    output
        nnUNet_raw, the folder in which the data set gets its own.
    channels
        Images: spect, ct, or both.
    number
        Number of the data set, from 1 to 999.
    name
        Name of the data set.
    debug
        Show a traceback on errors.
    """

    cohort: Annotated[tuple[Path, ...], tyro.conf.Positional]
    output: Output
    channels: tuple[str, ...] = dataclasses.field(
        default=("spect",), metadata={"choices": _CHANNELS}
    )
    number: int = 1
    name: str = "Bone"
    debug: bool = False

    def run(self) -> None:
        """Write it, and say how to go on."""
        from fuzzyseg.interop import nnunet_trainers
        from fuzzyseg.interop.nnunet_dataset import export_nnunet

        folder = export_nnunet(
            self.cohort, self.output, number=self.number, name=self.name, channels=self.channels
        )
        say(f"{folder}; continue with nnUNetv2_plan_and_preprocess -d {self.number}")
        say(
            "for nnUNetv2_train -tr nnUNetTrainerSemiRFCM or nnUNetTrainerFCMLabel: "
            f"export nnUNet_extTrainer={nnunet_trainers.__path__[0]}"
        )
