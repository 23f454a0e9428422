"""Options and terminal output that commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from fuzzyseg.cli.terminal import progress, say, say_table, warn
from fuzzyseg.io.output import to_json

__all__ = ["Config", "Input", "Output", "progress", "say", "say_table", "to_json", "warn"]

Input = Annotated[Path, tyro.conf.Positional]
Output = Annotated[Path, tyro.conf.arg(aliases=["-o"])]
Config = Annotated[Path | None, tyro.conf.arg(metavar="FILE.toml")]
