"""Tc-99m-MDP in the tissues: relative concentrations, then Bq/mL.

Bone holds 8 to 13 times the concentration of soft tissue (the paper's range); the rest is what a
bone scan of an adult, without growth plates, shows 3 hours after injection.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.simulation.phantom.model import BONE_TISSUES, Phantom
from fuzzyseg.simulation.phantom.tissues import TISSUES
from fuzzyseg.tc99m import HALF_LIFE_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

BONE_TO_SOFT = (8.0, 13.0)
KIDNEY_TO_SOFT = (3.5, 9.0)
BLADDER_TO_SOFT = (10.0, 45.0)
# Spread between patients of the other organs' uptake, as a factor's standard deviation.
_ORGAN_SPREAD = 0.12
# Normal concentration by bone, relative to each other: red marrow and turnover are high in the
# axial skeleton. Rounded from quantitative SPECT/CT of normal bone: spine above pelvis, above
# femur and humerus by about half (Kaneta et al., Am J Nucl Med Mol Imaging 2016;6:262;
# Cachovan et al., EJNMMI Res 2013;3:45); small bones are ours.
_BY_REGION = (
    ("L", 1.25), ("T", 1.15), ("C", 1.05), ("sacrum", 1.1), ("coccyx", 0.8), ("hip", 1.1),
    ("rib", 0.85), ("sternum", 1.0), ("skull", 0.75), ("mandible", 0.8), ("clavicle", 0.8),
    ("scapula", 0.85), ("humerus", 0.6), ("forearm", 0.5), ("hand", 0.6), ("femur", 0.6),
)  # fmt: skip


@dataclass(frozen=True)
class Uptake:
    """Drawn concentrations relative to soft tissue, by tissue; bone's is the skeleton's mean."""

    relative: dict[str, float]

    @property
    def bone(self) -> float:
        """Bone to soft tissue."""
        return self.relative[BONE_TISSUES[0]]


def draw_uptake(rng: np.random.Generator) -> Uptake:
    """Draw a patient's concentrations."""
    relative = {
        name: tissue.uptake * float(np.exp(_ORGAN_SPREAD * rng.standard_normal()))
        for name, tissue in TISSUES.items()
    }
    bone = float(rng.uniform(*BONE_TO_SOFT))
    relative.update(dict.fromkeys(BONE_TISSUES, bone))
    relative["soft tissue"] = 1.0
    relative["kidney"] = float(rng.uniform(*KIDNEY_TO_SOFT))
    # Hydration and the time since voiding make urine vary most.
    relative["bladder"] = float(np.exp(rng.uniform(*np.log(BLADDER_TO_SOFT))))
    return Uptake(relative)


def relative_uptake(
    phantom: Phantom, uptake: Uptake, gain: NDArray[np.float32] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Concentrations relative to soft tissue, before lesions, per voxel.

    Parameters
    ----------
    phantom : Phantom
    uptake : Uptake
    gain : float32 ndarray of shape (X, Y, Z), optional
        Joints' factor on bone.

    Returns
    -------
    soft, bone : float32 ndarray of shape (X, Y, Z)
        What a voxel's soft and bony shares contribute; their sum is the voxel's concentration.
        Averaged over the skeleton, bone has `uptake.bone`, however it varies between regions.
    """
    bone = phantom.bone_fraction
    if phantom.uptake is not None:
        return phantom.uptake * (1 - bone), phantom.uptake * bone
    by_region = np.array([_region_factor(name) for name in phantom.regions], dtype=np.float32)
    factor = by_region[phantom.region]
    if gain is not None:
        factor = factor * gain
    factor /= np.float32((factor * bone).sum(dtype=np.float64) / bone.sum(dtype=np.float64))
    soft = phantom.mix({**uptake.relative, **dict.fromkeys(BONE_TISSUES, 0.0)})
    return soft, np.float32(uptake.bone) * factor * bone


def _region_factor(name: str) -> float:
    kind = name.split(maxsplit=1)[0].rstrip("0123456789") if name else ""
    return dict(_BY_REGION).get(kind, 1.0)


def decay(hours: float) -> float:
    """Share of Tc-99m left after this time."""
    return math.exp(-math.log(2.0) * 3600.0 * hours / HALF_LIFE_S)


def scale_to_activity(
    relative: NDArray[np.float32], voxel_ml: float, total_bq: float, counted: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Concentrations in Bq/mL such that the activity of `counted` shares sums to `total_bq`.

    Because the total is set after the anatomy has been deformed, activity is conserved by the
    deformation exactly.

    Parameters
    ----------
    relative : float32 ndarray of shape (X, Y, Z)
    voxel_ml : float
    total_bq : float
    counted : float32 ndarray of shape (X, Y, Z)
        Share of each voxel whose activity counts, such as all but the bladder.

    Raises
    ------
    InputError
        If nothing that counts holds activity.
    """
    weight = float((relative * counted).sum(dtype=np.float64)) * voxel_ml
    if weight <= 0:
        raise InputError(
            "expected some activity in the phantom, found 0 in every voxel; "
            "check the activity file, or leave it out to have uptake drawn"
        )
    return np.asarray(relative * np.float32(total_bq / weight), dtype=np.float32)
