"""How often the site of a lesion is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.quantification.extent import places_mm
from fuzzyseg.quantification.site import site
from fuzzyseg.quantification.skeleton import find_landmarks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fuzzyseg.experiments.quantification.truth import Truth
    from fuzzyseg.volume import Segmentation

_SITES = {
    "skull": "skull", "mandible": "skull", "C": "cervical spine", "T": "thoracic spine",
    "L": "lumbar spine", "sacrum": "sacrum", "coccyx": "sacrum", "hip": "pelvis", "rib": "ribs",
    "sternum": "sternum", "clavicle": "shoulder girdle", "scapula": "shoulder girdle",
    "humerus": "upper limb", "forearm": "upper limb", "hand": "upper limb", "femur": "lower limb",
}  # fmt: skip


def sites(segmentation: Segmentation, truth: Truth) -> list[bool | None]:
    """Tell of each drawn lesion whether its site is right by the segmented skeleton; None: unnamed.

    At the lesion's true centre, found or not.
    """
    volume = segmentation.volume
    index = np.argwhere(segmentation.labels > 0)
    landmarks = find_landmarks(places_mm(index, volume.affine), volume.voxel_volume_ml)
    if isinstance(landmarks, str):
        return [None] * len(truth.drawn)
    right: list[bool | None] = []
    for each in truth.drawn:
        kind = each["region"].split(maxsplit=1)[0].rstrip("0123456789")
        name, _, _ = site(np.array(each["centre_mm"], float), landmarks)
        right.append(None if name is None else name == _SITES[kind])
    return right


def sentence(right: Sequence[bool | None]) -> str:
    """Say how many are named, and right."""
    named = [r for r in right if r is not None]
    return f"Sites: {len(named)} of {len(right)} named, {sum(named)} of these right."
