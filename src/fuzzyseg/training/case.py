"""One case in memory: normalised channels, labels, and where its voxels of interest are."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.inference.grids import model_grid
from fuzzyseg.inference.preprocess import channels
from fuzzyseg.io import read_volume
from fuzzyseg.models.card import Preprocessing
from fuzzyseg.registration import register
from fuzzyseg.resample import resample
from fuzzyseg.volume import Study

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from fuzzyseg.training.config import Channel, Config
    from fuzzyseg.training.sources import Source
    from fuzzyseg.volume import Modality, Volume

UNKNOWN = -1  # label of a voxel that nobody labelled
_BRIGHT = 0.01  # share of a volume's voxels that count as bright
_MIMICS = 0.05  # share of a class's voxels that may be taken for the next
_HIGHEST = 2  # label, in files
_WHOLE = 1e-3  # how far off a whole number a label may be, by the rounding of a file's scaling
_MODALITY: dict[Channel, Modality] = {"spect": "NM", "ct": "CT"}
_MARGIN = 8  # voxels of air that are kept around the body


@dataclass(frozen=True, eq=False)
class Case:
    """One case, its axes from left to right, back to front and feet to head.

    Parameters
    ----------
    name : str
    raw : dict of str to float32 ndarray of shape (X, Y, Z)
        The images as they were read: SPECT in its unit, CT in HU.
    image : float32 ndarray of shape (D, X, Y, Z)
        Normalised channels.
    labels : int8 ndarray of shape (X, Y, Z)
        Classes; -1 where unknown.
    activity : float32 ndarray of shape (X, Y, Z) or None
        Truth of a simulation, Bq/mL.
    spacing_mm : (float, float, float)
    n_classes : int
        Lesions are the last.
    air : (int, float)
        How many voxels around the case were cut off, and the mean of the first image there.
    known : mapping of str to what was found of it before
        Values of the attributes below, which are computed when first asked for.
    """

    name: str
    raw: Mapping[str, NDArray[np.float32]]
    image: NDArray[np.float32]
    labels: NDArray[np.int8]
    activity: NDArray[np.float32] | None
    spacing_mm: tuple[float, float, float]
    n_classes: int = 3
    air: tuple[int, float] = (0, 0.0)
    known: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def bright(self) -> NDArray[np.intp]:
        """The brightest voxels of the first channel."""
        first = self.image[0]
        return np.flatnonzero(first > np.quantile(first[::2, ::2, ::2], 1 - _BRIGHT))

    @cached_property
    def body(self) -> NDArray[np.intp]:
        """Voxels of the first channel above its mean."""
        return np.flatnonzero(self.image[0] > self.image[0].mean(dtype=np.float64))

    @cached_property
    def lesions(self) -> NDArray[np.intp]:
        """Voxels labelled as the last class."""
        return np.flatnonzero(self.labels == self.n_classes - 1)

    @cached_property
    def mimics(self) -> NDArray[np.intp]:
        """Where nothing is of the last class: the brightest voxels of the one before it."""
        before: NDArray[np.intp] = np.flatnonzero(self.labels == self.n_classes - 2)
        if len(self.lesions) or not len(before):
            return before[:0]
        values = self.image[0].reshape(-1)[before]
        bright = values > np.quantile(values, 1 - _MIMICS)
        return np.asarray(before[bright])

    @cached_property
    def low(self) -> tuple[float, ...]:
        """Lowest value of each channel."""
        return tuple(float(channel.min()) for channel in self.image)

    @cached_property
    def high(self) -> tuple[float, ...]:
        """Highest value of each channel."""
        return tuple(float(channel.max()) for channel in self.image)

    @cached_property
    def labelled(self) -> bool:
        """Whether any voxel has a label."""
        return bool((self.labels != UNKNOWN).any())

    def __post_init__(self) -> None:
        """Take what is known in place of what would be computed."""
        vars(self).update(self.known)


def preprocessing(config: Config, spacings: Sequence[float] = ()) -> Preprocessing:
    """Say what `config` does to images; `spacings` are the voxel widths trained on, in mm."""
    return Preprocessing(
        spect=config.spect,
        ct=config.ct,
        ct_window_hu=config.ct_window_hu,
        spacing_mm=config.spacing_mm,
        trained_mm=(min(spacings), max(spacings)) if spacings else None,
    )


def load_case(source: Source, config: Config) -> Case:
    """Read a case and bring it onto the grid that the network is trained on.

    Raises
    ------
    InputError
        If a file cannot be read, does not overlap the image, or holds labels that `config`
        does not know.
    """
    first, *others = config.channels
    image = _read(source, first)
    grid = model_grid(image, config.spacing_mm)
    raw: dict[str, NDArray[np.float32]] = {first: grid.array}
    for name in others:  # over the grid of the image, as `fuzzyseg segment` does
        beside = _beside(image, _read(source, name), config)
        raw[name] = model_grid(resample(beside, image), config.spacing_mm).array
    normalised = channels(raw, preprocessing(config), config.channels)
    labels, activity = np.full(grid.shape, UNKNOWN, np.int8), None
    if source.labels is not None:
        labels = _labels(source.labels, grid, config)
    if source.activity is not None and config.needs_activity:
        activity = resample(read_volume(source.activity, modality="other"), grid).array
    box = _box(normalised[0], labels)
    kept = {name: _cut(array, box) for name, array in raw.items()}
    n_cut = grid.array.size - kept[first].size
    sum_cut = grid.array.sum(dtype=np.float64) - kept[first].sum(dtype=np.float64)
    return Case(
        name=source.name,
        raw=kept,
        image=_cut(normalised, (slice(None), *box)),
        labels=_cut(labels, box),
        activity=None if activity is None else _cut(activity, box),
        spacing_mm=grid.spacing_mm,
        n_classes=config.classes,
        air=(n_cut, float(sum_cut) / max(n_cut, 1)),
    )


def _beside(image: Volume, ct: Volume, config: Config) -> Volume:
    """Return the CT beside a SPECT where it is seen."""
    return (register(Study(image, ct)).beside or ct) if config.register else ct


def unlabelled_case(image: NDArray[np.float32]) -> Case:
    """Make a case of a normalised scan (D, X, Y, Z) that nobody has labelled, cut as all are."""
    nobody_knows = np.full(image.shape[1:], UNKNOWN, np.int8)
    box = _box(image[0], nobody_knows)
    cut = _cut(image, (slice(None), *box))
    return Case("scan", {}, cut, _cut(nobody_knows, box), None, (1.0, 1.0, 1.0))


def load_cases(
    sources: Sequence[Source], config: Config, progress: Callable[[int, int], None] | None = None
) -> list[Case]:
    """Read all cases, telling (done, total) to `progress`.

    Raises
    ------
    InputError
        If one cannot be read, or lacks the labels that the loss needs.
    """
    found = []
    for number, source in enumerate(sources, 1):
        case = load_case(source, config)
        check_labelled(case, config)
        found.append(case)
        if progress is not None:
            progress(number, len(sources))
    return found


def check_labelled(case: Case, config: Config) -> None:
    """Raise InputError for a case without the labels that the loss needs."""
    if config.needs_labels and not case.labelled:
        raise InputError(
            f"expected labels of every case for --loss {config.loss}, found none of "
            f"{case.name}; leave the case out, or use semi-rfcm"
        )


def read_source(source: Source, channels: Sequence[str]) -> Study:
    """Read the images of a case that a network of these channels sees; raises as `load_case`."""
    return Study(
        spect=_read(source, "spect") if "spect" in channels else None,
        ct=_read(source, "ct") if "ct" in channels else None,
    )


def _read(source: Source, channel: Channel) -> Volume:
    path: Path | None = getattr(source, channel)
    if path is None:
        raise InputError(f"expected an image {channel} of {source.name}, found none; add it")
    volume = read_volume(path, modality=_MODALITY[channel])
    if not np.isfinite(volume.array).all():
        raise InputError(
            f"expected finite intensities in {path}, found NaN or infinity; replace them, or "
            "leave the case out"
        )
    return volume


def _labels(path: Path, grid: Volume, config: Config) -> NDArray[np.int8]:
    read = resample(read_volume(path, modality="other"), grid, order=0, fill=UNKNOWN).array
    whole = np.rint(read)
    right = (np.abs(read - whole) <= _WHOLE) & (whole >= UNKNOWN) & (whole <= _HIGHEST)
    if not right.all():
        raise InputError(
            f"expected labels of {UNKNOWN}, 0, 1 and 2 in {path}, found {read[~right][0]:g}; "
            "0 is background, 1 bone, 2 lesion, -1 unknown"
        )
    return np.minimum(whole, config.classes - 1).astype(np.int8)


def _box(image: NDArray[np.float32], labels: NDArray[np.int8]) -> tuple[slice, ...]:
    """Smallest box around the voxels above the mean and those of bone, and a margin."""
    body = (image > image.mean(dtype=np.float64)) | (labels > 0)
    box = []
    for axis in range(body.ndim):
        along = np.flatnonzero(body.any(axis=tuple(a for a in range(body.ndim) if a != axis)))
        first, last = (int(along[0]), int(along[-1])) if along.size else (0, body.shape[axis] - 1)
        box.append(slice(max(0, first - _MARGIN), last + 1 + _MARGIN))
    return tuple(box)


def _cut(array: NDArray[Any], box: tuple[slice, ...]) -> NDArray[Any]:
    return np.ascontiguousarray(array[box])
