"""A run's configuration as TOML and JSON, and its curves."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from fuzzyseg.errors import InputError
from fuzzyseg.io.output import replacing
from fuzzyseg.old_names import renamed
from fuzzyseg.training.config import Config

if TYPE_CHECKING:
    from pathlib import Path


def config_to_toml(config: Config, start: str | None = None) -> str:
    """TOML that `fuzzyseg train --config` reads; settings that are None are left out.

    Parameters
    ----------
    config : Config
    start : str, optional
        Name or path of the model that training begins with.
    """
    lines = []
    for key, value in (dataclasses.asdict(config) | {"start": start}).items():
        if value is not None:  # TOML's strings, numbers, booleans and lists are JSON's
            lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"


def config_from_json(values: dict[str, Any]) -> Config:
    """Read a configuration that JSON has made lists of tuples in.

    Raises
    ------
    InputError
        If a setting is unknown to this version.
    """
    known = set(Config.__dataclass_fields__)
    values = renamed(values, known)
    if set(values) - known:
        raise InputError(
            f"expected settings of this version, found {', '.join(sorted(set(values) - known))}; "
            "continue with the version that began the run"
        )
    plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    return Config(**plain)


def draw_curves(log: Path, path: Path) -> None:
    """Draw loss, class shares and validation DSC of a log."""
    from matplotlib.figure import Figure

    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    if not lines:
        return
    steps = [line["step"] for line in lines]
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    loss, shares, scores = figure.subplots(1, 3)
    loss.plot(steps, [line["loss"] for line in lines])
    loss.set(title="loss", xlabel="step")
    for name in lines[0]["shares"]:
        shares.plot(steps, [line["shares"][name] for line in lines], label=name)
    shares.set_yscale("symlog", linthresh=1e-3)
    shares.set(title="share of the patches' voxels", xlabel="step", ylim=(0, 1))
    shares.legend()
    validated = [line for line in lines if "validation" in line]
    for name in validated[0]["validation"] if validated else ():
        points = [(line["step"], line["validation"][name]["dsc"]) for line in validated]
        known = [point for point in points if point[1] is not None]
        if known:
            scores.plot(*zip(*known, strict=True), marker="o", label=name)
            scores.legend()
    scores.set(title="DSC on the validation cases", xlabel="step", ylim=(0, 1))
    with replacing(path) as partial:
        figure.savefig(partial, dpi=90, format="png")
