"""Bone metastases: how many, where, how large, what shape, and what they do to the images."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.simulation.phantom.disease.lesion_sites import (
    candidates_of,
    draw_regions,
    site_weights,
)
from fuzzyseg.simulation.phantom.shapes.lump import draw_lump, filled
from fuzzyseg.simulation.phantom.tissues import TISSUES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fuzzyseg.simulation.phantom.model import Phantom
    from fuzzyseg.simulation.population_laws import Kind, LesionLaws

    Box = tuple[slice, slice, slice]

MOST_LESIONS = 40
FEW_LESIONS = 5
DIAMETER_MM = (5.0, 40.0)
_TRIES = 8  # of a voxel in a chosen bone, before another bone is taken
_CORE = 0.6  # radius of a mixed lesion's core over its own


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
    kind : {"sclerotic", "isodense", "mixed", "lytic"}
    hu : float or None
        Of the tissue that took the marrow's place; None where CT shows nothing.
    ct_extent : float
        Extent of what CT shows over that of the uptake.
    volume_ml : float
        Within bone, partial voxels included.
    voxels : int
        Labelled.
    turned : bool
        Whether a mixed lesion is sclerotic inside.
    shape : mapping
        State of the generator that its shape was drawn with: what paints it again.
    """

    region: str
    centre_mm: tuple[float, float, float]
    diameter_mm: float
    to_bone: float
    kind: Kind
    hu: float | None
    ct_extent: float
    volume_ml: float
    voxels: int
    turned: bool = field(default=False, repr=False)
    shape: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def as_dict(self) -> dict[str, Any]:
        """For the patient's record."""
        found = asdict(replace(self, shape={}))
        del found["turned"], found["shape"]
        return found


def _fatty_as() -> tuple[np.float32, np.float32]:
    """Shares of cortex and spongiosa that attenuate as fatty marrow does, in SPECT and CT."""
    names = ("cortical bone", "spongiosa", "marrow")
    mu, ratio = zip(
        *((TISSUES[n].attenuation, 1 + TISSUES[n].hu / 1000) for n in names), strict=True
    )
    a, b = np.linalg.solve([mu[:2], ratio[:2]], [mu[2], ratio[2]])
    return np.float32(a), np.float32(b)


FATTY_AS = _fatty_as()


@dataclass(frozen=True, eq=False)
class LesionMaps:
    """What the lesions fill and change, each (X, Y, Z).

    `share` is theirs of each voxel and `uptake` that share times the concentration over bone's.
    `cortical` and `spongiosa` are what they add to the shares of these two tissues, below 0 where
    they take away: a lesion's density is a mixture of the two, beyond them where it is denser
    than cortex or less dense than marrow.
    """

    share: NDArray[np.float32]
    uptake: NDArray[np.float32]
    cortical: NDArray[np.float32]
    spongiosa: NDArray[np.float32]
    labels: NDArray[np.bool_]

    @classmethod
    def empty(cls, shape: tuple[int, ...]) -> LesionMaps:
        """Return maps without a lesion."""
        share, uptake, cortical, spongiosa = (np.zeros(shape, np.float32) for _ in range(4))
        return cls(share, uptake, cortical, spongiosa, np.zeros(shape, bool))


def draw_count(rng: np.random.Generator, laws: LesionLaws) -> int:
    """None in `none_share` of patients, otherwise a skewed count, at most 40."""
    if rng.random() < laws.none_share:
        return 0
    return int(min(1 + rng.negative_binomial(1.0, 1 / laws.mean_count), MOST_LESIONS))


def draw_kind(rng: np.random.Generator, laws: LesionLaws) -> tuple[Kind, float | None]:
    """Draw what CT shows of a lesion, and the HU of its tissue if anything."""
    kinds = list(laws.kinds)
    shares = np.array([laws.kinds[k].share for k in kinds])
    kind = kinds[int(rng.choice(len(kinds), p=shares / shares.sum()))]
    law = laws.kinds[kind].hu
    return kind, None if law is None else law.draw(rng)


def draw_lesions(
    rng: np.random.Generator,
    phantom: Phantom,
    count: int,
    laws: LesionLaws,
    normal: Mapping[str, float] | None = None,
) -> tuple[list[Lesion], LesionMaps]:
    """Draw `count` lesions inside the phantom's bone; they do not touch each other's voxels.

    Parameters
    ----------
    rng : Generator
    phantom : Phantom
    count : int
    laws : LesionLaws
    normal : mapping from region to float, optional
        Normal concentration of each bone over the skeleton's mean; 1 where it is not given.

    Returns
    -------
    lesions : list of Lesion
        Fewer than asked for where a small field leaves no room.
    maps : LesionMaps
    """
    canvas = Canvas.of(phantom, laws, normal)
    return canvas.draw(rng, count), canvas.maps


@dataclass(frozen=True, eq=False)
class Canvas:
    """What lesions are painted on."""

    phantom: Phantom
    bone: NDArray[np.float32]
    maps: LesionMaps
    laws: LesionLaws
    normal: Mapping[str, float]
    changed: NDArray[np.float32]  # share of each voxel whose density a lesion has changed

    @classmethod
    def of(
        cls, phantom: Phantom, laws: LesionLaws, normal: Mapping[str, float] | None = None
    ) -> Canvas:
        """Return a canvas without a lesion; parameters as of `draw_lesions`."""
        bone = np.minimum(phantom.bone_fraction, 1)
        maps = LesionMaps.empty(phantom.grid.shape)
        return cls(phantom, bone, maps, laws, normal or {}, np.zeros_like(bone))

    def draw(self, rng: np.random.Generator, count: int) -> list[Lesion]:
        """Draw and paint `count` lesions, or fewer where a small field leaves no room."""
        laws, regions = self.laws, self.phantom.regions
        candidates = candidates_of(self.phantom, self.bone)
        weights = site_weights(regions, candidates, laws.many if count > FEW_LESIONS else laws.few)
        lesions: list[Lesion] = []
        places = draw_regions(rng, regions, weights, count, laws.rib_with_vertebra)
        for _ in range(4):
            for region in places:
                for _ in range(_TRIES):
                    voxel = candidates[region][rng.integers(len(candidates[region]))]
                    lesion = self._place(rng, region, voxel)
                    if lesion is not None:
                        lesions.append(lesion)
                        break
            # Bones without room: others in their place.
            missing = count - len(lesions)
            if not missing:
                break
            places = [int(r) for r in rng.choice(len(weights), missing, p=weights)]
        return lesions

    def again(self, lesion: Lesion) -> Lesion | None:
        """Paint a lesion that was drawn before, as its fields say now; None if it has no room."""
        rng = np.random.default_rng()
        rng.bit_generator.state = dict(lesion.shape)
        return self._paint(rng, lesion, np.array(lesion.centre_mm))

    def least_to_bone(self, region: str) -> float:
        """Concentration over the skeleton's mean below which it would not be seen as a lesion."""
        return self.laws.over_region * self.normal.get(region, 1.0)

    def _place(
        self, rng: np.random.Generator, region: int, voxel: NDArray[np.intp]
    ) -> Lesion | None:
        """Draw a lesion around a voxel and paint it; None if there is no room."""
        grid, laws = self.phantom.grid, self.laws
        name = self.phantom.regions[region]
        diameter = laws.diameter_mm.draw(rng)
        to_bone = self._to_bone(rng, name)
        kind, hu = draw_kind(rng, laws)
        extent = laws.ct_extent.draw(rng)
        turned = bool(rng.random() < 0.5)
        step = np.array(grid.spacing_mm)
        centre = grid.origin_mm + step * (voxel + rng.uniform(-0.5, 0.5, 3))
        x, y, z = (round(float(c), 2) for c in centre)
        state = rng.bit_generator.state
        lesion = Lesion(name, (x, y, z), diameter, to_bone, kind, hu, extent, 0.0, 0, turned, state)
        return self._paint(rng, lesion, centre)

    def _paint(
        self, rng: np.random.Generator, lesion: Lesion, centre: NDArray[np.float64]
    ) -> Lesion | None:
        """Paint a lesion whose shape is drawn now; None if there is no room."""
        grid, maps = self.phantom.grid, self.maps
        region = self.phantom.regions.index(lesion.region)
        box, depth = draw_lump(rng, grid, centre, lesion.diameter_mm)
        # A lesion must not run over into the bone next door, such as from rib to rib.
        inside = self.bone[box] * (self.phantom.region[box] == region)
        left = np.maximum(self.bone[box] - maps.share[box], 0)
        share = np.minimum(filled(depth, 1.0, box) * inside, left)
        label = (share >= 0.5) & ~maps.labels[box]
        if not label.any():
            # Smaller than a voxel: the voxel that holds most of it, if it can be marked.
            best = np.unravel_index(np.argmax(share * ~maps.labels[box]), share.shape)
            if share[best] < 0.15 or maps.labels[box][best] or self.bone[box][best] < 0.5:
                return None
            label[best] = True
        maps.share[box] += share
        maps.uptake[box] += share * np.float32(lesion.to_bone)
        maps.labels[box] |= label
        if lesion.hu is not None:
            own = self.phantom.region[box] == region
            whole, core = (filled(depth, lesion.ct_extent * p, box) * own for p in (1.0, _CORE))
            self._densify(box, lesion.kind, lesion.hu, whole, core, lesion.turned, rng)
        volume = float(share.sum(dtype=np.float64)) * grid.voxel_ml
        return replace(lesion, volume_ml=volume, voxels=int(label.sum()))

    def _to_bone(self, rng: np.random.Generator, region: str) -> float:
        """Concentration over the skeleton's mean, above what is normal here."""
        least = self.least_to_bone(region)
        for _ in range(100):
            drawn = self.laws.to_bone.draw(rng)
            if drawn >= least:
                return drawn
        return least

    def _densify(
        self,
        box: Box,
        kind: Kind,
        hu: float,
        whole: NDArray[np.float32],
        core: NDArray[np.float32],
        turned: bool,
        rng: np.random.Generator,
    ) -> None:
        """Change the bone's composition: marrow turns sclerotic, lysis takes the cortex too."""
        if kind == "mixed":
            lysis = self.laws.kinds["lytic"].hu if "lytic" in self.laws.kinds else None
            low = 80.0 if lysis is None else lysis.draw(rng)
            rim = whole - np.minimum(core, whole)
            sclerotic, lytic = (core, rim) if turned else (rim, core)
            self._replace(box, sclerotic, hu, marrow_only=True)
            self._replace(box, lytic, low, marrow_only=False)
        else:
            only = kind == "sclerotic" and not self.laws.whole_bone
            self._replace(box, whole, hu, marrow_only=only)

    def _replace(
        self, box: Box, share: NDArray[np.float32], hu: float, *, marrow_only: bool
    ) -> None:
        share = np.minimum(share, 1 - self.changed[box])
        self.changed[box] += share
        hard, soft = TISSUES["cortical bone"].hu, TISSUES["spongiosa"].hu
        dense = np.float32((hu - soft) / (hard - soft))
        marrow = share * self.phantom.fraction_in("spongiosa", box)
        fatty = share * self.phantom.fraction_in("marrow", box)
        cortex = share * self.phantom.fraction_in("cortical bone", box)
        if marrow_only:
            cortex = np.zeros_like(cortex)
        new = marrow + fatty + cortex
        as_cortex, as_spongiosa = FATTY_AS
        self.maps.cortical[box] += dense * new - cortex - as_cortex * fatty
        self.maps.spongiosa[box] += (1 - dense) * new - marrow - as_spongiosa * fatty
