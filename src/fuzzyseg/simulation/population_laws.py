"""What a population is made of: laws of lesions, of normal uptake, and of benign findings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from fuzzyseg.simulation.phantom.ct.ct_settings import CT, CTSettings
from fuzzyseg.simulation.phantom.dense.dense_settings import DENSE, DenseSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fuzzyseg.simulation.laws import Law

AttenuationSource = Literal["ct", "true"]
Kind = Literal["sclerotic", "isodense", "mixed", "lytic"]


@dataclass(frozen=True)
class Density:
    """How a kind of lesion looks in CT.

    Parameters
    ----------
    share : float
        Of lesions that are of this kind.
    hu : Law, optional
        HU of the tissue that takes the marrow's place; None where CT shows nothing.
    """

    share: float
    hu: Law | None = None


@dataclass(frozen=True)
class LesionLaws:
    """Metastases: how many, how large, where, how bright, how dense.

    Parameters
    ----------
    none_share : float
        Of patients without any.
    mean_count : float
        In the others: 1 + a geometric number of mean `mean_count` - 1, at most 40.
    diameter_mm : Law
    to_bone : Law
        Concentration over the mean of the patient's normal bone.
    over_region : float
        Least concentration over that of the bone it lies in: below, it is not seen as a lesion.
    kinds : mapping from kind to Density
    ct_extent : Law
        Extent of what CT shows over the extent of the uptake, along each axis.
    whole_bone : bool
        Whether density replaces cortex too, and not the marrow alone.
    many, few : mapping from kind of bone to per cent
        Where lesions lie in patients with more than five, and with five or fewer.
    rib_with_vertebra : float
        Share of patients with lesions in ribs who also have one in a vertebra.
    """

    none_share: float
    mean_count: float
    diameter_mm: Law
    to_bone: Law
    over_region: float
    kinds: Mapping[Kind, Density]
    ct_extent: Law
    many: Mapping[str, float]
    few: Mapping[str, float]
    whole_bone: bool = False
    rib_with_vertebra: float = 0.988


@dataclass(frozen=True)
class UptakeLaws:
    """Normal concentrations.

    Parameters
    ----------
    bone_share : Law, optional
        Of the injected tracer that the whole skeleton holds at the scan; None where
        `bone_to_soft` says it.
    bone_to_soft : Law, optional
        Concentration of bone over that of soft tissue.
    retained : Law
        Share of the injected tracer in the body, outside the bladder.
    by_region : mapping from kind of bone to float
        Concentrations relative to each other; 1 where a bone is not named.
    kidney, bladder : Law, optional
        Over soft tissue; None for soft tissue's own.
    organ_spread : float
        Standard deviation, in logarithms, of other organs between patients; with 0 every
        soft organ but the lung is as soft tissue.
    superscan : float
        Share of patients whose skeleton is diffusely raised, with faint kidneys.
    superscan_bone_share : Law, optional
        Their `bone_share`.
    """

    retained: Law
    bone_share: Law | None = None
    bone_to_soft: Law | None = None
    by_region: Mapping[str, float] = field(default_factory=dict)
    kidney: Law | None = None
    bladder: Law | None = None
    organ_spread: float = 0.0
    superscan: float = 0.0
    superscan_bone_share: Law | None = None


@dataclass(frozen=True)
class Chance:
    """How often a benign finding is there, on each side or level, and how bright.

    Parameters
    ----------
    probability : float
    gain : Law
        Factor on the bone's, kidney's or bladder's own uptake; for uptake in soft tissue, the
        concentration over soft tissue's.
    sclerosis : (float, float)
        Range of the share of marrow that became as dense as cortex.
    degenerative : bool
        Whether it is commoner in patients with much wear: in one patient all such
        probabilities are scaled by the same draw.
    """

    probability: float
    gain: Law
    sclerosis: tuple[float, float] = (0.0, 0.0)
    degenerative: bool = False


@dataclass(frozen=True)
class Population:
    """All that is drawn about disease and uptake.

    Parameters
    ----------
    name : str
    about : str
        One line for people.
    lesions : LesionLaws
    uptake : UptakeLaws
    findings : mapping from name to Chance
        Uptake that is no lesion; names as in `phantom.disease.findings`.
    dense : DenseSettings
        Density of bone, and dense things that are no lesion; of the parametric body alone.
    ct : CTSettings
        How good the CT is.
    attenuation : {"ct", "true"}
        What a reconstruction takes for the attenuation: what follows from the CT, as on a
        scanner, or the truth.
    wear : (float, float)
        Range of the factor on the probability of degenerative findings.
    anatomy : int, optional
        Every patient is a deformation of the one body that this number gives; None draws a body
        for each. A phantom from a file takes its place.
    """

    name: str
    about: str
    lesions: LesionLaws
    uptake: UptakeLaws
    findings: Mapping[str, Chance] = field(default_factory=dict)
    dense: DenseSettings = DENSE
    ct: CTSettings = CT
    attenuation: AttenuationSource = "ct"
    wear: tuple[float, float] = (0.3, 1.7)
    anatomy: int | None = None
