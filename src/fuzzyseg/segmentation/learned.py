"""Segmentation of a volume by a trained network."""

from __future__ import annotations

import dataclasses
import time
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.body import body_mask, make_background, near_dense
from fuzzyseg.counts import class_counts
from fuzzyseg.errors import InputError
from fuzzyseg.inference.engines import choose_engine
from fuzzyseg.inference.grids import from_model_grid, model_grid
from fuzzyseg.inference.kept import kept_model
from fuzzyseg.inference.prediction import passes, predict
from fuzzyseg.inference.preprocess import channels
from fuzzyseg.models.card import PLANES
from fuzzyseg.provenance import now, versions
from fuzzyseg.resample import resample
from fuzzyseg.segmentation.boxes import background, box_around, part, same_part
from fuzzyseg.segmentation.methods import OF_ALL, settings_read
from fuzzyseg.segmentation.suitability import channel_images, spacing_warnings, unused_warnings
from fuzzyseg.volume import Provenance, Segmentation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from fuzzyseg.models.card import Card, Plane
    from fuzzyseg.models.model_files import Model
    from fuzzyseg.segmentation.boxes import Box
    from fuzzyseg.segmentation.settings import Settings
    from fuzzyseg.volume import Study, Volume


def model_input(card: Card, study: Study) -> NDArray[np.float32]:
    """Make what a model sees of a study.

    Parameters
    ----------
    card : Card
    study : Study
        Its images may lie on any grids.

    Returns
    -------
    float32 ndarray of shape (D, X, Y, Z)
        On the grid of `fuzzyseg.inference.grids.model_grid`.

    Raises
    ------
    InputError
        If the model wants other images.
    """
    given = channel_images(card, study)
    return _seen(card, model_grid(study.image, card.preprocessing.spacing_mm), given)


def segment_with_model(
    study: Study,
    settings: Settings,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Segmentation:
    """Segment a study by a trained network.

    The image is brought to the patient's axes and, if the model asks for it, to voxels of the
    width it was trained on; memberships come back onto the grid of the study's image.

    Parameters
    ----------
    study : Study
        Aligned, and checked by `segment`.
    settings : Settings
        With `model` named.
    progress : callable, optional
        Called with (done, total).

    Raises
    ------
    InputError
        If there is no such model, it wants other images, or an option does not suit it.
    """
    created, started = now(), time.perf_counter()
    model = kept_model(_named(settings))
    card = model.card
    _check_classes(card, settings)
    memberships, engine, grid = _memberships(model, study, settings, progress)
    labels = _highest(memberships)
    warnings = [
        *study.warnings,
        *unused_warnings(card, study),
        *spacing_warnings(card, study.image),
        *_missing(labels, card.architecture.classes),
    ]
    return Segmentation(
        memberships=memberships,
        labels=labels,
        class_names=card.architecture.classes,
        volume=study.image,
        provenance=Provenance(
            method="model",
            parameters=_parameters(card, settings, engine, grid),
            versions=versions() | {"safetensors": metadata.version("safetensors")} | _of(engine),
            created=created,
            seconds=round(time.perf_counter() - started, 3),
            warnings=tuple(dict.fromkeys(warnings)),
        ),
    )


def _memberships(
    model: Model, study: Study, settings: Settings, progress: Callable[[int, int], None] | None
) -> tuple[NDArray[np.float32], str, Volume]:
    """Memberships (C, X, Y, Z) on the image's grid, the engine, and the grid that it worked on."""
    card = model.card
    given = channel_images(card, study)
    grid = model_grid(study.image, card.preprocessing.spacing_mm)
    planes = _planes(card, settings)
    n_voxels = grid.array.size * len(passes(model, planes, settings.mirror))
    engine = choose_engine(settings.engine, model, n_voxels)
    # A couch may look like bone, and most of a trunk is nowhere near any.
    seen = body_mask(grid) & near_dense(grid) if study.spect is None else None
    box = _whole(grid) if seen is None else box_around(seen)
    found = predict(
        model,
        _seen(card, grid, given)[:, *box],
        planes=planes,
        mirror=settings.mirror,
        within=None if seen is None else seen[box],
        engine=engine,
        jobs=settings.jobs,
        progress=progress,
    )
    if seen is not None:
        make_background(found, ~seen[box])
    return _on_the_image(found, grid, box, study.image), engine, grid


def _whole(volume: Volume) -> Box:
    x, y, z = (slice(0, n) for n in volume.shape)
    return x, y, z


def _on_the_image(
    found: NDArray[np.float32], grid: Volume, box: Box, image: Volume
) -> NDArray[np.float32]:
    """Bring memberships in a box of the model's grid to the image's grid; else background."""
    if box == _whole(grid):
        return from_model_grid(found, grid, image)
    there = same_part(box, grid, image)
    whole = background(len(found), image.shape)
    from_model_grid(found, part(grid, box), part(image, there), whole[:, *there])
    return whole


def _named(settings: Settings) -> str:
    if settings.model is None:
        raise InputError("expected the name or path of a model, found none; see fuzzyseg models")
    return settings.model


def _check_classes(card: Card, settings: Settings) -> None:
    n_classes = len(card.architecture.classes)
    if settings.classes not in {None, n_classes}:
        raise InputError(
            f"expected {n_classes} classes for the model {card.name}, found {settings.classes}; "
            "leave out --classes, or choose a clustering method"
        )


def _missing(labels: NDArray[np.uint8], names: tuple[str, ...]) -> list[str]:
    """Say which classes have no voxel; a patient may well have no lesion."""
    counts = class_counts(labels, len(names))
    empty = [n for n, count in zip(names, counts, strict=True) if not count and n != "lesion"]
    return [f"No voxel belongs to {' or '.join(empty)}."] if empty else []


def _parameters(card: Card, settings: Settings, engine: str, grid: Volume) -> dict[str, Any]:
    """Every setting in force, and the whole card."""
    reads = (*OF_ALL, *settings_read("model"))
    return {
        **{name: getattr(settings, name) for name in reads},
        "engine": engine,
        "classes": len(card.architecture.classes),
        "grid": list(grid.shape),
        "card": dataclasses.asdict(card) | {"task": card.task},
    }


def _seen(card: Card, grid: Volume, given: Mapping[str, Volume]) -> NDArray[np.float32]:
    first, *others = card.architecture.channels
    arrays = {first: grid.array} | {name: resample(given[name], grid).array for name in others}
    return channels(arrays, card.preprocessing, card.architecture.channels)


def _planes(card: Card, settings: Settings) -> tuple[Plane, ...] | None:
    if settings.planes == "three":
        return PLANES
    one = settings.planes == "one" and card.architecture.dims == 2
    return card.planes[:1] if one else None


def _highest(memberships: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Class of the highest membership, the first of equals, in the memory order of the input."""
    labels = np.zeros_like(memberships[0], dtype=np.uint8)
    for plane, these in zip(labels.T, memberships.transpose(3, 0, 2, 1), strict=True):
        best = these[0].copy()
        for k in range(1, len(these)):
            plane[these[k] > best] = k
            np.maximum(best, these[k], out=best)
    return labels


def _of(engine: str) -> dict[str, Any]:
    return {} if engine == "torch" else {engine: metadata.version(engine)}
