"""What was found in a folder, archive or file: one entry a series."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Names that count images and tell nothing of a person: IM0003, 1-042.dcm, CT.0001.dcm.
_COUNTER = re.compile(r"[A-Za-z]{0,5}[-_.]?[\d\-_.]*\d(\.(dcm|ima|dicom))?", re.IGNORECASE)
# Files that a sentence names before it says "and more".
_NAMED = 3


@dataclass(frozen=True)
class SeriesInfo:
    """One series found in the input.

    Parameters
    ----------
    number : int
        Its number in the list, from 1; what `--series` takes.
    kind : str
        DICOM modality such as "CT", "NM" or "PT"; the format's name, such as "NIfTI", where the
        format holds no modality.
    description : str
        Series Description, or the file's name. People type names of patients there: it is
        for lists on a screen, and goes into no result.
    shape : tuple of int
        Columns, rows and slices; (0, 0, 0) where the file has not been opened or has no pixels.
    files : tuple of Path
        Its files; for an archive, their places inside it.
    reason : str or None
        Why it is no volume, None if it can be read.
    reader : str
        Name of the entry of `READERS` that reads it.
    warnings : tuple of str
        What was left out of it.
    damaged : bool
        Whether it is no volume because nothing of it is whole; `reason` then is the error.
    left_out : tuple of Path
        Damaged files of it that others may do without.
    """

    number: int
    kind: str
    description: str
    shape: tuple[int, int, int]
    files: tuple[Path, ...]
    reason: str | None = None
    reader: str = "DICOM"
    warnings: tuple[str, ...] = ()
    damaged: bool = False
    left_out: tuple[Path, ...] = ()

    @property
    def n_files(self) -> int:
        """Number of files."""
        return len(self.files)

    @property
    def readable(self) -> bool:
        """Whether it is a volume that can be read."""
        return self.reason is None

    @property
    def has_modality(self) -> bool:
        """Whether its format says what the image is."""
        return self.kind != self.reader

    def __str__(self) -> str:
        size = " x ".join(map(str, self.shape)) + ", " if any(self.shape) else ""
        files = f"{self.n_files} file{'s' if self.n_files != 1 else ''}"
        about = f'{self.number}) {self.kind}, {size}{files}, "{self.description}"'
        return about if self.reason is None else f"{about} (no volume: {self.reason})"


def left_out(files: Sequence[Path], what: str) -> tuple[str, ...]:
    """Say in a sentence, that results may hold, which files were left out; nothing if none.

    A file is named only where its name is a counter: others hold names of patients.
    """
    if not files:
        return ()
    names = [file.name for file in files if _COUNTER.fullmatch(file.name)]
    shown = f" ({', '.join(names[:_NAMED])})" if names else ""
    plural = "s were" if len(files) > 1 else " was"
    which = f"{len(files)} {what}{plural} left out{shown}"
    return (f"{which}: `fuzzyseg info PATH --names` lists the files.",)
