"""In which part of the skeleton a lesion lies: a geometric rule from the skeleton's landmarks.

Cuts are shares of the trunk's length (`Skeleton.trunk_mm`), chosen on 24 simulated patients. The
rule knows no single bone: a rib's head counts as spine, and much of the scapula as ribs.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.quantification.skeleton import Skeleton

SITES = (
    "skull", "cervical spine", "thoracic spine", "lumbar spine", "sacrum", "ribs", "sternum",
    "shoulder girdle", "pelvis", "upper limb", "lower limb",
)  # fmt: skip
# How far landmarks and centroids may be off: half the resolution of SPECT, and a bit.
_SLACK_MM = 8.0
LEAST_CONFIDENCE = 0.5


@dataclass(frozen=True)
class Cuts:
    """Where one site ends and the next begins, in lengths of the trunk.

    Parameters
    ----------
    skull, cervical, lumbar, sacral : float
        Height above the crests of the skull's base, and of the tops of thoracic spine, lumbar
        spine and sacrum.
    face, sternum, sacral_front : float
        How far before the lumbar spine the skull begins in the neck, the sternum, and the pelvis
        before the sacrum.
    spine, sternal, sacral_side, arm, girdle : float
        Half-widths of spine, sternum and sacrum, and where arms and shoulders begin beside the
        midline.
    shoulder, hip : float
        Heights above which shoulders are, and below which legs are.
    leg : float
        Beside the midline.
    """

    skull: float = 1.28
    cervical: float = 1.06
    lumbar: float = 0.32
    sacral: float = -0.12
    face: float = 0.11
    sternum: float = 0.06
    sacral_front: float = 0.04
    spine: float = 0.06
    sternal: float = 0.09
    sacral_side: float = 0.12
    arm: float = 0.39
    girdle: float = 0.23
    shoulder: float = 0.86
    hip: float = -0.38
    leg: float = 0.20


CUTS = Cuts()


def site_of_place(place: NDArray[np.float64], cuts: Cuts = CUTS) -> str:
    """Site of a place (3,) in `Skeleton.relative` coordinates."""
    beside, before, above = (float(v) for v in place)
    if above >= cuts.cervical:
        if beside > cuts.girdle:
            return "upper limb" if beside > cuts.arm else "shoulder girdle"
        neck = above < cuts.skull and before < cuts.face and beside < 2 * cuts.spine
        return "cervical spine" if neck else "skull"
    if beside > cuts.arm:
        return "upper limb"
    if above >= 0:
        if above > cuts.shoulder and beside > cuts.girdle:
            return "shoulder girdle"
        if above > cuts.lumbar and before > cuts.sternum and beside < cuts.sternal:
            return "sternum"
        if beside < cuts.spine or (above < cuts.lumbar / 2 and beside < 2 * cuts.spine):
            return "lumbar spine" if above < cuts.lumbar else "thoracic spine"
        return "ribs"
    if above >= cuts.sacral and beside < cuts.spine:
        return "lumbar spine"
    if beside < cuts.sacral_side and before < cuts.sacral_front and above > cuts.hip:
        return "sacrum"
    return "lower limb" if above < cuts.hip and beside > cuts.leg else "pelvis"


def site(
    place_mm: NDArray[np.float64], skeleton: Skeleton, cuts: Cuts = CUTS
) -> tuple[str | None, float, str]:
    """Find the site of a place, and how sure it is.

    Parameters
    ----------
    place_mm : float64 ndarray of shape (3,)
        Such as a lesion's centroid, RAS.
    skeleton : Skeleton
    cuts : Cuts

    Returns
    -------
    name : str or None
        None where the next site is as near as to make the confidence less than a half.
    confidence : float
        Share of the place itself and 26 places 8 mm around it that have the same site.
    reason : str
        Why there is no name; else empty.
    """
    offsets = _SLACK_MM * np.array(list(itertools.product((-1, 0, 1), repeat=3)))
    found = [site_of_place(p, cuts) for p in skeleton.relative(place_mm + offsets)]
    names = sorted(set(found), key=lambda name: -found.count(name))
    confidence = found.count(names[0]) / len(found)
    if confidence < LEAST_CONFIDENCE:
        return None, confidence, f"between {' and '.join(names[:2])}"
    return names[0], confidence, ""
