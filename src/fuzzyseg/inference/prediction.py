"""Memberships of a volume, from a model."""

from __future__ import annotations

import functools
import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.inference.blocks import boxes, weights
from fuzzyseg.inference.engines import choose_engine, open_engine
from fuzzyseg.inference.slices import along, slices
from fuzzyseg.models.card import PLANES
from fuzzyseg.networks.registry import network_entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from fuzzyseg.inference.engines import EngineName, Run
    from fuzzyseg.models.card import Plane
    from fuzzyseg.models.model_files import Model

    Image = NDArray[np.float32]
    Progress = Callable[[int, int], None]

# Pixels of a batch of slices: its features then stay in a core's cache (128 x 128: one slice).
_BATCH_PIXELS = 2**14
# Of slices that are cut to what is there: how many share a box, the pixels around it (a network
# that is trained on patches knows their ends), and what the box's sides are multiples of.
_ALIKE, _MARGIN, _ROUND = 24, 6, 8
# Voxels that neighbouring blocks of a volume share: on either side more than half of the 23 voxels
# that the paper's network sees.
_OVERLAP = 32


def predict(
    model: Model,
    image: Image,
    *,
    planes: Sequence[Plane] | None = None,
    mirror: bool = False,
    within: NDArray[np.bool_] | None = None,
    batch: int | None = None,
    engine: EngineName = "auto",
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Image:
    """Run a model over a volume.

    Slices go through in batches, one thread each, so memory holds the result and little more. A
    network of volumes sees a large volume as overlapping blocks, whose borders are blended.

    Parameters
    ----------
    model : Model
    image : float32 ndarray of shape (D, X, Y, Z)
        From `fuzzyseg.inference.preprocess.channels`.
    planes : sequence of {"transverse", "coronal", "sagittal"}, optional
        Directions of slices whose memberships are averaged; by default those of the card. A
        network of volumes has none.
    mirror : bool
        Test-time augmentation: average with the mirror image, left and right exchanged, in
        twice the time.
    within : bool ndarray of shape (X, Y, Z), optional
        Where there is something to see. A network of slices sees only the box around it, with
        a margin, in every few slices; the rest is of the first class.
    batch : int, optional
        Slices at a time; by default as many as stay in the cache.
    engine : {"auto", "torch", "openvino", "onnxruntime"}
        "auto": the fastest of those installed, for a volume of this size.
    jobs : int, optional
        Threads; None uses all cores. The result does not depend on it, rounding apart.
    progress : callable, optional
        Called with (done, total).

    Returns
    -------
    float32 ndarray of shape (C, X, Y, Z)
        Sums to 1 over C, up to rounding.

    Raises
    ------
    InputError
        If the image has other channels than the model, or an option is out of range.
    """
    architecture = model.card.architecture
    if image.ndim != 4 or image.shape[0] != len(architecture.channels) or not image.size:
        raise InputError(
            f"expected an image of shape ({len(architecture.channels)}, X, Y, Z) for the model "
            f"{model.card.name}, found {image.shape}; give its channels "
            f"{', '.join(architecture.channels)}"
        )
    if batch is not None and batch < 1:
        raise InputError(f"expected 1 slice or more at a time, found {batch}; leave it out")
    every = passes(model, planes, mirror)
    threads = jobs if jobs is not None else os.cpu_count() or 1
    _, x, y, z = image.shape
    # (C, Z, Y, X): the order in which the rest of the package expects memory.
    found = np.zeros((len(architecture.classes), z, y, x), np.float32).transpose(0, 3, 2, 1)
    chosen = choose_engine(engine, model, found[0].size * len(every))
    if architecture.dims == 3:
        with open_engine(chosen, model, threads) as run:
            block = network_entry(architecture.network).block
            _volumes(run, image, found, every, block, progress)
    else:
        with (
            open_engine(chosen, model, 1, threads) as run,
            ThreadPoolExecutor(threads) as pool,
        ):
            at_once = _Slices(run, architecture.context, batch, image.min(axis=(1, 2, 3)))
            _slices(at_once, image, found, every, within, pool, progress)
    if len(every) > 1:
        found /= len(every)
    return found


def passes(model: Model, planes: Sequence[Plane] | None, mirror: bool) -> list[tuple[Plane, slice]]:
    """Every plane, as it is and, if asked for, mirrored along x."""
    if model.card.architecture.dims == 3:
        if planes is not None and tuple(planes) != model.card.planes:
            raise InputError(
                f"expected no planes for the model {model.card.name}, which sees volumes, found "
                f"{', '.join(planes)}; leave them out"
            )
        planes = ("transverse",)
    planes = model.card.planes if planes is None else planes
    if not planes or not set(planes) <= set(PLANES):
        raise InputError(
            f"expected planes out of {', '.join(PLANES)}, found {', '.join(planes) or 'none'}; "
            "give one or more"
        )
    ways = (slice(None), slice(None, None, -1))[: 1 + mirror]
    return list(itertools.product(dict.fromkeys(planes), ways))


class _Slices(NamedTuple):
    """How a network of slices runs: what `_slices` and its work share."""

    run: Run
    context: int
    batch: int | None
    outside: NDArray[np.float32]  # (D,), what the slices beyond the ends show


class _Patch(NamedTuple):
    """Slices of one plane, and the part of them that the network sees."""

    start: int
    stop: int
    rows: slice
    columns: slice


def _slices(
    how: _Slices,
    image: Image,
    found: Image,
    every: list[tuple[Plane, slice]],
    within: NDArray[np.bool_] | None,
    pool: ThreadPoolExecutor,
    progress: Progress | None,
) -> None:
    """Add the memberships of every pass to `found`."""
    total = sum(along(image, plane).shape[1] for plane, _ in every)
    done = 0
    for plane, way in every:  # one after the other: they add to the same voxels
        seen, target = image[:, way], along(found[:, way], plane)
        there = None if within is None else _slices_of(within[way], plane)
        add = functools.partial(_add_slices, how, seen, target, plane)
        for n in pool.map(add, _patches(target.shape[1:], there, how.batch)):
            done += n
            if progress:
                progress(done, total)


def _slices_of(mask: NDArray[np.bool_], plane: Plane) -> NDArray[np.bool_]:
    seen: NDArray[Any] = mask[None]
    cut: NDArray[np.bool_] = along(seen, plane)[0]
    return cut


def _patches(
    shape: tuple[int, ...], there: NDArray[np.bool_] | None, batch: int | None
) -> Iterator[_Patch]:
    """Cut the slices (L, H, W) of a plane into batches, each to the box of what is there."""
    length, height, width = shape
    thick = length if there is None else _ALIKE
    for first in range(0, length, thick):
        last = min(first + thick, length)
        rows, columns = slice(0, height), slice(0, width)
        if there is not None:
            shadow: NDArray[np.bool_] = np.logical_or.reduce(there[first:last])
            rows = _reach(np.logical_or.reduce(shadow, axis=1))
            columns = _reach(np.logical_or.reduce(shadow, axis=0))
        pixels = (rows.stop - rows.start) * (columns.stop - columns.start)
        size = batch or max(_BATCH_PIXELS // max(pixels, 1), 1)
        for start in range(first, last, size):
            yield _Patch(start, min(start + size, last), rows, columns)


def _reach(line: NDArray[np.bool_]) -> slice:
    """Where a line is true, with a margin, in few different lengths: engines compile each."""
    places = np.flatnonzero(line)
    if not places.size:
        return slice(0, 0)
    wanted = int(places[-1]) + 1 - int(places[0]) + 2 * _MARGIN
    length = min(-(-wanted // _ROUND) * _ROUND, line.size)
    start = int(places[0]) - _MARGIN - (length - wanted) // 2
    start = min(max(start, 0), line.size - length)
    return slice(start, start + length)


def _add_slices(how: _Slices, seen: Image, target: Image, plane: Plane, patch: _Patch) -> int:
    """Run a batch of slices, and return how many there were."""
    start, stop, rows, columns = patch
    if rows.stop - rows.start < target.shape[2] or columns.stop - columns.start < target.shape[3]:
        target[0, start:stop] += 1
        target[0, start:stop, rows, columns] -= 1
    if rows.stop == rows.start or columns.stop == columns.start:
        return stop - start
    batch = slices(seen, plane, start, stop, how.context, how.outside)
    memberships = how.run(np.ascontiguousarray(batch[..., rows, columns]))
    target[:, start:stop, rows, columns] += memberships.swapaxes(0, 1)
    return stop - start


def _volumes(
    run: Run,
    image: Image,
    found: Image,
    every: Iterable[tuple[Plane, slice]],
    block: int,
    progress: Progress | None,
) -> None:
    """Add the memberships of every pass to `found`."""
    _, x, y, z = image.shape
    cover = boxes((x, y, z), block, _OVERLAP)
    total = np.zeros((x, y, z), np.float32)
    for box in cover:
        total[box] += weights(box, (x, y, z), _OVERLAP)
    work = list(itertools.product(every, cover))
    for i, ((_, way), box) in enumerate(work):
        seen = np.ascontiguousarray(image[:, way][:, *box])
        share = weights(box, (x, y, z), _OVERLAP) / total[box]
        found[:, way][:, *box] += run(seen[None])[0] * share
        if progress:
            progress(i + 1, len(work))
