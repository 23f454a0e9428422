"""Dense things that are no lesion, and how dense a patient's bone is: settings and what is drawn.

Density must not give a lesion away. So bone varies with age, wear and chance, and metal, mineral
and contrast agent lie in and beside it with normal uptake or none.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fuzzyseg.simulation.phantom.shapes.build import Part

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class DenseSettings:
    """How often and how much; shares of patients unless said.

    Parameters
    ----------
    varied : bool
        Whether density and cortex vary at all; False leaves them as in the reference.
    age_years : (mean, sd)
        Of the patients, between 35 and 90.
    lumbar_hu_at_27 : float
        Mean trabecular CT number of L1 at 27 years; it falls by `lumbar_hu_per_year`.
    lumbar_hu_per_year, lumbar_hu_sd : float
        226 HU below 30 years, less 2.5 HU a year, SD 40 HU: Jang et al., Radiology
        2019;291:360-367, 20,374 adults.
    cortex : (low, high)
        Thickness of the cortex over the reference's at 27 years.
    cortex_per_year : float
        What the cortex loses of it each year.
    fillings : float
        At least one tooth filled or crowned with metal.
    hip, spine, cement, wires : float
        A hip prosthesis or nail, screws and rods in the spine, vertebroplasty, wires of an
        opened sternum.
    sclerosis, osteophytes, islands : float
        Degenerative sclerosis, bony spurs, bone islands.
    vessels : (float, float)
        Calcified arteries at 45 and at 80 years.
    cartilage : (float, float)
        Calcified costal cartilage at 35 and at 80 years.
    phleboliths : float
    contrast, oral : float
        Contrast agent in the blood; in the bowel.

    Notes
    -----
    Only the decline of density is from a publication. The shares are ours: common enough that a
    network sees each of them, whatever their prevalence in a clinic.
    """

    varied: bool = True
    age_years: tuple[float, float] = (66.0, 10.0)
    lumbar_hu_at_27: float = 226.0
    lumbar_hu_per_year: float = 2.5
    lumbar_hu_sd: float = 40.0
    cortex: tuple[float, float] = (0.85, 1.15)
    cortex_per_year: float = 0.005
    fillings: float = 0.6
    hip: float = 0.12
    spine: float = 0.1
    cement: float = 0.06
    wires: float = 0.06
    sclerosis: float = 0.6
    osteophytes: float = 0.6
    islands: float = 0.35
    vessels: tuple[float, float] = (0.3, 0.95)
    cartilage: tuple[float, float] = (0.2, 0.9)
    phleboliths: float = 0.3
    contrast: float = 0.3
    oral: float = 0.12


DENSE = DenseSettings()
# Bone as in the reference tables, and nothing beside it.
NO_DENSE_SETTINGS = DenseSettings(
    varied=False, fillings=0.0, hip=0.0, spine=0.0, cement=0.0, wires=0.0, sclerosis=0.0,
    osteophytes=0.0, islands=0.0, vessels=(0.0, 0.0), cartilage=(0.0, 0.0), phleboliths=0.0,
    contrast=0.0, oral=0.0,
)  # fmt: skip


@dataclass(frozen=True)
class Graded:
    """A part and in what strength, 0 to 1, its tissue takes the place of what is there."""

    part: Part
    strength: float = 1.0


@dataclass(frozen=True)
class Dense:
    """What was drawn for one patient, in reference coordinates.

    Parameters
    ----------
    spurs : tuple of Part
        Bone added to bones.
    changes : tuple of Graded
        Where the bone's own tissue becomes denser or fattier; nothing outside bone changes.
    inserts : tuple of Graded
        Metal, mineral and contrast agent, which replace whatever is there.
    fatty : mapping from kind of bone to float
        Share of spongiosa that is fatty marrow; below 0, share that is cortical instead.
    cortex : float
        Thickness of every cortex over the reference's.
    contrast_hu : mapping from tissue to float
        What contrast agent adds to the CT.
    records : tuple of dict
        Kind and place of each item, for the patient's record.
    """

    spurs: tuple[Part, ...] = ()
    changes: tuple[Graded, ...] = ()
    inserts: tuple[Graded, ...] = ()
    fatty: Mapping[str, float] = field(default_factory=dict)
    cortex: float = 1.0
    contrast_hu: Mapping[str, float] = field(default_factory=dict)
    records: tuple[dict[str, Any], ...] = ()

    def bones(self, bones: Sequence[Part]) -> tuple[Part, ...]:
        """Bones with this patient's cortex, and the spurs."""
        drawn = (*bones, *self.spurs)
        return tuple(replace(part, cortex_mm=part.cortex_mm * self.cortex) for part in drawn)

    def fatty_share(self, region: str) -> float:
        """Look up a bone, such as "L3" or "hip left", by its kind."""
        kind = region.split(maxsplit=1)[0].rstrip("0123456789") if region else ""
        return float(self.fatty.get(kind, 0.0))

    def __add__(self, other: Dense) -> Dense:
        """Both; the density of bone is the first one's."""
        return Dense(
            self.spurs + other.spurs,
            self.changes + other.changes,
            self.inserts + other.inserts,
            self.fatty or other.fatty,
            self.cortex if self.fatty else other.cortex,
            {**self.contrast_hu, **other.contrast_hu},
            self.records + other.records,
        )


NO_DENSE = Dense()


def insert(name: str, tissue: str, *shapes: Any, strength: float = 1.0) -> Graded:
    """Return a part that takes the place of what is there."""
    return Graded(Part(name, shapes, tissue=tissue, blend_mm=0.5), strength)


def record(kind: str, place: str, **more: Any) -> dict[str, Any]:
    """Describe an item for patient.json."""
    return {"kind": kind, "place": place, **more}
