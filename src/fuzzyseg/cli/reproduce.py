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
        Folder of the page. Finished jobs in it are not repeated; a stopped run can be resumed, and
        several runs may share the work.
    preset
        Size of the reproduction.
    phantom
        A labelled volume in place of the built-in body, as for `fuzzyseg simulate`.
    labels
        Table of the phantom: a TOML file, or "xcat-derived".
    cts
        Folder of real CTs, NAME_ct.nii.gz, with bone labels, NAME_labels.nii.gz; if
        NAME_structures.csv names the labels, only those of bones are used.
    jobs
        Calculations at a time, each with one thread.
    engine
        What computes the jobs; with ray, all machines that see the output folder.
    address
        Address of the Ray cluster; by default RAY_ADDRESS, or this machine.
    draw_only
        Compute nothing; write the page from the results so far.
    config
        TOML file of options; options on the command line override it.
    quiet
        Do not report the jobs.
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
