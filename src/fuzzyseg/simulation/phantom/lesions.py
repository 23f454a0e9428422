"""Bone metastases: how many, where, how large, what shape, and what they do to the images."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.simulation.phantom.grid import Grid
    from fuzzyseg.simulation.phantom.model import Phantom

Kind = Literal["sclerotic", "lytic"]
# Lesion over bone: mean 4, times U(0.5, 1.75); attenuation over cortical bone's (the paper).
MEAN_TO_BONE = 4.0
SPREAD = (0.5, 1.75)
SCLEROTIC_ATTENUATION = (1.13, 1.27)
# Lytic tissue over spongiosa: between soft tissue and normal marrow.
LYTIC_ATTENUATION = (0.88, 0.97)
LYTIC_SHARE = 0.1
NONE_SHARE = 0.08
MOST_LESIONS = 40
DIAMETER_MM = (5.0, 40.0)
# Where 2000 lesions of 102 men lay: ribs 28.9%, thoracic spine 14.8%, ilium 13.8%, lumbar spine
# 8.0% (Wang and Shen, Nucl Med Commun 2012;33:379). The remaining third is shared out by us. In
# men with few lesions 84.5% were in vertebrae and pelvis, which `FEW` reproduces.
MANY = {
    "rib": 28.9, "T": 14.8, "hip": 19.0, "L": 8.0, "sacrum": 5.0, "C": 3.0, "sternum": 4.0,
    "scapula": 5.0, "clavicle": 2.0, "humerus": 2.5, "femur": 4.5, "skull": 3.3,
}  # fmt: skip
FEW = {
    "hip": 38.0, "L": 18.0, "T": 15.0, "sacrum": 10.0, "C": 3.5, "rib": 8.0, "sternum": 1.5,
    "scapula": 1.5, "clavicle": 0.5, "humerus": 0.8, "femur": 2.2, "skull": 1.0,
}  # fmt: skip
FEW_LESIONS = 5


@dataclass(frozen=True)
class Lesion:
    """One lesion as drawn and as it came out.

    Parameters
    ----------
    region : str
        Bone, such as "L3".
    centre_mm : (x, y, z)
    diameter_mm : float
        Of the ball that is stretched, dented and given lobes, before the bone cuts it.
    to_bone : float
        Concentration over the skeleton's mean.
    attenuation_factor : float
        Over cortical bone where sclerotic, over spongiosa where lytic.
    kind : {"sclerotic", "lytic"}
    volume_ml : float
        Within bone, partial voxels included.
    voxels : int
        Labelled.
    """

    region: str
    centre_mm: tuple[float, float, float]
    diameter_mm: float
    to_bone: float
    attenuation_factor: float
    kind: Kind
    volume_ml: float
    voxels: int

    def as_dict(self) -> dict[str, Any]:
        """For the patient's record."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class LesionMaps:
    """What the lesions fill: shares (X, Y, Z) in bone, and the share-weighted properties.

    `uptake` is relative to bone, `sclerotic` and `lytic` are shares times attenuation factor.
    """

    share: NDArray[np.float32]
    uptake: NDArray[np.float32]
    sclerotic: NDArray[np.float32]
    lytic: NDArray[np.float32]
    labels: NDArray[np.bool_]


def draw_count(rng: np.random.Generator) -> int:
    """None in 8% of patients, otherwise a skewed count with a median of about 6, at most 40."""
    if rng.random() < NONE_SHARE:
        return 0
    return int(min(1 + rng.negative_binomial(1.0, 1 / 9.0), MOST_LESIONS))


def draw_lesions(
    rng: np.random.Generator, phantom: Phantom, count: int
) -> tuple[list[Lesion], LesionMaps]:
    """Draw `count` lesions inside the phantom's bone; they do not touch each other's voxels.

    Parameters
    ----------
    rng : Generator
    phantom : Phantom
    count : int

    Returns
    -------
    lesions : list of Lesion
        Fewer than asked for where a small field leaves no room.
    maps : LesionMaps
    """
    bone = np.minimum(phantom.bone_fraction, 1)
    shape = phantom.grid.shape
    zeros = [np.zeros(shape, np.float32) for _ in range(4)]
    maps = LesionMaps(zeros[0], zeros[1], zeros[2], zeros[3], np.zeros(shape, bool))
    candidates = _candidates(phantom, bone)
    weights = _weights(phantom.regions, candidates, MANY if count > FEW_LESIONS else FEW)
    lesions: list[Lesion] = []
    for _ in range(4 * count):
        if len(lesions) == count:
            break
        region = int(rng.choice(len(weights), p=weights))
        voxel = candidates[region][rng.integers(len(candidates[region]))]
        lesion = _place(rng, phantom, bone, maps, region, voxel)
        if lesion is not None:
            lesions.append(lesion)
    return lesions, maps


def _candidates(phantom: Phantom, bone: NDArray[np.float32]) -> dict[int, NDArray[np.intp]]:
    """Voxels (N, 3) that are mostly bone, by region."""
    index = np.argwhere(bone > 0.7)
    if not len(index):
        index = np.argwhere(bone >= 0.5)
    owner = phantom.region[tuple(index.T)]
    return {int(r): index[owner == r] for r in np.unique(owner)}


def _weights(
    regions: tuple[str, ...], candidates: dict[int, NDArray[np.intp]], table: dict[str, float]
) -> NDArray[np.float64]:
    """Chance of each region: its kind's share, split by the volume of the bones of that kind."""
    kinds = [name.split()[0].rstrip("0123456789") if name else "" for name in regions]
    sizes = np.array([len(candidates.get(i, ())) for i in range(len(regions))], dtype=float)
    weights = np.zeros(len(regions))
    for kind, share in table.items():
        own = np.array([k == kind for k in kinds])
        if (sizes * own).sum() > 0:
            weights += share * own * sizes / (sizes * own).sum()
    if weights.sum() == 0:  # a volume that labels bone as one
        weights = sizes
    return np.asarray(weights / weights.sum())


def _place(
    rng: np.random.Generator,
    phantom: Phantom,
    bone: NDArray[np.float32],
    maps: LesionMaps,
    region: int,
    voxel: NDArray[np.intp],
) -> Lesion | None:
    grid = phantom.grid
    low, high = np.log(DIAMETER_MM)
    diameter = float(np.exp(np.clip(rng.normal(np.log(16.0), 0.5), low, high)))
    to_bone = MEAN_TO_BONE * float(rng.uniform(*SPREAD))
    kind: Kind = "lytic" if rng.random() < LYTIC_SHARE else "sclerotic"
    factor = float(rng.uniform(*(LYTIC_ATTENUATION if kind == "lytic" else SCLEROTIC_ATTENUATION)))
    step = np.array(grid.spacing_mm)
    centre = grid.origin_mm + step * (voxel + rng.uniform(-0.5, 0.5, 3))
    box, share = _shape(rng, grid, centre, diameter)
    share = share * bone[box]
    # A lesion must not run over into the bone next door, such as from rib to rib.
    share[(phantom.region[box] != region)] = 0
    free = 1 - maps.share[box]
    share = np.minimum(share, free)
    label = (share >= 0.5) & ~maps.labels[box]
    if not label.any():
        # Smaller than a voxel: the voxel that holds most of it, if it can be marked.
        best = np.unravel_index(np.argmax(share * ~maps.labels[box]), share.shape)
        if share[best] < 0.15 or maps.labels[box][best] or bone[box][best] < 0.5:
            return None
        label[best] = True
    maps.share[box] += share
    maps.uptake[box] += share * np.float32(to_bone)
    (maps.lytic if kind == "lytic" else maps.sclerotic)[box] += share * np.float32(factor)
    maps.labels[box] |= label
    place = tuple(round(float(c), 2) for c in centre)
    volume = float(share.sum(dtype=np.float64)) * float(np.prod(step)) / 1000.0
    return Lesion(
        region=phantom.regions[region],
        centre_mm=(place[0], place[1], place[2]),
        diameter_mm=diameter,
        to_bone=to_bone,
        attenuation_factor=factor,
        kind=kind,
        volume_ml=volume,
        voxels=int(label.sum()),
    )


def _shape(
    rng: np.random.Generator, grid: Grid, centre: NDArray[np.float64], diameter: float
) -> tuple[tuple[slice, slice, slice], NDArray[np.float32]]:
    """Share of each voxel in a lumpy ellipsoid with up to two lobes, and the box it is in."""
    step = np.array(grid.spacing_mm)
    radius = diameter / 2
    first = np.floor((centre - 1.8 * radius - grid.origin_mm) / step).astype(int)
    last = np.ceil((centre + 1.8 * radius - grid.origin_mm) / step).astype(int) + 1
    first, last = np.maximum(first, 0), np.minimum(last, grid.shape)
    box = tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    fine = max(1, math.ceil(float(step.max()) / min(1.5, radius / 2)))
    axes = [
        grid.axis(i, fine)[box[i].start * fine : box[i].stop * fine] - centre[i] for i in range(3)
    ]
    p = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    rotation, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    stretch = np.exp(rng.normal(0.0, 0.22, 3))
    stretch /= np.prod(stretch) ** (1 / 3)
    q = p @ rotation / stretch / radius
    r = np.linalg.norm(q, axis=-1) + 1e-9
    # Bumps: a few random directions push the surface out or in by up to a quarter.
    bumps = rng.standard_normal((6, 3))
    bumps /= np.linalg.norm(bumps, axis=1, keepdims=True)
    push = rng.uniform(-0.18, 0.22, 6)
    edge = 1 + np.exp(3.0 * ((q / r[..., None]) @ bumps.T - 1)) @ push
    inside = r < edge
    for _ in range(rng.integers(0, 3)):
        offset = rng.standard_normal(3)
        offset *= rng.uniform(0.5, 0.9) / np.linalg.norm(offset)
        inside |= np.linalg.norm(q - offset, axis=-1) < rng.uniform(0.45, 0.7)
    x, y, z = (n // fine for n in inside.shape)
    share = inside.reshape(x, fine, y, fine, z, fine).mean(axis=(1, 3, 5), dtype=np.float32)
    return (box[0], box[1], box[2]), np.asarray(share, dtype=np.float32)
