"""What a run says of itself: lines of JSON, and TensorBoard where it is installed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fuzzyseg.io.output import write_text

if TYPE_CHECKING:
    from pathlib import Path


class Log:
    """Appends lines of JSON to a file, each written at once.

    Parameters
    ----------
    path : Path
    keep : int
        Lines that belong to the run so far; what a killed run wrote beyond its last checkpoint
        will be written again.
    """

    def __init__(self, path: Path, keep: int = 0) -> None:
        there = path.read_text(encoding="utf-8") if keep and path.exists() else ""
        lines = there.splitlines(keepends=True)[:keep]
        self.lines = len(lines)
        write_text(path, "".join(lines))
        self._file = path.open("a", encoding="utf-8")
        self._board = _tensorboard(path.parent, json.loads(lines[-1])["step"] if lines else 0)

    def write(self, **values: Any) -> None:
        """Append a line; numbers go to TensorBoard too."""
        self._file.write(json.dumps(values, allow_nan=False) + "\n")
        self._file.flush()
        self.lines += 1
        if self._board is not None:
            for key, value in values.items():
                for name, number in _numbers(key, value):
                    self._board.add_scalar(name, number, values.get("step", 0))

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        if self._board is not None:
            self._board.close()


def _numbers(key: str, value: Any) -> list[tuple[str, float]]:
    if isinstance(value, dict):
        return [pair for name, v in value.items() for pair in _numbers(f"{key}/{name}", v)]
    return [(key, float(value))] if isinstance(value, (int, float)) and key != "step" else []


def _tensorboard(folder: Path, step: int) -> Any:
    """Return a writer of what comes after `step`; None without the extra "tensorboard"."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)
