"""Whether a claim held, by the means of the rows that it compares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.experiments.reproduce.rows import COLLAPSED, note
from fuzzyseg.experiments.reproduce.section import Claim

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fuzzyseg.experiments.reproduce.results import Results
    from fuzzyseg.experiments.reproduce.rows import Entry

Means = dict[str, dict[str, float]]  # of classes, by the name of the row


def decided(
    says: str,
    entries: Sequence[Entry],
    results: Results,
    classes: Sequence[str],
    held: Callable[[Means], bool],
) -> Claim:
    """Judge a claim.

    Not decided where a row is not done, or where none of the rows found a class at all: what is
    compared then has learned nothing. The reason of one that did not hold is what is wrong with
    its rows, as their notes tell.

    Parameters
    ----------
    says : str
    entries : sequence of Entry
        What it compares.
    results : Results
    classes : sequence of str
    held : callable
        Takes the mean DSC of each class by the name of the row.
    """
    means = {e.name: {c: e.mean(results, c) for c in classes} for e in entries}
    if not np.isfinite([m for row in means.values() for m in row.values()]).all():
        return Claim(says, "not decided", "", "its jobs are not done")
    numbers = "; ".join(
        f"{c}: " + ", ".join(f"{name} {row[c]:.3f}" for name, row in means.items()) for c in classes
    )
    lost = [c for c in classes if max(row[c] for row in means.values()) < COLLAPSED]
    if lost:
        return Claim(says, "not decided", numbers, f"none of these found {' or '.join(lost)}")
    if held(means):
        return Claim(says, "held", numbers)
    told = [(e.name, note(e, results, classes)) for e in entries]
    reason = "; ".join(f"{name}: {text}" for name, text in told if text)
    return Claim(says, "did not hold", numbers, reason)
