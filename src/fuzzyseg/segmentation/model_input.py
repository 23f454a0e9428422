"""What a model sees of a study, its memberships there, and the way back to the study's image."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fuzzyseg.body import body_mask, make_background, near_dense
from fuzzyseg.inference.grids import from_model_grid, model_grid
from fuzzyseg.inference.prediction import predict
from fuzzyseg.inference.preprocess import channels
from fuzzyseg.resample import resample
from fuzzyseg.segmentation.boxes import background, box_around, part, same_part
from fuzzyseg.segmentation.suitability import channel_images

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fuzzyseg.models.card import Card
    from fuzzyseg.models.model_files import Model
    from fuzzyseg.segmentation.boxes import Box
    from fuzzyseg.volume import Study, Volume


class Seen(NamedTuple):
    """What a model sees of a study.

    Parameters
    ----------
    grid : Volume
        The study's image on the grid of `fuzzyseg.inference.grids.model_grid`.
    image : float32 ndarray of shape (D, X, Y, Z)
        The network's channels on that grid.
    within : bool ndarray of shape (X, Y, Z), or None
        Where a CT alone may show bone of the patient; None: anywhere.
    """

    grid: Volume
    image: NDArray[np.float32]
    within: NDArray[np.bool_] | None


def seen_by(card: Card, study: Study) -> Seen:
    """Make what a model sees of a study.

    Parameters
    ----------
    card : Card
    study : Study
        Its images may lie on any grids.

    Raises
    ------
    InputError
        If the model wants other images.
    """
    given = channel_images(card, study)
    grid = model_grid(study.image, card.preprocessing.spacing_mm)
    # A couch may look like bone, and most of a trunk is nowhere near any.
    within = _patient(study.image, grid) & near_dense(grid) if study.spect is None else None
    return Seen(grid, _channels(card, grid, given), within)


def _patient(image: Volume, grid: Volume) -> NDArray[np.bool_]:
    """Where the patient is, found before interpolation bridges the gap from back to couch."""
    if sorted(image.spacing_mm)[1] <= sorted(grid.spacing_mm)[1]:  # the second: one may be slices'
        return body_mask(grid)
    body = replace(image, array=body_mask(image).astype(np.float32))
    return resample(body, grid, order=0).array > 0.5


def predict_within(
    model: Model,
    image: NDArray[np.float32],
    within: NDArray[np.bool_] | None,
    **how: Any,
) -> tuple[NDArray[np.float32], Box]:
    """Run a model where there is something to see.

    Parameters
    ----------
    model : Model
    image, within
        As of `Seen`.
    **how
        Options of `fuzzyseg.inference.prediction.predict`.

    Returns
    -------
    memberships : float32 ndarray of shape (C, *box)
    box : (slice, slice, slice)
        The part of the grid that they are of; the rest is background.
    """
    if within is None:
        _, x, y, z = image.shape
        return predict(model, image, **how), (slice(0, x), slice(0, y), slice(0, z))
    box = box_around(within)
    found = predict(model, image[:, *box], within=within[box], **how)
    make_background(found, ~within[box])
    return found, box


def onto_image(
    found: NDArray[np.float32], grid: Volume, box: Box, image: Volume
) -> NDArray[np.float32]:
    """Bring memberships in a box of the model's grid to the image's grid; else background.

    Parameters
    ----------
    found, box
        From `predict_within`.
    grid : Volume
        As of `Seen`.
    image : Volume
        The study's image.

    Returns
    -------
    float32 ndarray of shape (C, *image.shape)
    """
    if found.shape[1:] == grid.shape:
        return from_model_grid(found, grid, image)
    there = same_part(box, grid, image)
    whole = background(len(found), image.shape)
    from_model_grid(found, part(grid, box), part(image, there), whole[:, *there])
    return whole


def weigh(memberships: NDArray[np.float32], odds: Sequence[float]) -> None:
    """Multiply each class's memberships (C, X, Y, Z) by its odds, in place; they sum to 1 again."""
    for k, factor in enumerate(odds):
        memberships[k] *= np.float32(factor)
    memberships /= memberships.sum(0)


def highest(memberships: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Class of the highest membership, the first of equals, in the memory order of the input.

    (C, X, Y, Z) to (X, Y, Z).
    """
    labels = np.zeros_like(memberships[0], dtype=np.uint8)
    for plane, these in zip(labels.T, memberships.transpose(3, 0, 2, 1), strict=True):
        best = these[0].copy()
        for k in range(1, len(these)):
            plane[these[k] > best] = k
            np.maximum(best, these[k], out=best)
    return labels


def _channels(card: Card, grid: Volume, given: Mapping[str, Volume]) -> NDArray[np.float32]:
    first, *others = card.architecture.channels
    arrays = {first: grid.array} | {name: resample(given[name], grid).array for name in others}
    return channels(arrays, card.preprocessing, card.architecture.channels)
