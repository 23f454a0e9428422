"""Metal and cement: dental work, hips, the spine's screws, vertebroplasty, a sternum's wires.

Sizes are those of common makes, rounded: femoral heads of 28 to 36 mm and stems of 120 to 160 mm,
pedicle screws of 6 by 45 mm and rods of 5.5 mm, sternal wires of 1 mm.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.simulation.phantom.anatomy.levels import Level, levels
from fuzzyseg.simulation.phantom.anatomy.pelvis import HIP
from fuzzyseg.simulation.phantom.dense.dense_settings import (
    Dense,
    DenseSettings,
    Graded,
    insert,
    record,
)
from fuzzyseg.simulation.phantom.shapes.build import ball, rod, tube
from fuzzyseg.simulation.phantom.shapes.implicit import Ellipsoid, Shape, vector
from fuzzyseg.simulation.phantom.shapes.solids import HalfSpace, Solid

if TYPE_CHECKING:
    from fuzzyseg.simulation.phantom.shapes.build import Chain

# Dental arches as the skull draws them: z, half width, y of front and back.
_ARCHES = {"upper": (1587.0, 26.5, 114.0, 66.0), "lower": (1577.0, 26.0, 108.0, 62.0)}
_NECK_END = np.array([118.0, -16.0, 893.0])


def draw_implants(rng: np.random.Generator, settings: DenseSettings) -> Dense:
    """Draw what a patient carries; each kind on its own."""
    found = Dense()
    for share, draw in (
        (settings.fillings, _teeth),
        (settings.hip, _hip),
        (settings.spine, _spine),
        (settings.cement, _cement),
        (settings.wires, _wires),
    ):
        own = np.random.default_rng(rng.integers(2**32))
        if rng.random() < share:
            found += draw(own)
    return found


def _sided(right: tuple[Shape | Chain, ...], side: str) -> tuple[Shape | Chain, ...]:
    return right if side == "right" else tuple(shape.mirrored() for shape in right)


def _teeth(rng: np.random.Generator) -> Dense:
    """Draw fillings of 2 to 5 mm and crowns, mostly of the molars."""
    inserts, records = [], []
    for _ in range(rng.integers(1, 11)):
        arch = str(rng.choice(list(_ARCHES)))
        z, half, front, back = _ARCHES[arch]
        along = rng.beta(1.2, 2.5)  # 0 at the last molar, 1 between the incisors
        x = half * (1 - along**2.5) * rng.choice([-1, 1])
        y = back + (front - back) * (1 - (1 - along) ** 1.6)
        crown = rng.random() < 0.3
        tissue = "dental gold" if crown and rng.random() < 0.6 else "amalgam"
        radius = float(rng.uniform(3.5, 4.8) if crown else rng.uniform(1.2, 2.6))
        inserts.append(insert("tooth", tissue, ball((x, y, z), radius)))
        side = "right" if x > 0 else "left"
        records.append(record(tissue, f"{arch} jaw {side}", radius_mm=round(radius, 2)))
    return Dense(inserts=tuple(inserts), records=tuple(records))


def _hip(rng: np.random.Generator) -> Dense:
    side = str(rng.choice(["right", "left"]))
    if rng.random() < 0.3:
        return _nail(rng, side)
    head = float(rng.uniform(14.0, 18.0))
    tip = float(rng.uniform(735.0, 775.0))
    metal = str(rng.choice(["titanium", "cobalt chromium"]))
    mouth = np.array([0.72, 0.34, -0.60])
    cup = Solid(
        ball(HIP, 28.0),
        within=(HalfSpace(vector(HIP + 6 * mouth), vector(mouth)),),
        without=(ball(HIP, 24.0),),
    )
    stem = tube([(116, -16, 898, 9), (121, -16, 868, 8.5), (116, -13, 820, 7), (111, -5, tip, 4)])
    # The head and most of the neck are cut; the cup's polyethylene is as dense as water.
    liner = (ball(HIP, 24.5), rod(HIP, HIP + 0.7 * (_NECK_END - HIP), 20.0))
    pieces: list[tuple[str, tuple[Shape | Chain, ...]]] = [
        ("soft tissue", liner),
        ("titanium", (cup,)),
        ("cobalt chromium", (ball(HIP, head), rod(HIP, _NECK_END, 6.5))),
        (metal, (stem,)),
    ]
    inserts = tuple(insert("hip prosthesis", t, *_sided(s, side)) for t, s in pieces)
    return Dense(inserts=inserts, records=(record("hip prosthesis", f"hip {side}", stem=metal),))


def _nail(rng: np.random.Generator, side: str) -> Dense:
    shaft = tube([(124, -18, 918, 8), (119, -16, 845, 6), (112, -7, 770, 5.5), (108, -2, 700, 5.5)])
    lag = rod((138, -20, 872), HIP - 6.0 * np.array([0.9, -0.2, -0.45]), 5.2)
    shapes = _sided((shaft, lag), side)
    if rng.random() < 0.5:
        shapes += _sided((rod((122, -8, 760), (100, -6, 758), 2.4),), side)
    return Dense(
        inserts=(insert("hip nail", "titanium", *shapes),),
        records=(record("hip nail", f"femur {side}"),),
    )


def _spine(rng: np.random.Generator) -> Dense:
    """Pedicle screws on both sides of 2 to 4 vertebrae, and the rods that join them."""
    names = [name for name in levels() if name[0] in "LT"]
    count = int(rng.integers(2, 5))
    first = int(rng.choice([0, 1, 2, 3, 5, 7], p=[0.3, 0.3, 0.15, 0.1, 0.1, 0.05]))
    chosen = [levels()[name] for name in names[first : first + count]]
    metal = "titanium" if rng.random() < 0.85 else "cobalt chromium"
    shapes: list[Shape] = []
    for sign in (-1.0, 1.0):
        heads = []
        for v in chosen:
            entry, end = _screw(v, sign)
            heads.append(entry)
            shapes += [rod(entry, end, 3.1, 2.7), ball(entry, 6.0)]
        low, high = heads[0], heads[-1]
        over = 8.0 * (high - low) / np.linalg.norm(high - low)
        nodes = [low - over, *heads[1:-1], high + over]
        shapes += [rod(a, b, 2.8) for a, b in itertools.pairwise(nodes)]
    place = f"{chosen[-1].name} to {chosen[0].name}"
    return Dense(
        inserts=(insert("spinal fixation", metal, *shapes),),
        records=(record("spinal fixation", place, metal=metal),),
    )


def _screw(v: Level, sign: float) -> tuple[np.ndarray, np.ndarray]:
    """Where a pedicle screw enters behind the facet, and its tip in the body."""
    wide, lift = (13.0, 0.18) if v.name[0] == "L" else (10.5, 0.22)
    entry = v.at(sign * (wide + 6), -v.depth / 2 - 27.0, lift * v.height)
    return entry, v.at(sign * (wide - 5), v.depth * 0.15, 0.6 * lift * v.height)


def _cement(rng: np.random.Generator) -> Dense:
    inserts: list[Graded] = []
    records = []
    names = [n for n in levels() if n[0] == "L" or n in ("T12", "T11", "T10", "T9", "T8")]
    for name in rng.choice(names, size=rng.integers(1, 4), replace=False):
        v = levels()[str(name)]
        blobs = []
        for _ in range(rng.integers(2, 5)):
            radii = rng.uniform(3.0, 9.0, 3) * np.array([1.0, 1.0, 0.8])
            middle = v.at(*(rng.uniform(-0.28, 0.28, 3) * (v.breadth, v.depth, v.height)))
            blobs.append(Ellipsoid(vector(middle), vector(np.minimum(radii, 0.35 * v.height))))
        inserts.append(insert("cement", "bone cement", *blobs))
        records.append(record("bone cement", str(name)))
    return Dense(inserts=tuple(inserts), records=tuple(records))


def _wires(rng: np.random.Generator) -> Dense:
    """Steel's attenuation is close to that of cobalt chromium."""
    loops: list[Shape] = []
    for z, y in ((1440.0, 45.0), (1419.0, 55.0), (1395.0, 66.0), (1370.0, 76.0), (1345.0, 84.0)):
        lean = float(rng.uniform(-3, 3))
        front, back = (-16.0, y + 8.5, z), (16.0, y + 8.5, z + lean)
        loops += [
            rod(front, back, 0.7),
            ball((float(rng.uniform(-5, 5)), y + 9.5, z), 2.0),
            rod((-16.0, y - 6.5, z), (16.0, y - 6.5, z + lean), 0.7),
        ]
    return Dense(
        inserts=(insert("wires", "cobalt chromium", *loops),),
        records=(record("sternal wires", "sternum"),),
    )
