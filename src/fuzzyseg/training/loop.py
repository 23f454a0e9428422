"""The training loop."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import math
import os
import time
from typing import TYPE_CHECKING, Any

import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from fuzzyseg.errors import InputError
from fuzzyseg.io.output import write_text
from fuzzyseg.models.card import Card
from fuzzyseg.models.model_files import Model, load_model, save_model
from fuzzyseg.networks.architecture import Architecture
from fuzzyseg.networks.registry import build_network
from fuzzyseg.provenance import now, versions
from fuzzyseg.training.average import average_in
from fuzzyseg.training.batches import Batches
from fuzzyseg.training.case import preprocessing
from fuzzyseg.training.checkpoint import (
    CHECKPOINT,
    Progress,
    load_checkpoint,
    run_in,
    save_checkpoint,
)
from fuzzyseg.training.config import check_config, check_validation
from fuzzyseg.training.data_set_centres import data_set_centres
from fuzzyseg.training.idle import freeze_idle
from fuzzyseg.training.log import Log
from fuzzyseg.training.objective import anneal, batch_loss, build_loss
from fuzzyseg.training.record import config_to_toml, draw_curves
from fuzzyseg.training.synchronised import processes, synchronise
from fuzzyseg.training.validate import mean_dsc, mean_scores, score_case
from fuzzyseg.training.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from torch import Tensor

    from fuzzyseg.training.case import Case
    from fuzzyseg.training.config import Config

LOG, MODEL, BEST = "log.jsonl", "model", "best"
_WARM_UP = 0.1  # share of the steps in which the learning rate rises
_WEIGHT_DECAY = 1e-4


def train(
    run: Path,
    config: Config,
    cases: Sequence[Case],
    validation: Sequence[Case] = (),
    *,
    name: str | None = None,
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
        the folder holds a run and `resume` is not set, or holds one that began with other
        settings or cases, or the loss is no longer finite.
    """
    check_config(config)
    if not cases:
        raise InputError("expected one case or more to train on, found none; give more DATA")
    check_validation(config, [case.labelled for case in validation])
    if config.device == "cuda" and not torch.cuda.is_available():
        raise InputError("expected a GPU for --device cuda, found none; use --device cpu")
    with processes(config) as (rank, world):
        return _Run(run, config, cases, validation, name, resume, report, warn, rank, world).go()


class _Run:
    """The state of one run."""

    def __init__(
        self,
        folder: Path,
        config: Config,
        cases: Sequence[Case],
        validation: Sequence[Case],
        name: str | None,
        resume: bool,
        report: Callable[[dict[str, Any]], None] | None,
        warn: Callable[[str], None] | None,
        rank: int,
        world: int,
    ) -> None:
        self.folder, self.config, self.rank, self.world = folder, config, rank, world
        self.report, self.warn = report or _ignore, warn or _ignore
        self.cases, self.validation = [case.name for case in cases], validation
        self.progress = Progress()
        local = f":{os.environ.get('LOCAL_RANK', '0')}" if config.device == "cuda" else ""
        self.device = torch.device(config.device + local)
        torch.manual_seed(config.seed)
        self.architecture = Architecture(
            network=config.network,
            channels=config.channels,
            classes=config.class_names,
            filters=config.filters,
            dims=config.dims,
            context=config.context,
        )
        widths = [width for case in cases for width in case.spacing_mm]
        self.card = Card(
            name=name or folder.resolve().name,
            architecture=self.architecture,
            preprocessing=preprocessing(config, widths),
            planes=config.planes,
            training={"cases": self.cases, "config": dataclasses.asdict(config)},
        )
        self.layout = torch.channels_last if config.dims == 2 else torch.channels_last_3d
        self.network = build_network(self.architecture).to(self.device)
        self.network.to(memory_format=self.layout)  # type: ignore[call-overload]
        freeze_idle(self.network)
        self.average = copy.deepcopy(self.network) if config.ema else None
        centres = data_set_centres(cases, config.classes) if config.looks_at_image else None
        self.loss = build_loss(config, centres).to(self.device)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=config.lr, weight_decay=_WEIGHT_DECAY
        )
        self.batches = Batches(cases, config, rank, world)
        self.watch = Watch(config.class_names)
        self._open(resume)

    def go(self) -> Model:
        """Train to the end."""
        config, progress = self.config, self.progress
        forward = self._wrapped()
        with _room(self.folder):
            log = Log(self.folder / LOG, progress.lines) if self.rank == 0 else None
        saved, losses = time.monotonic(), []
        started = saved - progress.seconds
        over = progress.step >= config.steps or self._patience_is_over()
        try:
            while not over:
                losses.append(self._step(forward, progress.step))
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
                    with _room(self.folder):
                        log.write(**line)
                    self.report(line)
                    # Only here, so that a resumed run logs the same means.
                    if over or time.monotonic() - saved > 60 * config.checkpoint_minutes:
                        progress.seconds, progress.lines = time.monotonic() - started, log.lines
                        self._save()
                        saved = time.monotonic()
        finally:
            if log is not None:
                log.close()
        return self._finish(time.monotonic() - started)

    def _open(self, resume: bool) -> None:
        """Make the folder, or take up the run that it holds."""
        before = run_in(self.folder, self.config, resume=resume)
        if before is not None:
            if before.get("cases", self.cases) != self.cases:
                raise InputError(
                    f"expected the cases that the run in {self.folder} began with, found others; "
                    "give the same DATA in the same order"
                )
            checkpoint = self.folder / CHECKPOINT
            self.progress = load_checkpoint(checkpoint, self._modules(), self.optimiser)
        with _room(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            if self.rank == 0:
                write_text(self.folder / "config.toml", config_to_toml(self.config))

    def _wrapped(self) -> Callable[[Tensor], Tensor]:
        network = self.network
        if self.world > 1:
            synchronise(network)
            network = DistributedDataParallel(network)
        return torch.compile(network) if self.config.compile else network

    def _step(self, forward: Callable[[Tensor], Tensor], step: int) -> float:
        config = self.config
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(config, step)
        anneal(self.loss, config, step)
        batch = self.batches.batch(step)
        seen = batch.seen.to(self.device, memory_format=self.layout, non_blocking=True)
        self.network.train()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=config.autocast):
            logits = forward(seen)
            loss: Any = batch_loss(
                self.loss,
                logits,
                batch.image.to(self.device),
                batch.target.to(self.device),
                batch.volume.to(self.device),
            )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        # The gradient's norm is that of all processes: they all stop, before it does harm.
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), config.clip)
        found = float(loss.detach())
        if not (math.isfinite(found) and math.isfinite(float(norm))):
            raise InputError(
                f"expected a finite loss and gradient, found {found:g} and {float(norm):g} at step "
                f"{step + 1}; lower --lr, or look for broken images"
            )
        self.optimiser.step()
        if self.average is not None:
            average_in(self.average, self.network, config.ema, step)
        self.watch.see(logits.detach().float().softmax(1))
        return found

    def _line(self, losses: list[float], seconds: float) -> dict[str, Any]:
        """Line of the log, of all processes."""
        loss = torch.tensor(losses, dtype=torch.float64, device=self.device).mean()
        if self.world > 1:
            distributed.all_reduce(loss)
            distributed.all_reduce(self.watch.totals)
        for text in self.watch.report():
            if self.rank == 0:
                self.warn(f"step {self.progress.step}: {text}")
        return {
            "step": self.progress.step,
            "loss": float(loss) / self.world,
            "shares": dict(zip(self.config.class_names, self.watch.shares, strict=True)),
            "lr": self.optimiser.param_groups[0]["lr"],
            "seconds": round(seconds, 1),
        }

    def _validated(self) -> dict[str, Any]:
        """Score the validation cases, and keep the weights if they are the best so far."""
        labelled = [case for case in self.validation if case.labelled]
        if not labelled or self.rank:
            return {}
        model = Model(self.card, self._kept().eval())
        scores = mean_scores([score_case(model, case) for case in labelled])
        progress, mean = self.progress, mean_dsc(scores)
        progress.since_best += 1
        if progress.best is None or mean > progress.best:
            progress.best, progress.best_step, progress.since_best = mean, progress.step, 0
            save_model(self._described(scores), self.folder / BEST)
        return {"validation": scores}

    def _patience_is_over(self) -> bool:
        if not self.config.patience:
            return False
        over = self.progress.since_best >= self.config.patience
        if self.world > 1:  # only the first process has validated
            told = torch.tensor(int(over), device=self.device)
            distributed.broadcast(told, 0)
            over = bool(told)
        return over

    def _described(self, scores: dict[str, Any] | None) -> Model:
        training = dict(self.card.training) | {"steps": self.progress.step, "versions": versions()}
        metrics = {} if scores is None else {"validation": scores}
        card = dataclasses.replace(self.card, training=training, metrics=metrics)
        return Model(card, self._kept())

    def _kept(self) -> torch.nn.Module:
        """Network that is validated and becomes the model."""
        return self.network if self.average is None else self.average

    def _modules(self) -> dict[str, torch.nn.Module]:
        found = {"network": self.network, "loss": self.loss}
        return found if self.average is None else found | {"average": self.average}

    def _save(self) -> None:
        described = {"config": dataclasses.asdict(self.config), "cases": self.cases}
        checkpoint = self.folder / CHECKPOINT
        save_checkpoint(checkpoint, self.progress, self._modules(), self.optimiser, described)

    def _finish(self, seconds: float) -> Model:
        self._kept().eval()
        model = self._described(None)
        if self.rank:
            return model
        best = self.folder / f"{BEST}.json"
        if self.progress.best is not None and best.exists():
            model = load_model(best)
        training = dict(model.card.training) | {"finished": now(), "seconds": round(seconds)}
        card = dataclasses.replace(model.card, training=training)
        model = save_model(Model(card, model.network), self.folder / MODEL, half=self.config.half)
        with _room(self.folder):
            draw_curves(self.folder / LOG, self.folder / "curves.png")
        return model


def learning_rate(config: Config, step: int) -> float:
    """Linear rise over the first tenth, then a cosine to a hundredth of the largest."""
    warm = max(1, round(_WARM_UP * config.steps))
    if step < warm:
        return config.lr * (step + 1) / warm
    done = (step - warm) / max(1, config.steps - warm)
    return config.lr * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


@contextlib.contextmanager
def _room(folder: Path) -> Iterator[None]:
    """Say in one line that a folder takes no more."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"expected a folder with room that can be written to, found {folder}: "
            f"{error.strerror}; make room and go on with --resume, or choose another"
        ) from error


def _ignore(_: Any) -> None:
    """Report to nobody."""
