"""The picture that lies beside every result."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from fuzzyseg.volume import Segmentation


def write_preview(path: Path, segmentation: Segmentation) -> None:
    """Write `Segmentation.plot` as PNG."""
    segmentation.plot().savefig(path, dpi=110, facecolor="white")
