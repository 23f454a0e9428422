"""Which labels of a CT are bone, where a table names them."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

# How names of bones begin, in TotalSegmentator's list.
BONES = (
    "rib_", "vertebrae", "sacrum", "sternum", "scapula", "clavicula", "humerus", "hip_", "femur",
    "skull",
)  # fmt: skip


def bones_of(structures: Path) -> set[int]:
    """Labels of the bones in a CSV file with the columns "id" and "structure".

    Raises
    ------
    InputError
        If it cannot be read, or names no bone.
    """
    try:
        rows = list(csv.DictReader(structures.read_text("utf-8-sig").splitlines()))
        found = {int(row["id"]) for row in rows if row["structure"].lower().startswith(BONES)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"expected columns id and structure in {structures}, found {error!r}; name them so"
        ) from error
    if not found:
        raise InputError(
            f"expected structures that begin with {', '.join(BONES)} in {structures}, found none; "
            "name bones so"
        )
    return found
