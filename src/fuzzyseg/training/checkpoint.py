"""Everything a run needs to go on, in one safetensors file that appears whole or not at all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fuzzyseg.errors import InputError
from fuzzyseg.io.output import replacing
from fuzzyseg.old_names import renamed_weights
from fuzzyseg.training.config import differences
from fuzzyseg.training.run_record import config_from_json

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from torch import Tensor, nn

    from fuzzyseg.training.config import Config

CHECKPOINT = "checkpoint.safetensors"


@dataclass
class Progress:
    """How far a run has come.

    Parameters
    ----------
    step : int
        Steps done.
    best : float or None
        Best validation score so far.
    best_step : int
        When that was.
    since_best : int
        Validations since.
    seconds : float
        Wall time spent, over all its parts.
    lines : int
        Lines of the log that belong to these steps.
    """

    step: int = 0
    best: float | None = None
    best_step: int = 0
    since_best: int = 0
    seconds: float = 0.0
    lines: int = 0


def save_checkpoint(
    path: Path,
    progress: Progress,
    modules: dict[str, nn.Module],
    optimiser: torch.optim.Optimizer,
    described: dict[str, Any],
) -> None:
    """Write a checkpoint in one step; `described` is what a run must share to go on with it.

    Raises
    ------
    InputError
        If it cannot be written. The one before it stays.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    tensors: dict[str, Tensor] = {}
    for name, module in modules.items():
        for key, tensor in module.state_dict().items():
            tensors[f"{name}/{key}"] = tensor.detach().cpu().contiguous()
    for number, state in optimiser.state_dict()["state"].items():
        for key, tensor in state.items():
            tensors[f"optimiser/{number}/{key}"] = tensor.detach().cpu().contiguous()
    header = {k: json.dumps(v) for k, v in {"progress": vars(progress), **described}.items()}
    try:
        with replacing(path) as partial:
            save_file(tensors, partial, header)
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"expected space for a checkpoint in {path.parent}, found: {error}; free "
            "some, and resume with --resume"
        ) from error


def read_header(path: Path) -> tuple[Progress, dict[str, Any]]:
    """Read how far the run of a checkpoint has come, and how `save_checkpoint` described it.

    Raises
    ------
    InputError
        If the file is no checkpoint.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            described = {k: json.loads(v) for k, v in (file.metadata() or {}).items()}
        return Progress(**described.pop("progress")), {
            "config": described.pop("config")
        } | described
    except (OSError, SafetensorError, LookupError, TypeError, ValueError) as error:
        raise InputError(
            f"expected a checkpoint of `fuzzyseg train`, found {path}: {error}; "
            "train into another folder"
        ) from error


def run_in(folder: Path, config: Config, *, resume: bool) -> dict[str, Any] | None:
    """Read how the run in a folder was described; None where there is no run.

    Raises
    ------
    InputError
        If there is one and `resume` is not set, or it began with other settings.
    """
    path = folder / CHECKPOINT
    if not path.exists():
        return None
    if not resume:
        raise InputError(
            f"expected a folder without a run, found one in {folder}; resume it with "
            "--resume, or choose another folder"
        )
    _, described = read_header(path)
    other = differences(config_from_json(described["config"]), config)
    if other:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in other)
        raise InputError(
            f"expected the settings that the run in {folder} began with, found a "
            f"different {flags}; keep those in its config.toml"
        )
    return described


def load_checkpoint(
    path: Path, modules: dict[str, nn.Module], optimiser: torch.optim.Optimizer
) -> Progress:
    """Bring modules and optimiser to where they were.

    Raises
    ------
    InputError
        If the file is no checkpoint, or one of another network.
    """
    import torch
    from safetensors.torch import load_file

    progress, _ = read_header(path)
    tensors = load_file(path)
    try:
        for name, module in modules.items():
            start = f"{name}/"
            own = {k.removeprefix(start): t for k, t in tensors.items() if k.startswith(start)}
            module.load_state_dict(renamed_weights(own))
        state: dict[int, dict[str, Tensor]] = {}
        for key, tensor in tensors.items():
            if key.startswith("optimiser/"):
                _, number, name = key.split("/")
                state.setdefault(int(number), {})[name] = tensor
        for index, kept in state.items():  # in the memory order of the weights, as before
            weights = optimiser.param_groups[0]["params"][index]
            for name, tensor in kept.items():
                if tensor.shape == weights.shape:
                    kept[name] = torch.empty_like(weights).copy_(tensor)
        groups = optimiser.state_dict()["param_groups"]
        optimiser.load_state_dict({"state": state, "param_groups": groups})
    except (RuntimeError, ValueError, IndexError) as error:
        raise InputError(
            f"expected a checkpoint of this network, found another in {path}: {error}; "
            "train into another folder"
        ) from error
    return progress
