"""`fuzzyseg simulate`."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fuzzyseg.cli.engine import chosen_engine
from fuzzyseg.cli.options import Config, Output, progress, say
from fuzzyseg.jobs import ENGINES, Here
from fuzzyseg.simulation.cohort import simulate_cohort
from fuzzyseg.simulation.simulated import Recipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from fuzzyseg.simulation.ct_only import SimulatedCT
    from fuzzyseg.simulation.simulated import Simulated


@dataclass(frozen=True)
class Command:
    """Simulate bone SPECT/CT patients with known truth.

    Parameters
    ----------
    output
        Folder for the patients; an existing cohort there is continued.
    patients
        Number of patients.
    recipe
        How they are made.
    jobs
        Patients at a time, each in a single-threaded process; by default one per core, with ray of
        the whole cluster.
    engine
        Where they are computed; with ray, on all machines that can access the output folder.
    address
        Address of the Ray cluster; by default RAY_ADDRESS, or the cluster of this machine.
    other_code
        Continue a cohort that another version or other code began. Patients may then differ in
        kind; each patient.json says by which code it was made.
    config
        TOML file of options; options on the command line override it.
    quiet
        Show no progress.
    debug
        Show a traceback on errors.
    """

    output: Output
    patients: int = 1
    recipe: Recipe = field(default_factory=Recipe)
    jobs: int | None = None
    engine: str = field(default="local", metadata={"choices": ENGINES})
    address: str | None = None
    other_code: bool = False
    config: Config = None
    quiet: bool = False
    debug: bool = False

    def run(self) -> None:
        """Write the cohort."""
        engine = chosen_engine(self.engine, self.jobs, self.address)
        if self.engine == "local" and self.patients == 1:
            engine = Here()  # a single one is made faster by all threads
        with progress(self.quiet) as step:
            folders = simulate_cohort(
                self.output,
                self.patients,
                self.recipe,
                engine=engine,
                finish=draw,
                other_code=self.other_code,
                progress=_told(step("simulating patients"), self.quiet),
            )
        say(f"{len(folders)} patients in {self.output}; look at each preview.png", quiet=self.quiet)


def _told(bar: Callable[[int, int], None], quiet: bool) -> Callable[[int, int], None]:
    """Move the bar, or write a line a patient where standard error is no terminal."""

    def report(done: int, total: int) -> None:
        bar(done, total)
        if not quiet and sys.stderr is not None and not sys.stderr.isatty():
            sys.stderr.write(f"simulated {done} of {total} patients\n")
            sys.stderr.flush()

    return report


def draw(folder: Path, patient: Simulated | SimulatedCT) -> None:
    """Add preview.png with the true contours to a patient's folder."""
    import numpy as np

    from fuzzyseg.conventions import CLASSES
    from fuzzyseg.report import write_preview
    from fuzzyseg.simulation.ct_only import SimulatedCT
    from fuzzyseg.volume import Provenance, Segmentation

    image, labels = (
        (patient.ct, patient.ct_labels)
        if isinstance(patient, SimulatedCT)
        else (patient.spect, patient.labels)
    )
    memberships = np.stack([labels == k for k in range(len(CLASSES))]).astype(np.float32)
    write_preview(
        folder / "preview.png",
        Segmentation(memberships, labels, CLASSES, image, Provenance("truth")),
    )
