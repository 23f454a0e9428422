"""`fuzzyseg models`."""

from __future__ import annotations

import json as json_text
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from fuzzyseg.cli.terminal import say, say_table
from fuzzyseg.io.output import to_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True)
class Command:
    """List models: those in the package, and those at the paths given.

    Parameters
    ----------
    paths
        Models that `fuzzyseg train` wrote: one of the two files, or the path without the ending.
    json
        Print all of their cards, as JSON.
    debug
        Show a traceback on errors.
    """

    paths: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    json: bool = False
    debug: bool = False

    def run(self) -> None:
        """Print a table or JSON."""
        found = listed(self.paths)
        if self.json:
            say(to_json(found).rstrip())
            return
        if not found:
            say("no models come with this version; give the path of one, or train one")
            return
        show(found)


def listed(paths: tuple[Path, ...]) -> list[dict[str, Any]]:
    """Cards of all bundled models and those at `paths`, each with "path" and "bytes".

    Raises
    ------
    InputError
        If there is no model at a path.
    """
    from fuzzyseg.models.locate import (
        CARD,
        WEIGHTS,
        bundled_models,
        locate,
        read_card,
        with_suffix,
    )

    found = []
    names: list[str | Path] = [*bundled_models(), *paths]
    for name in names:
        stem = locate(name)
        card = read_card(with_suffix(stem, CARD))
        size = sum(with_suffix(stem, ending).stat().st_size for ending in (WEIGHTS, CARD))
        entry = {"path": None if isinstance(name, str) else str(name), "bytes": size}
        found.append(json_text.loads(card.to_json()) | entry)
    return found


def show(models: list[dict[str, Any]]) -> None:
    """Print a table."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("model", "task", "network", "classes", "kB", "trained on", "found"):
        table.add_column(title, justify="right" if title == "kB" else "left")
    for m in models:
        shape = m["architecture"]
        kind = f"{shape['network']} {shape['dims']}-D"
        if shape["context"]:
            kind += f", {2 * shape['context'] + 1} slices"
        table.add_row(
            m["path"] or m["name"],
            m["task"],
            kind,
            ", ".join(shape["classes"]),
            f"{m['bytes'] / 1000:.0f}",
            trained_on(m["training"]),
            scores(m["metrics"]),
        )
    say_table(table)


def trained_on(training: Mapping[str, Any]) -> str:
    """One line of what a card says about training: its "data", or how many cases and the loss."""
    if isinstance(said := training.get("data"), str):
        return said
    parts = []
    if isinstance(cases := training.get("cases"), list):
        parts.append(f"{len(cases)} cases")
    config = training.get("config")
    if isinstance(config, dict) and "loss" in config:
        parts.append(f"loss {config['loss']}")
    return ", ".join(parts) or "-"


def scores(metrics: Mapping[str, Any]) -> str:
    """One line of the DSC in a card's metrics: {data: {class: {"dsc": ...}}} or {"class_dsc": ...}.

    A DSC is a number, or a list of a mean and its interval.
    """
    lines = []
    for data, told in metrics.items():
        values = [f"{name} {dsc:.2f}" for name, dsc in _dsc(told)]
        if values:
            lines.append(f"DSC of {data}: {', '.join(values)}")
    return "; ".join(lines) or "-"


def _dsc(told: Any) -> Iterator[tuple[str, float]]:
    for name, of in told.items() if isinstance(told, dict) else ():
        value = of.get("dsc") if isinstance(of, dict) else of if name.endswith("_dsc") else None
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, float):
            yield name.removesuffix("_dsc"), first
