"""Segmentation of a volume by a trained network."""

from __future__ import annotations

import dataclasses
import time
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.counts import class_counts
from fuzzyseg.errors import InputError
from fuzzyseg.inference.engines import choose_engine
from fuzzyseg.inference.kept import kept_model
from fuzzyseg.inference.prediction import passes
from fuzzyseg.models.card import PLANES
from fuzzyseg.provenance import now, versions
from fuzzyseg.segmentation.cortex import Piece, without_cortex
from fuzzyseg.segmentation.methods import OF_ALL, settings_read
from fuzzyseg.segmentation.model_input import (
    highest,
    onto_image,
    predict_within,
    seen_by,
    weigh,
)
from fuzzyseg.segmentation.suitability import spacing_warnings, unused_warnings
from fuzzyseg.volume import Provenance, Segmentation

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fuzzyseg.models.card import Card, Plane
    from fuzzyseg.models.model_files import Model
    from fuzzyseg.segmentation.settings import Settings
    from fuzzyseg.volume import Study, Volume


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
    labels = highest(memberships)
    left_out = _leave_out(memberships, labels, study.image) if card.cortex else []
    warnings = [
        *study.warnings,
        *left_out,
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
    seen = seen_by(model.card, study)
    planes = _planes(model.card, settings)
    n_voxels = seen.grid.array.size * len(passes(model, planes, settings.mirror))
    engine = choose_engine(settings.engine, model, n_voxels)
    found, box = predict_within(
        model,
        seen.image,
        seen.within,
        planes=planes,
        mirror=settings.mirror,
        engine=engine,
        jobs=settings.jobs,
        progress=progress,
    )
    memberships = onto_image(found, seen.grid, box, study.image)
    if model.card.odds:
        weigh(memberships, model.card.odds)
    return memberships, engine, seen.grid


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


def _leave_out(
    memberships: NDArray[np.float32], labels: NDArray[np.uint8], image: Volume
) -> list[str]:
    """Exchange memberships in bone and background in pieces without cortex, in place."""
    pieces = without_cortex(labels == 1, image.array, image.spacing_mm)
    for piece in pieces:
        here = memberships[:, *piece.box]
        here[:, piece.inside] = here[::-1, piece.inside]
        labels[piece.box][piece.inside] = 0
    if not pieces:
        return []
    told = "; ".join(
        f"{piece.ml:.0f} mL of {piece.hu:.0f} HU around {_place(piece, image)}" for piece in pieces
    )
    return [f"Taken for organs with contrast agent, since they have no cortex: {told}."]


def _place(piece: Piece, image: Volume) -> str:
    """Centre in mm."""
    start = [part.start for part in piece.box]
    centre = np.argwhere(piece.inside).mean(0) + start
    x, y, z = image.affine[:3, :3] @ centre + image.affine[:3, 3]
    return f"({x:.0f}, {y:.0f}, {z:.0f}) mm RAS"


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


def _planes(card: Card, settings: Settings) -> tuple[Plane, ...] | None:
    if settings.planes == "three":
        return PLANES
    one = settings.planes == "one" and card.architecture.dims == 2
    return card.planes[:1] if one else None


def _of(engine: str) -> dict[str, Any]:
    return {} if engine == "torch" else {engine: metadata.version(engine)}
