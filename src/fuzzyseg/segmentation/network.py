"""Segmentation of a volume by a trained network."""

from __future__ import annotations

import dataclasses
import time
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.inference.engines import choose_engine
from fuzzyseg.inference.model_grid import from_model_grid, model_grid
from fuzzyseg.inference.predict import passes, predict
from fuzzyseg.inference.preprocess import channels
from fuzzyseg.models.card import VIEWS
from fuzzyseg.models.model_files import load_model
from fuzzyseg.provenance import now, versions
from fuzzyseg.resample import resample
from fuzzyseg.segmentation.methods import get_method
from fuzzyseg.segmentation.suitability import channel_images, spacing_warnings
from fuzzyseg.volume import Provenance, Segmentation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from fuzzyseg.models.card import Card, View
    from fuzzyseg.segmentation.settings import Settings
    from fuzzyseg.volume import Volume


def model_input(card: Card, volume: Volume, ct: Volume | None = None) -> NDArray[np.float32]:
    """Make what a model sees of a study.

    Parameters
    ----------
    card : Card
    volume : Volume
    ct : Volume, optional
        On any grid.

    Returns
    -------
    float32 ndarray of shape (D, X, Y, Z)
        On the grid of `fuzzyseg.inference.model_grid.model_grid`.

    Raises
    ------
    InputError
        If the model wants other images.
    """
    grid = model_grid(volume, card.preprocessing.spacing_mm)
    return _seen(card, grid, channel_images(card, volume, ct))


def segment_with_model(
    volume: Volume,
    settings: Settings,
    ct: Volume | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Segmentation:
    """Segment a volume by a trained network.

    The image is brought to the patient's axes and, if the model asks for it, to voxels of the
    width it was trained on; memberships come back onto the volume's grid.

    Parameters
    ----------
    volume : Volume
        Checked by `segment`, as is `ct`.
    settings : Settings
        With `model` named.
    ct : Volume, optional
        On the grid of `volume`.
    progress : callable, optional
        Called with (done, total).

    Raises
    ------
    InputError
        If there is no such model, it wants other images, or an option does not suit it.
    """
    created, started = now(), time.perf_counter()
    if settings.model is None:
        raise InputError("expected the name or path of a model, found none; see fuzzyseg models")
    model = load_model(settings.model)
    card = model.card
    names = card.architecture.classes
    if settings.classes not in {None, len(names)}:
        raise InputError(
            f"expected {len(names)} classes for the model {card.name}, found {settings.classes}; "
            "leave them out, or choose a clustering method"
        )
    given = channel_images(card, volume, ct)
    warnings = [*volume.warnings, *(ct.warnings if ct is not None else ())]
    if ct is not None and "ct" not in given:
        warnings.append(f"The CT was not used: the model {card.name} looks at the SPECT alone.")
    warnings += spacing_warnings(card, volume)
    views = _views(card, settings)
    grid = model_grid(volume, card.preprocessing.spacing_mm)
    image = _seen(card, grid, given)
    n_voxels = grid.array.size * len(passes(model, views, settings.mirror))
    engine = choose_engine(settings.engine, model, n_voxels)
    found = predict(
        model,
        image,
        views=views,
        flips=settings.mirror,
        engine=engine,
        jobs=settings.jobs,
        progress=progress,
    )
    memberships = from_model_grid(found, grid, volume)
    labels = _highest(memberships)
    counts = np.bincount(labels.T.ravel(), minlength=len(names))
    empty = [n for n, count in zip(names, counts, strict=True) if not count and n != "lesion"]
    if empty:
        warnings.append(f"No voxel belongs to {' or '.join(empty)}.")
    reads = ("method", "jobs", *get_method("model").reads())
    parameters = {name: getattr(settings, name) for name in reads}
    return Segmentation(
        memberships=memberships,
        labels=labels,
        class_names=names,
        volume=volume,
        provenance=Provenance(
            method="model",
            parameters=parameters
            | {"engine": engine, "classes": len(names), "grid": list(grid.shape)}
            | {"card": dataclasses.asdict(card) | {"task": card.task}},
            versions=versions() | {"safetensors": metadata.version("safetensors")} | _of(engine),
            created=created,
            seconds=round(time.perf_counter() - started, 3),
            warnings=tuple(dict.fromkeys(warnings)),
        ),
    )


def _seen(card: Card, grid: Volume, given: Mapping[str, Volume]) -> NDArray[np.float32]:
    first, *others = card.architecture.channels
    arrays = {first: grid.array} | {name: resample(given[name], grid).array for name in others}
    return channels(arrays, card.preprocessing, card.architecture.channels)


def _views(card: Card, settings: Settings) -> tuple[View, ...] | None:
    if settings.planes == "three":
        return VIEWS
    one = settings.planes == "one" and card.architecture.dims == 2
    return card.views[:1] if one else None


def _highest(memberships: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Class of the highest membership, the first of equals, in the memory order of the input."""
    best = memberships[0].copy(order="K")
    labels = np.zeros_like(best, dtype=np.uint8)
    for k in range(1, len(memberships)):
        higher = memberships[k] > best
        labels[higher] = k
        np.maximum(best, memberships[k], out=best)
    return labels


def _of(engine: str) -> dict[str, Any]:
    return {} if engine == "torch" else {engine: metadata.version(engine)}
