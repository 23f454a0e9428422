"""Patches of a case: slices in any direction, slices with their neighbours, or blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.inference.preprocess import normalise_ct
from fuzzyseg.inference.slices import AXES
from fuzzyseg.training.augment import augmented
from fuzzyseg.training.case import UNKNOWN
from fuzzyseg.training.ct_texture import textured
from fuzzyseg.training.part import part_of
from fuzzyseg.training.pose import cut, draw_pose, posed
from fuzzyseg.training.randomise import painted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.training.case import Case
    from fuzzyseg.training.config import Config
    from fuzzyseg.training.pose import Pose

_SLAB = 4  # slices on either side of what a 2-D network sees, from which a texture is drawn
_JITTER = 0.3  # a patch's centre lies this share of its width off the voxel it was drawn for


@dataclass(frozen=True, eq=False)
class Patch:
    """One training example.

    Parameters
    ----------
    seen : float32 ndarray of shape (D_in, *space)
        What the network sees, noise and neighbouring slices included.
    image : float32 ndarray of shape (D, *space)
        What the loss clusters: the same patch without noise and neighbours.
    target : int64 ndarray of shape (*space,)
        Labels, -1 where unknown.
    """

    seen: NDArray[np.float32]
    image: NDArray[np.float32]
    target: NDArray[np.int64]


def draw_patch(case: Case, config: Config, rng: np.random.Generator) -> Patch:
    """Draw a patch of a case: where, in which direction, and how it is augmented."""
    plane = config.planes[rng.integers(len(config.planes))]
    normal = AXES[plane]
    centre = np.array(np.unravel_index(_drawn_voxel(case, config, rng), case.labels.shape))
    if config.parts and rng.random() < config.parts:
        case, start = part_of(case, int(centre[2]), config, rng)
        centre[2] -= start
    widths = np.full(3, config.patch)
    jitter = rng.integers(-int(_JITTER * config.patch), int(_JITTER * config.patch) + 1, size=3)
    slab = _SLAB if config.dims == 2 and config.texture else 0
    if config.dims == 2:
        widths[normal] = 2 * (config.context + slab) + 1
        jitter[normal] = 0
    corner = centre + jitter - widths // 2
    outside = 0 if case.labelled else UNKNOWN
    mirrored: tuple[int, ...] = (0, 1, 2)
    pose = draw_pose(config, case.spacing_mm, rng) if config.poses else None
    if pose is not None:
        image, labels = _posed(case, config, corner, outside, pose)
    else:
        image = np.stack(
            [cut(a, corner, widths, low) for a, low in zip(case.image, case.low, strict=True)]
        )
        labels = cut(case.labels, corner, widths, outside)
    if config.paint and case.activity is not None and rng.random() < config.paint:
        truth = _truth(case, config, corner, pose)
        image[0], labels = painted(
            image[0], labels, truth, case.spacing_mm, rng, case.n_classes - 1
        )
    if config.texture and rng.random() < config.texture:
        channel = config.channels.index("ct")
        image[channel] = _textured(image[channel], labels, case, config, rng)
    if slab:
        whole = slice(None)
        kept = tuple(slice(slab, -slab) if axis == normal else whole for axis in range(3))
        image, labels = image[(whole, *kept)], labels[kept]
    if config.ct_ends and rng.random() < config.ct_ends:
        _end(image[config.channels.index("ct")], rng)
    if config.mirror == "left-right":
        mirrored = (0,)
    if config.dims == 2:  # slices first; their order stays
        image, labels = np.moveaxis(image, normal + 1, 1), np.moveaxis(labels, normal, 0)
        order = (normal, *(axis for axis in range(3) if axis != normal))
        mirrored = tuple(place for place in (1, 2) if order[place] in mirrored)
    seen, image, labels = augmented(image, labels, case, config, rng, mirrored)
    if config.dims == 2:
        seen = seen.reshape(-1, *seen.shape[2:])
        image, labels = image[:, config.context], labels[config.context]
    return Patch(
        np.ascontiguousarray(seen),
        np.ascontiguousarray(image),
        np.ascontiguousarray(labels, dtype=np.int64),
    )


def _drawn_voxel(case: Case, config: Config, rng: np.random.Generator) -> int:
    """Index of a voxel: bright ones, lesions and what looks like them more often than others."""
    share = rng.random()
    if share < config.bright:
        among = case.bright
    elif share < config.bright + config.lesions:
        among = case.lesions if len(case.lesions) else case.mimics
    else:
        among = case.body
    among = among if len(among) else case.body
    if not len(among):  # a constant image
        return int(rng.integers(case.labels.size))
    return int(among[rng.integers(len(among))])


def _posed(
    case: Case,
    config: Config,
    corner: NDArray[np.intp],
    outside: int,
    pose: Pose,
) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """Cut a block out of a case in another pose."""
    centre = _middle(corner, config)
    image = [
        posed(channel, centre + shift, config.patch, pose.matrix, order=1, fill=low)
        for channel, low, shift in zip(case.image, case.low, pose.shifts, strict=True)
    ]
    labels = posed(case.labels, centre, config.patch, pose.matrix, order=0, fill=outside)
    return np.stack(image), labels


def _truth(
    case: Case, config: Config, corner: NDArray[np.intp], pose: Pose | None
) -> NDArray[np.float32]:
    """Cut the true activity of a block."""
    assert case.activity is not None  # noqa: S101, the caller looked
    if pose is None:
        return cut(case.activity, corner, np.full(3, config.patch), 0.0)
    centre = _middle(corner, config)
    return posed(case.activity, centre, config.patch, pose.matrix, order=1, fill=0.0)


def _textured(
    ct: NDArray[np.float32],
    labels: NDArray[np.int8],
    case: Case,
    config: Config,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Draw a normalised block of a CT anew."""
    low, high = config.ct_window_hu
    hu = low + (high - low) * ct
    return normalise_ct(textured(hu, labels, case.spacing_mm, rng), config.ct, config.ct_window_hu)


def _end(ct: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Blank a normalised block of a CT on one side of a plane, in place: below air there is 0."""
    axis = int(rng.integers(ct.ndim))
    plane = int(rng.integers(1, ct.shape[axis]))
    side = slice(plane) if rng.random() < 0.5 else slice(plane, None)
    np.moveaxis(ct, axis, 0)[side] = 0


def _middle(corner: NDArray[np.intp], config: Config) -> NDArray[np.float64]:
    return np.asarray(corner + (config.patch - 1) / 2, dtype=np.float64)
