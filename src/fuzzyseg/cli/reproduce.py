"""`fuzzyseg reproduce`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from fuzzyseg.cli.engine import chosen_engine
from fuzzyseg.cli.options import Config, Output, say, warn
from fuzzyseg.experiments.reproduce.preset import PRESETS
from fuzzyseg.jobs.registry import ENGINES


@dataclass(frozen=True)
class Command:
    """Reproduce the tables and figures of Chen et al. 2021 on simulated patients.

    Parameters
    ----------
    items
        table1 to table6, fig3 to fig11, shift, family, ct-prior, labelled, dimensions,
        reliability; all by default.
    output
        Folder of the page. What is done there is not done again; a run that was stopped goes on,
        and several may share the work.
    preset
        How large.
    phantom
        A labelled volume in place of the built-in body, as for `fuzzyseg simulate`.
    labels
        Its table: a TOML file, or "xcat-derived".
    cts
        Folder of real CTs, NAME_ct.nii.gz, with bone labels, NAME_labels.nii.gz; where
        NAME_structures.csv names the labels, those of bones count.
    jobs
        Calculations at a time, each with one thread.
    engine
        What computes them; with ray, on all machines that see the output's folder.
    address
        Of the Ray cluster; without it that of RAY_ADDRESS, or of this machine.
    draw_only
        Compute nothing; write the page of what is done.
    config
        TOML file of options; what the command line says wins.
    quiet
        Say nothing of the jobs.
    debug
        Show a traceback on errors.
    """

    output: Output
    items: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    preset: str = field(default="quick", metadata={"choices": PRESETS})
    phantom: Path | None = None
    labels: str | None = None
    cts: Path | None = None
    jobs: int | None = 1
    engine: str = field(default="local", metadata={"choices": ENGINES})
    address: str | None = None
    draw_only: bool = False
    config: Config = None
    quiet: bool = False
    debug: bool = False

    def run(self) -> None:
        """Compute and write."""
        from fuzzyseg.experiments.reproduce.run import reproduce

        page, failures = reproduce(
            self.output,
            self.items,
            self.preset,
            phantom=self.phantom,
            labels=self.labels,
            cts=self.cts,
            engine=chosen_engine(self.engine, self.jobs, self.address),
            compute=not self.draw_only,
            report=lambda line: say(line, quiet=self.quiet),
        )
        for name, why in failures.items():
            warn(f"{name} failed: {why}")
        say(f"page in {page}", quiet=self.quiet)
