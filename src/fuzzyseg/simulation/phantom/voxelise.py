"""From shapes to tissue fractions on a grid.

Every sample p of the patient is carried to the reference anatomy: p + u(p), the fold-free
deformation, then the patient's size. There the parts' signed distances are taken. A sample of
width h has the share clip(1/2 - d/h, 0, 1) of a part, so a cortex thinner than a voxel keeps its
volume, and several samples a voxel average the rest.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fuzzyseg.simulation.phantom.dense.dense_settings import NO_DENSE, Dense
from fuzzyseg.simulation.phantom.model import BONE_TISSUES, INNER_BONE, Phantom
from fuzzyseg.simulation.phantom.shapes.build import Chain, Part
from fuzzyseg.simulation.phantom.shapes.deformation import Deformation, sample_points
from fuzzyseg.simulation.phantom.shapes.implicit import Array, Shape
from fuzzyseg.simulation.phantom.shapes.solids import smooth_minimum
from fuzzyseg.simulation.phantom.tissues import TISSUES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fuzzyseg.simulation.phantom.anatomy.habitus import Body
    from fuzzyseg.simulation.phantom.grid import Grid

# Width of a sample: shells thinner than this are still drawn by their share.
SAMPLE_MM = 2.5
# Samples handled at a time, which bounds the memory (about 25 bytes each).
_SLAB_SAMPLES = 4_000_000
_FAR = np.float32(1e3)
Box = tuple[slice, slice, slice]


def voxelise(
    bones: Sequence[Part],
    soft: Sequence[Part],
    grid: Grid,
    body: Body,
    deformation: Deformation,
    *,
    sample_mm: float = SAMPLE_MM,
    dense: Dense = NO_DENSE,
) -> Phantom:
    """Draw parts on a grid.

    Parameters
    ----------
    bones, soft : sequence of Part
        In reference coordinates; later soft parts replace earlier ones, and bone replaces all.
    grid : Grid
        Of the patient.
    body : Body
    deformation : Deformation
    sample_mm : float, default 2.5
        Voxels are divided into samples of at most this width.
    dense : Dense, optional
        Density of the bones, and dense things in and beside them.

    Returns
    -------
    Phantom
    """
    factor = max(1, math.ceil(max(grid.spacing_mm) / sample_mm - 1e-6))
    bones = dense.bones(bones)
    changes, inserts = [c.part for c in dense.changes], [i.part for i in dense.inserts]
    used = {"air", *BONE_TISSUES, *(part.tissue for part in (*soft, *inserts))}
    tissues = tuple(name for name in TISSUES if name in used)
    fractions = np.zeros((len(tissues), *grid.shape), np.float16)
    region = np.zeros(grid.shape, np.uint8)
    everything = (*soft, *bones, *changes, *inserts)
    placed = iter(_place(everything, body, deformation, max(grid.spacing_mm) / factor))
    placed_soft, placed_bones, placed_changes, placed_inserts = (
        [next(placed) for _ in group] for group in (soft, bones, changes, inserts)
    )
    names = ("", *dict.fromkeys(part.name for part in bones))
    fatty = np.array([dense.fatty_share(name) for name in names], np.float32)
    thick = max(1, _SLAB_SAMPLES // (grid.shape[0] * grid.shape[1] * factor**3))
    for start in range(0, grid.shape[2], thick):
        stop = min(start + thick, grid.shape[2])
        slab = _Slab(grid, body, deformation, factor, start, stop, tissues)
        slab.paint(placed_soft)
        region[:, :, start:stop] = slab.paint_bones(placed_bones, names)
        slab.thin(fatty[region[:, :, start:stop]])
        slab.change(placed_changes, [c.strength for c in dense.changes])
        slab.paint(placed_inserts, [i.strength for i in dense.inserts])
        fractions[..., start:stop] = slab.fractions
    return Phantom(fractions, tissues, region, names, grid, contrast_hu=dense.contrast_hu)


Reach = tuple[NDArray[np.float64], NDArray[np.float64]]
# A part with its chains, each a list of shapes and their boxes.
Placed = tuple[Part, list[list[tuple[Shape, Reach]]]]


def _place(
    parts: Sequence[Part], body: Body, deformation: Deformation, margin_mm: float
) -> list[Placed]:
    """Find each shape's box of the patient, in mm, outside which it has no say."""
    chains = [[s.shapes if isinstance(s, Chain) else (s,) for s in p.shapes] for p in parts]
    boxes = [
        body.box_to_patient(
            shape.bounds[0] - part.blend_mm - margin_mm, shape.bounds[1] + part.blend_mm + margin_mm
        )
        for part, own in zip(parts, chains, strict=True)
        for chain in own
        for shape in chain
    ]
    low, high = (np.array(corner) for corner in zip(*boxes, strict=True))
    middle, half = (low + high) / 2, (high - low) / 2
    # The boxes' middles are carried back exactly; their edges stray by at most the slope times
    # the half diagonal, and never further than the largest displacement from where they were.
    middle = deformation.inverse(middle)
    diagonal = np.linalg.norm(half, axis=1)
    slope = 2.4 * deformation.bend_mm / deformation.spacing_mm
    stray = np.minimum(slope * diagonal, 2.2 * deformation.bend_mm) + deformation.turn * diagonal
    half += stray[:, None]
    reaches = iter(zip(middle - half, middle + half, strict=True))
    return [
        (part, [[(shape, next(reaches)) for shape in chain] for chain in own])
        for part, own in zip(parts, chains, strict=True)
    ]


class _Slab:
    """A stack of slices being painted."""

    def __init__(
        self,
        grid: Grid,
        body: Body,
        deformation: Deformation,
        factor: int,
        start: int,
        stop: int,
        tissues: tuple[str, ...],
    ) -> None:
        self.factor = factor
        self.shape = (grid.shape[0], grid.shape[1], stop - start)
        self.axes = [grid.axis(i, factor) for i in range(3)]
        self.axes[2] = self.axes[2][start * factor : stop * factor]
        self.step = [grid.spacing_mm[i] / factor for i in range(3)]
        self.width = np.float32(np.mean(self.step) / body.scale)
        self.points = body.to_reference(*sample_points(self.axes, deformation))
        self.tissues = {name: i for i, name in enumerate(tissues)}
        self.fractions = np.zeros((len(self.tissues), *self.shape), np.float32)
        self.fractions[self.tissues["air"]] = 1.0

    def box(self, reach: Reach) -> Box | None:
        """Find the samples in a box of the patient, to whole voxels; None if there are none."""
        slices = []
        for i in range(3):
            first = self.axes[i][0]
            low = math.floor((reach[0][i] - first) / self.step[i] / self.factor) * self.factor
            high = (math.ceil((reach[1][i] - first) / self.step[i] / self.factor) + 1) * self.factor
            low, high = max(low, 0), min(high, len(self.axes[i]))
            if low >= high:
                return None
            slices.append(slice(low, high))
        return slices[0], slices[1], slices[2]

    def distance(
        self, part: Part, chains: list[list[tuple[Shape, Reach]]]
    ) -> tuple[Box, Array] | None:
        """Signed distance to a part over the box that holds it here, +1000 mm far from it."""
        boxed = [[(shape, self.box(reach)) for shape, reach in chain] for chain in chains]
        whole = _around([box for chain in boxed for _, box in chain])
        if whole is None:
            return None
        d = np.full(_sizes(whole), _FAR, np.float32)
        for chain in boxed:
            box = _around([b for _, b in chain])
            if box is None:
                continue
            near = np.full(_sizes(box), _FAR, np.float32)
            for shape, own in chain:
                if own is not None:
                    x, y, z = self.points
                    local = near[_within(own, box)]
                    np.minimum(local, shape.distance((x[own], y[own], z[own])), out=local)
            local = d[_within(box, whole)]
            local[...] = smooth_minimum(local, near, part.blend_mm)
        return whole, d

    def share(self, d: Array) -> Array:
        """Part of each sample that lies inside."""
        return np.asarray(np.clip(0.5 - d / self.width, 0, 1), dtype=np.float32)

    def mean(self, fine: Array) -> Array:
        """Average of samples over voxels."""
        f = self.factor
        if f == 1:
            return fine
        x, y, z = (n // f for n in fine.shape)
        return np.asarray(fine.reshape(x, f, y, f, z, f).mean(axis=(1, 3, 5), dtype=np.float32))

    def coarse(self, box: Box) -> Box:
        x, y, z = (slice(s.start // self.factor, s.stop // self.factor) for s in box)
        return x, y, z

    def lay(self, tissue: str, box: Box, share: Array) -> None:
        """Replace what is there by this share of a tissue."""
        target = self.fractions[(slice(None), *box)]
        target *= 1 - share
        target[self.tissues[tissue]] += share

    def paint(self, parts: list[Placed], strengths: Sequence[float] | None = None) -> None:
        """Lay parts over what is there, each in its strength (default 1)."""
        for (part, chains), strength in zip(parts, strengths or [1.0] * len(parts), strict=True):
            found = self.distance(part, chains)
            if found is not None:
                box, d = found
                share = self.mean(self.share(d)) * np.float32(strength)
                self.lay(part.tissue, self.coarse(box), share)

    def move(self, source: str, target: str, box: Box, share: Array) -> None:
        """Turn a share of one tissue into another."""
        old = self.fractions[(self.tissues[source], *box)]
        self.fractions[(self.tissues[target], *box)] += old * share
        old *= 1 - share

    def thin(self, share: Array) -> None:
        """Turn spongiosa into fatty marrow, or into denser bone where the share is below 0."""
        whole = (slice(None), slice(None), slice(None))
        self.move("spongiosa", "marrow", whole, np.clip(share, 0, 1))
        if share.min(initial=0.0) < 0:
            self.move("spongiosa", "cortical bone", whole, np.clip(-share, 0, 1))

    def change(self, parts: list[Placed], strengths: Sequence[float]) -> None:
        """Turn the other tissues of bone within the parts into the part's own."""
        for (part, chains), strength in zip(parts, strengths, strict=True):
            found = self.distance(part, chains)
            if found is not None:
                box, d = found
                share = self.mean(self.share(d)) * np.float32(strength)
                for source in INNER_BONE:
                    if source != part.tissue:
                        self.move(source, part.tissue, self.coarse(box), share)

    def paint_bones(self, parts: list[Placed], names: tuple[str, ...]) -> NDArray[np.uint8]:
        """Paint cortex and spongiosa; return the region (X, Y, Z) that fills most of a voxel."""
        shape = self.points[0].shape
        nearest = np.full(shape, _FAR, np.float32)
        cortex = np.zeros(shape, np.float32)
        best = np.zeros(self.shape, np.float32)
        region = np.zeros(self.shape, np.uint8)
        for part, chains in parts:
            found = self.distance(part, chains)
            if found is None:
                continue
            box, d = found
            closer = d < nearest[box]
            nearest[box] = np.where(closer, d, nearest[box])
            cortex[box] = np.where(closer, np.float32(part.cortex_mm), cortex[box])
            filled = self.mean(self.share(d))
            at = self.coarse(box)
            wins = filled > best[at]
            best[at] = np.where(wins, filled, best[at])
            region[at] = np.where(wins, np.uint8(names.index(part.name)), region[at])
        whole = (slice(None), slice(None), slice(None))
        bone = self.mean(self.share(nearest))
        marrow = np.minimum(self.mean(self.share(nearest + cortex)), bone)
        self.lay("cortical bone", whole, bone)
        dense = self.fractions[self.tissues["cortical bone"]]
        np.subtract(dense, marrow, out=dense)
        self.fractions[self.tissues["spongiosa"]] += marrow
        return region


def _around(boxes: Sequence[Box | None]) -> Box | None:
    """Smallest box that holds those which are not None."""
    found = [b for b in boxes if b is not None]
    if not found:
        return None
    x, y, z = (
        slice(min(b[i].start for b in found), max(b[i].stop for b in found)) for i in range(3)
    )
    return x, y, z


def _sizes(box: Box) -> tuple[int, int, int]:
    x, y, z = (s.stop - s.start for s in box)
    return x, y, z


def _within(box: Box, outer: Box) -> Box:
    """Count a box from the corner of one that holds it."""
    x, y, z = (slice(s.start - o.start, s.stop - o.start) for s, o in zip(box, outer, strict=True))
    return x, y, z
