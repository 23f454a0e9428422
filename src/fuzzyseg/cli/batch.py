"""`fuzzyseg batch`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from fuzzyseg.batch.many import Batch, run_batch
from fuzzyseg.batch.one import How
from fuzzyseg.batch.studies import find_studies
from fuzzyseg.cli.engine import chosen_engine
from fuzzyseg.cli.options import Config, Output, progress, say, warn
from fuzzyseg.errors import InputError
from fuzzyseg.jobs import ENGINES
from fuzzyseg.segmentation.settings import Settings


@dataclass(frozen=True)
class OneThread(Settings):
    """Settings of a study that is one of several at a time; `--engine` is what computes these."""

    __doc__ = Settings.__doc__
    engine: Literal["auto", "torch", "openvino", "onnxruntime"] = field(default="auto", init=False)
    jobs: int | None = field(default=1, init=False)


@dataclass(frozen=True)
class HowEach(How):
    """What is done with each of several studies at a time."""

    __doc__ = How.__doc__
    settings: OneThread = field(default_factory=OneThread)


@dataclass(frozen=True)
class Command:
    """Segment many studies, and list them all in one table.

    Parameters
    ----------
    studies
        Folder of DICOM folders, zips or NIfTI files; a BIDS data set; or a CSV file with the
        columns study, image, and, if known, ct, weight_kg, injected_mbq, ...
    output
        Folder for cohort.csv, cohort.html, and a folder of results per study; an earlier run in it
        is resumed, and its studies stay in the tables.
    jobs
        Studies at a time, each in a process with one thread; by default one per core, with ray of
        the whole cluster.
    part
        Do only a part of the studies: 3/16 is every 16th, starting with the third.
    engine
        What computes the studies.
    address
        Address of the Ray cluster; by default RAY_ADDRESS, or this machine.
    bids
        Name results as BIDS derivatives.
    how
        What is done with each study.
    config
        TOML file of options; options on the command line override it.
    quiet
        Show no progress and no summary.
    debug
        Show a traceback on errors.
    """

    studies: Annotated[Path, tyro.conf.Positional]
    output: Output
    jobs: int | None = None
    part: Annotated[str, tyro.conf.arg(metavar="N/M")] = "1/1"
    engine: str = field(default="local", metadata={"choices": ENGINES})
    address: str | None = None
    bids: bool = False
    how: HowEach = field(default_factory=HowEach)
    config: Config = None
    quiet: bool = False
    debug: bool = False

    def run(self) -> None:
        """Segment what is left to do; what failed is told at the end, and is exit code 2."""
        part = parsed_part(self.part)
        batch = Batch(find_studies(self.studies), self.output, self.how, self.bids)
        engine = chosen_engine(self.engine, self.jobs, self.address)
        with progress(self.quiet) as step:
            rows = run_batch(
                batch,
                part=part,
                engine=engine,
                failed=lambda name, reason: warn(f"{name}: {reason}"),
                progress=step("segmenting"),
            )
        done, failed = (sum(row.state == state for row in rows) for state in ("done", "failed"))
        waiting = len(rows) - done - failed
        rest = f", {waiting} waiting" if waiting else ""
        told = f"{done} of {len(rows)} studies segmented, {failed} failed{rest}"
        more = len(batch.others)
        earlier = f", which lists {more} of earlier runs too" if more else ""
        say(f"{told}; open {self.output / 'cohort.html'}{earlier}", quiet=self.quiet)
        if failed:
            raise InputError(
                f"expected every study to be segmented, found {failed} that could not be; "
                f"{self.output / 'cohort.csv'} says why: fix them and run the command again"
            )


def parsed_part(text: str) -> tuple[int, int]:
    """Understand "3/16".

    Raises
    ------
    InputError
        If it is no part.
    """
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
    part = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= part[0] <= part[1]:
        raise InputError(
            f"expected a part such as 3/16, from 1/16 to 16/16, found {text!r}; give --part N/M"
        )
    return part
