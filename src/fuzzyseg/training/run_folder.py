"""The folder of a run: configuration, log, checkpoint, the best model and the last."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING, Any

from fuzzyseg.errors import InputError
from fuzzyseg.io.output import write_text
from fuzzyseg.models.model_files import Model, load_model, save_model
from fuzzyseg.provenance import now
from fuzzyseg.training.checkpoint import (
    CHECKPOINT,
    Progress,
    load_checkpoint,
    run_in,
    save_checkpoint,
)
from fuzzyseg.training.log import Log
from fuzzyseg.training.run_record import config_to_toml, draw_curves

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fuzzyseg.training.config import Config
    from fuzzyseg.training.learner import Learner

LOG, MODEL, BEST = "log.jsonl", "model", "best"


class RunFolder:
    """Where a run is written.

    Parameters
    ----------
    path : Path
    config : Config
    cases : list of str
        Names of the cases that the run trains on.
    start : dict or None
        Of `check_start`: the model that it begins with.
    start_from : str or None
        Name or path of that model, for config.toml; None: as the run that goes on began.
    writes : bool
        False for all processes but the first.
    """

    def __init__(
        self,
        path: Path,
        config: Config,
        cases: list[str],
        start: dict[str, Any] | None = None,
        start_from: str | None = None,
        *,
        writes: bool,
    ) -> None:
        self.path, self.config, self.cases, self.writes = path, config, cases, writes
        self.start, self.start_from = start, start_from

    def open(self, learner: Learner, *, resume: bool) -> Progress:
        """Make the folder, or bring the learner to where the run that it holds was.

        Raises
        ------
        InputError
            If the folder holds a run and `resume` is not set, or one of other cases or settings,
            or cannot be written to.
        """
        progress = Progress()
        before = run_in(self.path, self.config, resume=resume)
        if before is not None:
            if before.get("cases", self.cases) != self.cases:
                raise InputError(
                    f"expected the cases that the run in {self.path} began with, found others; "
                    "give the same DATA in the same order"
                )
            checkpoint = self.path / CHECKPOINT
            self.start_from = self.start_from or before.get("start_from")
            progress = load_checkpoint(checkpoint, learner.modules, learner.optimiser)
        with self.room():
            self.path.mkdir(parents=True, exist_ok=True)
            if self.writes:
                write_text(self.path / "config.toml", config_to_toml(self.config, self.start_from))
        return progress

    @contextlib.contextmanager
    def room(self) -> Iterator[None]:
        """Say in one line that the folder takes no more."""
        try:
            yield
        except OSError as error:
            raise InputError(
                f"expected a writable folder with free space, found {self.path}: "
                f"{error.strerror}; free some space and continue with --resume, or "
                "choose another folder"
            ) from error

    def log(self, lines: int) -> Log | None:
        """Log that goes on after so many lines; None where this process writes none."""
        with self.room():
            return Log(self.path / LOG, lines) if self.writes else None

    def save(self, learner: Learner, progress: Progress) -> None:
        """Write the checkpoint."""
        described: dict[str, Any] = {"config": dataclasses.asdict(self.config)}
        described |= {"cases": self.cases, "start": self.start, "start_from": self.start_from}
        checkpoint = self.path / CHECKPOINT
        save_checkpoint(checkpoint, progress, learner.modules, learner.optimiser, described)

    def save_best(self, model: Model) -> None:
        """Write the best model so far."""
        save_model(model, self.path / BEST)

    def finish(self, model: Model, progress: Progress, seconds: float) -> Model:
        """Write the model, the best where there is one, and the curves."""
        best = self.path / f"{BEST}.json"
        if progress.best is not None and best.exists():
            model = load_model(best)
        training = dict(model.card.training) | {"finished": now(), "seconds": round(seconds)}
        card = dataclasses.replace(model.card, training=training)
        model = save_model(Model(card, model.network), self.path / MODEL, half=self.config.half)
        with self.room():
            draw_curves(self.path / LOG, self.path / "curves.png")
        return model
