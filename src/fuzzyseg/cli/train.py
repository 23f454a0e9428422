"""`fuzzyseg train`."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from fuzzyseg.cli.options import Config as ConfigFile
from fuzzyseg.cli.options import Output, say, warn
from fuzzyseg.errors import InputError
from fuzzyseg.models.locate import lasting_name
from fuzzyseg.training.config import Config, check_config, check_validation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from fuzzyseg.models.model_files import Model


@dataclass(frozen=True)
class Command:
    """Train a network.

    Parameters
    ----------
    data
        Folders that `fuzzyseg simulate` wrote, or manifests (.csv, .json) of images and labels.
    output
        Folder of the run: model, log, curves, checkpoint.
    validation
        The same, for the cases that select the best weights; the card describes their memberships,
        so that segment can warn about unusual ones.
    train
        How to train.
    name
        Name of the model; by default the folder's.
    start
        Name or path of a model whose weights training begins with; without it they are random.
    resume
        Resume the run in the folder.
    cases
        Folder for the cases after reading, which several runs on the same data may share; by
        default "cases" in the run's folder. Reading them again takes seconds.
    threads
        Threads to compute with; by default torch's choice. On two cores, two trainings of one
        thread each are more efficient than one of two.
    config
        TOML file of options; options on the command line override it.
    quiet
        Show no progress.
    debug
        Show a traceback on errors.
    """

    data: Annotated[tuple[Path, ...], tyro.conf.Positional]
    output: Output
    validation: tuple[Path, ...] = ()
    train: Config = field(default_factory=Config)
    name: str | None = None
    start: str | None = None
    resume: bool = False
    cases: Path | None = None
    threads: int | None = None
    config: ConfigFile = None
    quiet: bool = False
    debug: bool = False

    def run(self) -> None:
        """Read the cases and train."""
        import os

        from fuzzyseg.cli.options import progress
        from fuzzyseg.training.checkpoint import run_in
        from fuzzyseg.training.prepared import prepared_cases
        from fuzzyseg.training.sources import find_sources
        from fuzzyseg.training.start import check_start

        config = self.train
        check_config(config)
        if self.threads is not None:
            _set_threads(self.threads)
        begun = run_in(self.output, config, resume=self.resume)  # before minutes of reading
        start = self._start_model(begun)
        check_start(None if start is None else start.card, config, begun)
        sources = find_sources(self.data, config.channels)
        held_out = find_sources(self.validation, config.channels)
        check_validation(config, [source.labels is not None for source in held_out])
        first = os.environ.get("RANK", "0") == "0"  # of the processes of `torchrun`
        quiet = self.quiet or not first
        with progress(quiet) as step:
            folder = self.cases or self.output / "cases"
            cases = prepared_cases(sources, config, folder, step("reading"))
            told = step("reading, to validate")
            validation = prepared_cases(held_out, config, folder, told)
        from fuzzyseg.training.loop import train

        with _bar(config.steps, quiet) as report:
            model = train(
                self.output,
                config,
                cases,
                validation,
                name=self.name,
                start=start,
                start_from=None if start is None else lasting_name(str(self.start)),
                resume=self.resume,
                report=report,
                warn=warn,
            )
        if held_out and first:
            from fuzzyseg.segmentation.describe import describe_memberships
            from fuzzyseg.training.case import read_source

            with progress(quiet) as step:
                told = step("describing")
                describe_memberships(
                    self.output / "model",
                    (read_source(source, config.channels) for source in held_out),
                    jobs=self.threads,
                    progress=lambda done: told(done, len(held_out)),
                )
        for name, scores in model.card.metrics.get("validation", {}).items():
            dsc = "unknown" if scores["dsc"] is None else f"{scores['dsc']:.3f}"
            say(f"{name:<12} DSC {dsc} on the validation cases", quiet=quiet)
        say(f"model in {self.output / 'model.safetensors'}; look at curves.png", quiet=quiet)

    def _start_model(self, begun: Mapping[str, Any] | None) -> Model | None:
        """Read the model of --start; one that is gone is not missed by the run that it began."""
        if self.start is None:
            return None
        from fuzzyseg.models.model_files import load_model

        try:
            return load_model(self.start)
        except InputError:
            if begun is None or begun.get("start_from") != self.start:
                raise
            return None


def _set_threads(threads: int) -> None:
    import torch

    if threads < 1:
        raise InputError(f"expected 1 thread or more for --threads, found {threads}; change it")
    torch.set_num_threads(threads)


@contextlib.contextmanager
def _bar(steps: int, quiet: bool) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Show a live bar with the loss, the share of each class and the validation DSC."""
    import sys

    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    bars = Progress(
        BarColumn(20),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
        console=Console(stderr=True),
        disable=quiet or not sys.stderr.isatty(),
    )
    task = bars.add_task("", total=steps)
    dsc = ""

    def report(line: dict[str, Any]) -> None:
        nonlocal dsc
        if "validation" in line:
            found = {name: s["dsc"] for name, s in line["validation"].items()}
            dsc = "DSC " + " ".join(f"{n} {d:.2f}" for n, d in found.items() if d is not None)
        shares = " ".join(f"{name} {share:.1%}" for name, share in line["shares"].items())
        described = f"loss {line['loss']:.4f} {shares} {dsc}"
        bars.update(task, completed=line["step"], description=described)

    with bars:
        yield report
