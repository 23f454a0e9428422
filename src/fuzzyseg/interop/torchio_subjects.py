"""A cohort as TorchIO subjects."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuzzyseg.errors import InputError
from fuzzyseg.training.sources import find_sources

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torchio import SubjectsDataset


def cohort_subjects(
    data: str | Path | Sequence[str | Path],
    *,
    channels: Sequence[str] = ("spect", "ct"),
    transform: Callable[[Any], Any] | None = None,
) -> SubjectsDataset:
    """Make a data set for TorchIO's loaders of a cohort; images are read when they are used.

    Parameters
    ----------
    data : path or sequence of paths
        Folders that `fuzzyseg simulate` wrote, or manifests, as `fuzzyseg train` takes them.
    channels : sequence of {"spect", "ct"}
        The images that each subject has, by these names; a CT lies on its own grid.
    transform : callable, optional
        Of TorchIO.

    Returns
    -------
    torchio.SubjectsDataset
        Each subject has its `name`, its `channels` and, where there is one, a label map `labels`.

    Raises
    ------
    InputError
        If TorchIO is not installed, or the cohort lacks an image.
    """
    try:
        torchio: Any = import_module("torchio")  # its classes carry no types
    except ImportError as error:
        raise InputError(
            'expected TorchIO to be installed, found none; pip install "fuzzyseg[torchio]"'
        ) from error
    paths = [Path(data)] if isinstance(data, str | Path) else [Path(path) for path in data]
    subjects = []
    for source in find_sources(paths, channels):
        images = {name: torchio.ScalarImage(getattr(source, name)) for name in channels}
        if source.labels is not None:
            images["labels"] = torchio.LabelMap(source.labels)
        subjects.append(torchio.Subject(name=source.name, **images))
    found: SubjectsDataset = torchio.SubjectsDataset(subjects, transform=transform)
    return found
