"""Which bones lesions lie in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fuzzyseg.simulation.phantom.model import Phantom

_VERTEBRAE = ("C", "T", "L")


# Bones that lesions and uptake know, by kind.
KINDS_OF_BONE = (
    "skull", "mandible", "C", "T", "L", "sacrum", "coccyx", "hip", "rib", "sternum", "clavicle",
    "scapula", "humerus", "forearm", "hand", "femur",
)  # fmt: skip


def kind_of_bone(region: str) -> str:
    """Kind of a bone by its region: "rib" of "rib 5 left", "L" of "L3"."""
    return region.split(maxsplit=1)[0].rstrip("0123456789") if region else ""


def draw_regions(
    rng: np.random.Generator,
    regions: tuple[str, ...],
    weights: NDArray[np.float64],
    count: int,
    rib_with_vertebra: float,
) -> list[int]:
    """Bones of `count` lesions; as a rule none in a rib without one in a vertebra."""
    drawn = [int(r) for r in rng.choice(len(weights), count, p=weights)]
    kinds = [kind_of_bone(regions[r]) for r in drawn]
    spine = weights * [kind_of_bone(name) in _VERTEBRAE for name in regions]
    alone = "rib" in kinds and not set(kinds) & set(_VERTEBRAE)
    if alone and spine.sum() > 0 and rng.random() < rib_with_vertebra:
        # One that is not in a rib moves to the spine, if there is such a one.
        movable = [i for i, kind in enumerate(kinds) if kind != "rib"] or range(count)
        moved = int(rng.choice(list(movable)))
        drawn[moved] = int(rng.choice(len(weights), p=spine / spine.sum()))
    return drawn


def candidates_of(phantom: Phantom, bone: NDArray[np.float32]) -> dict[int, NDArray[np.intp]]:
    """Voxels (N, 3) that are mostly bone, by region."""
    index = np.argwhere(bone > 0.7)
    if not len(index):
        index = np.argwhere(bone >= 0.5)
    owner = phantom.region[tuple(index.T)]
    return {int(r): index[owner == r] for r in np.unique(owner)}


def site_weights(
    regions: tuple[str, ...], candidates: dict[int, NDArray[np.intp]], table: Mapping[str, float]
) -> NDArray[np.float64]:
    """Chance of each region: its kind's share, split by the volume of the bones of that kind."""
    kinds = [kind_of_bone(name) for name in regions]
    sizes = np.array([len(candidates.get(i, ())) for i in range(len(regions))], dtype=float)
    weights = np.zeros(len(regions))
    for kind, share in table.items():
        own = np.array([k == kind for k in kinds])
        if (sizes * own).sum() > 0:
            weights += share * own * sizes / (sizes * own).sum()
    if weights.sum() == 0:  # a volume that labels bone as one
        weights = sizes
    return np.asarray(weights / weights.sum())
