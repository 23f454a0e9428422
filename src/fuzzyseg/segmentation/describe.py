"""What a model's memberships are like on patients, into its card."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fuzzyseg.models.locate import card_of
from fuzzyseg.models.model_files import write_card
from fuzzyseg.segmentation.dispatch import segment
from fuzzyseg.segmentation.settings import Settings
from fuzzyseg.segmentation.typical_memberships import statistics, typical

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from fuzzyseg.models.card import Typical
    from fuzzyseg.volume import Study


def describe_memberships(
    model: str | Path,
    studies: Iterable[Study],
    *,
    jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Typical:
    """Segment patients as users would, and write what is typical into the model's card.

    Parameters
    ----------
    model : str or Path
        Name of a bundled model, or path of one.
    studies : iterable of Study
        Patients that the model was not trained on, one or more.
    jobs : int, optional
        Threads.
    progress : callable, optional
        Called with how many are done.

    Raises
    ------
    InputError
        If there is no such model, a study does not suit it, or the card cannot be written.
    """
    found = []
    settings = Settings(method="model", model=str(model), jobs=jobs)
    for number, study in enumerate(studies, 1):
        found.append(statistics(segment(study, settings)))
        if progress is not None:
            progress(number)
    said = typical(found)
    write_card(model, replace(card_of(model), typical=said))
    return said
