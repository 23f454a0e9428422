"""Every command of the command line, listed once: help, parsing and docs' tests read this."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """One command.

    Parameters
    ----------
    about : str
        One line for people.
    module : str
        Module whose dataclass `Command` runs it: its fields are the options, their description
        is the help, and `run()` does the work. Imported when the command is used.
    """

    about: str
    module: str


_HERE = "fuzzyseg.cli"
COMMANDS: dict[str, Entry] = {
    "segment": Entry("segment a SPECT or CT: memberships, labels, preview", f"{_HERE}.segment"),
    "batch": Entry("segment many studies, with one table of all", f"{_HERE}.batch"),
    "compare": Entry("compare a patient's lesions on two days", f"{_HERE}.compare"),
    "evaluate": Entry("compare a label map with the truth", f"{_HERE}.evaluate"),
    "simulate": Entry("simulate bone SPECT/CT patients with known truth", f"{_HERE}.simulate"),
    "train": Entry("train a network on simulated patients or your own", f"{_HERE}.train"),
    "adapt": Entry("adapt a model to one scan, without labels", f"{_HERE}.adapt"),
    "models": Entry("list models, and what they were trained on", f"{_HERE}.models"),
    "export": Entry("write a model as ONNX, or as a MONAI bundle", f"{_HERE}.export"),
    "export-nnunet": Entry("write a cohort as a data set for nnU-Net", f"{_HERE}.export_nnunet"),
    "info": Entry("contents of a study; versions, methods, formats", f"{_HERE}.info"),
    "reproduce": Entry(
        "the paper's tables and figures, on simulated patients", f"{_HERE}.reproduce"
    ),
    "demo": Entry("simulate a patient, segment it, compare with the truth", f"{_HERE}.demo"),
}
