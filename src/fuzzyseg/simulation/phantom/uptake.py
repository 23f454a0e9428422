"""Tc-99m diphosphonate in the tissues: relative concentrations, then Bq/mL."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.simulation.laws import Law, Uniform
from fuzzyseg.simulation.phantom.disease.lesion_sites import kind_of_bone
from fuzzyseg.simulation.phantom.model import BONE_TISSUES, Phantom
from fuzzyseg.simulation.phantom.tissues import TISSUES
from fuzzyseg.tc99m import HALF_LIFE_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.simulation.population_laws import UptakeLaws

# Below mid-thigh lie 22% of a body's mass and, by the volumes of ICRP Publication 70 and the
# concentrations used here, about 13% of the skeleton's uptake.
_LEG_UPTAKE_PER_MASS = 0.6
# Kidneys of a superscan over normal ones; our setting, "faint or not seen".
_SUPERSCAN_KIDNEY = Uniform(0.1, 0.3)
# Of the dose: normal bone's 0.26, and what a superscan takes from soft tissue, our setting.
_SUPERSCAN_FROM_SOFT = 0.34


@dataclass(frozen=True)
class Uptake:
    """A patient's normal concentrations as drawn.

    Parameters
    ----------
    relative : dict from tissue to float
        Over soft tissue; bone's are left out.
    by_region : dict from kind of bone to float
        Relative to each other.
    retained : float
        Share of the injected tracer in the whole body, outside the bladder.
    bone_share : float or None
        Share in the whole skeleton, before lesions.
    bone_to_soft : float or None
        Concentration of bone over soft tissue's; one of the two is given.
    superscan : bool
    """

    relative: dict[str, float]
    by_region: dict[str, float]
    retained: float
    bone_share: float | None
    bone_to_soft: float | None
    superscan: bool

    def bone_level(
        self, soft_volume: float, bone_volume: float, mass_share: float, *, legs: bool
    ) -> float:
        """Mean concentration of bone over soft tissue's.

        Parameters
        ----------
        soft_volume : float
            Volume of soft parts in the field but the bladder, each times its relative
            concentration.
        bone_volume : float
            Volume of bone in the field, in the same unit.
        mass_share : float
            Mass in the field over the patient's.
        legs : bool
            Whether what the field lacks is the legs; else it is taken to be like the rest.
        """
        if self.bone_to_soft is not None or self.bone_share is None:
            return self.bone_to_soft or 1.0
        seen = 1 - _LEG_UPTAKE_PER_MASS * (1 - mass_share) if legs else mass_share
        in_field = self.bone_share * seen
        rest = self.retained * mass_share - in_field
        return (in_field / bone_volume) / (rest / soft_volume)


def draw_uptake(rng: np.random.Generator, laws: UptakeLaws) -> Uptake:
    """Draw a patient's concentrations."""
    superscan = bool(rng.random() < laws.superscan)
    varied = laws.organ_spread > 0
    spread = np.exp(laws.organ_spread * rng.standard_normal(len(TISSUES)))
    relative = {
        name: float(tissue.uptake * factor) if varied or name in ("air", "lung") else 1.0
        for (name, tissue), factor in zip(TISSUES.items(), spread, strict=True)
        if name not in BONE_TISSUES
    }
    relative["soft tissue"] = 1.0
    relative["kidney"], relative["bladder"] = (
        1.0 if law is None else law.draw(rng) for law in (laws.kidney, laws.bladder)
    )
    if superscan:
        relative["kidney"] *= _SUPERSCAN_KIDNEY.draw(rng)

    def drawn(law: Law | None) -> float | None:
        return None if law is None else law.draw(rng)

    share = drawn(laws.superscan_bone_share if superscan else laws.bone_share)
    retained = laws.retained.draw(rng)
    if superscan and share is not None:
        # What bone takes up is taken from urine first, and from soft tissue less.
        retained = share + max(retained - _SUPERSCAN_FROM_SOFT, 0.1)
    return Uptake(
        relative,
        dict(laws.by_region),
        retained=retained,
        bone_share=share if laws.bone_to_soft is None else None,
        bone_to_soft=drawn(laws.bone_to_soft),
        superscan=superscan,
    )


def relative_uptake(
    phantom: Phantom, uptake: Uptake
) -> tuple[NDArray[np.float32], NDArray[np.float32], dict[str, float]]:
    """Concentrations before findings and lesions, per voxel.

    Parameters
    ----------
    phantom : Phantom
    uptake : Uptake

    Returns
    -------
    soft : float32 ndarray of shape (X, Y, Z)
        What a voxel's soft share contributes, relative to soft tissue.
    bone : float32 ndarray of shape (X, Y, Z)
        What its bony share contributes, relative to the skeleton's mean.
    normal : dict from region to float
        Concentration of each bone over the skeleton's mean.
    """
    bone = phantom.bone_fraction
    if phantom.uptake is not None:
        return phantom.uptake * (1 - bone), phantom.uptake * bone, {}
    by_region = np.array(
        [uptake.by_region.get(kind_of_bone(name), 1.0) for name in phantom.regions], np.float32
    )
    volumes = np.bincount(phantom.region.ravel(), bone.ravel(), len(by_region))
    by_region /= np.float32((by_region * volumes).sum() / volumes.sum())
    soft = phantom.mix({**uptake.relative, **dict.fromkeys(BONE_TISSUES, 0.0)})
    normal = dict(zip(phantom.regions, (float(f) for f in by_region), strict=True))
    return soft, by_region[phantom.region] * bone, normal


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
