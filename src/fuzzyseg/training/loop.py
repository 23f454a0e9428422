"""The training loop."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import distributed

from fuzzyseg.errors import InputError
from fuzzyseg.models.card import Card
from fuzzyseg.models.model_files import Model
from fuzzyseg.provenance import versions
from fuzzyseg.training.batches import Batches
from fuzzyseg.training.case import preprocessing
from fuzzyseg.training.checkpoint import run_in
from fuzzyseg.training.config import check_config, check_validation
from fuzzyseg.training.data_set_centres import data_set_centres
from fuzzyseg.training.learner import Learner
from fuzzyseg.training.run_folder import RunFolder
from fuzzyseg.training.start import check_start
from fuzzyseg.training.synchronised import processes
from fuzzyseg.training.validate import mean_dsc, mean_scores, score_case
from fuzzyseg.training.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from fuzzyseg.training.case import Case
    from fuzzyseg.training.checkpoint import Progress
    from fuzzyseg.training.config import Config


def train(
    run: Path,
    config: Config,
    cases: Sequence[Case],
    validation: Sequence[Case] = (),
    *,
    name: str | None = None,
    start: Model | None = None,
    start_from: str | None = None,
    resume: bool = False,
    report: Callable[[dict[str, Any]], None] | None = None,
    warn: Callable[[str], None] | None = None,
) -> Model:
    """Train a network; the run's folder gets its model, log, curves and checkpoint.

    Under `torchrun` the batch is shared out among the processes (DistributedDataParallel), and
    the first of them writes. Batch normalisation sees the whole batch, and the gradient is the
    mean of the processes': that of one process, up to rounding, for a loss that is a mean over
    voxels of which each process has as many. Where patches are labelled in part, where centres
    are those of the batch or volume, and for the Dice loss, it is nearly so.

    Parameters
    ----------
    run : Path
        Folder of the run.
    config : Config
    cases, validation : sequence of Case
        Of `load_cases`. The model kept is the one with the best mean DSC on `validation`, or
        the last where there is none.
    name : str, optional
        Of the model; the folder's by default.
    start : Model, optional
        Whose weights training begins with, and the average of them; random ones by default.
    start_from : str, optional
        What `--start` calls that model, from any folder; config.toml holds it.
    resume : bool
        Go on from the folder's checkpoint, if there is one. On a CPU the weights end up as
        those of a run that was never stopped.
    report : callable, optional
        Called with each line of the log: "step", "loss", "shares" and, after a validation,
        "validation".
    warn : callable, optional
        Called with a sentence as soon as memberships collapse.

    Returns
    -------
    Model

    Raises
    ------
    InputError
        If a setting is out of range, there are no cases, or none with labels to validate on,
        `start` does not fit, is not that of the run that goes on, or is missing for a network of
        two stages, the folder holds a run and `resume` is not set, or holds one that began with
        other settings or cases, or the loss is no longer finite.
    """
    check_config(config)
    if not cases:
        raise InputError("expected one case or more to train on, found none; give more DATA")
    check_validation(config, [case.labelled for case in validation])
    if config.device == "cuda" and not torch.cuda.is_available():
        raise InputError("expected a GPU for --device cuda, found none; use --device cpu")
    begun = run_in(run, config, resume=resume)
    began = check_start(None if start is None else start.card, config, begun)
    names = [case.name for case in cases]
    with processes(config) as (rank, world):
        centres = data_set_centres(cases, config.classes) if config.looks_at_image else None
        learner = Learner(config, centres, world)
        if start is not None:
            learner.take_over(start)
        card = Card(
            name=name or run.resolve().name,
            architecture=learner.architecture,
            preprocessing=preprocessing(config, [w for case in cases for w in case.spacing_mm]),
            planes=config.planes,
            training={"cases": names, "config": dataclasses.asdict(config)}
            | ({} if began is None else {"start": began}),
        )
        batches = Batches(cases, config, rank, world)
        folder = RunFolder(run, config, names, began, start_from, writes=rank == 0)
        progress = folder.open(learner, resume=resume)
        labelled = [case for case in validation if case.labelled]
        state = _Run(learner, batches, folder, progress, card, labelled, warn or _ignore)
        return state.go(report or _ignore)


@dataclass
class _Run:
    """The state of one run."""

    learner: Learner
    batches: Batches
    folder: RunFolder
    progress: Progress
    card: Card
    validation: Sequence[Case]
    warn: Callable[[str], None]
    watch: Watch = field(init=False)

    def __post_init__(self) -> None:
        self.watch = Watch(self.learner.config.class_names)

    def go(self, report: Callable[[dict[str, Any]], None]) -> Model:
        """Train to the end."""
        config, progress = self.learner.config, self.progress
        self.learner.begin()
        log = self.folder.log(progress.lines)
        saved, losses = time.monotonic(), []
        started = saved - progress.seconds
        over = progress.step >= config.steps or self._patience_is_over()
        try:
            while not over:
                batch = self.batches.batch(progress.step)
                loss, memberships = self.learner.step(batch, progress.step)
                self.watch.see(memberships)
                losses.append(loss)
                progress.step += 1
                over = progress.step >= config.steps
                validating = over or progress.step % config.validate_every == 0
                if not validating and progress.step % config.log_every:
                    continue
                line = self._line(losses, time.monotonic() - started)
                losses = []
                if validating:
                    line |= self._validated()
                    over = over or self._patience_is_over()
                if log is not None:
                    with self.folder.room():
                        log.write(**line)
                    report(line)
                    # Only here, so that a resumed run logs the same means.
                    if over or time.monotonic() - saved > 60 * config.checkpoint_minutes:
                        progress.seconds, progress.lines = time.monotonic() - started, log.lines
                        self.folder.save(self.learner, progress)
                        saved = time.monotonic()
        finally:
            if log is not None:
                log.close()
        model = self._described()
        if not self.folder.writes:
            return model
        return self.folder.finish(model, progress, time.monotonic() - started)

    def _line(self, losses: list[float], seconds: float) -> dict[str, Any]:
        """Line of the log, of all processes."""
        learner = self.learner
        loss = torch.tensor(losses, dtype=torch.float64, device=learner.device).mean()
        if learner.world > 1:
            distributed.all_reduce(loss)
            distributed.all_reduce(self.watch.totals)
        for text in self.watch.report():
            if self.folder.writes:
                self.warn(f"step {self.progress.step}: {text}")
        return {
            "step": self.progress.step,
            "loss": float(loss) / learner.world,
            "shares": dict(zip(learner.config.class_names, self.watch.shares, strict=True)),
            "lr": learner.optimiser.param_groups[0]["lr"],
            "seconds": round(seconds, 1),
        }

    def _validated(self) -> dict[str, Any]:
        """Score the validation cases, and keep the weights if they are the best so far."""
        if not self.validation or not self.folder.writes:
            return {}
        model = self._described()
        scores = mean_scores([score_case(model, case) for case in self.validation])
        progress, mean = self.progress, mean_dsc(scores)
        progress.since_best += 1
        if progress.best is None or mean > progress.best:
            progress.best, progress.best_step, progress.since_best = mean, progress.step, 0
            card = dataclasses.replace(model.card, metrics={"validation": scores})
            self.folder.save_best(Model(card, model.network))
        return {"validation": scores}

    def _patience_is_over(self) -> bool:
        patience, learner = self.learner.config.patience, self.learner
        if not patience:
            return False
        over = self.progress.since_best >= patience
        if learner.world > 1:  # only the first process has validated
            told = torch.tensor(int(over), device=learner.device)
            distributed.broadcast(told, 0)
            over = bool(told)
        return over

    def _described(self) -> Model:
        """Return the model as it is now, with a card that says how it came about."""
        training = dict(self.card.training) | {"steps": self.progress.step, "versions": versions()}
        card = dataclasses.replace(self.card, training=training)
        return Model(card, self.learner.kept.eval())


def _ignore(_: Any) -> None:
    """Report to nobody."""
