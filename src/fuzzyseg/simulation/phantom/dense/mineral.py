"""Calcified arteries, cartilage and pelvic veins: as dense as bone, and none."""

from __future__ import annotations

import numpy as np

from fuzzyseg.simulation.phantom.anatomy.thorax import cartilages
from fuzzyseg.simulation.phantom.anatomy.vessels import arteries, spots_on_wall
from fuzzyseg.simulation.phantom.dense.dense_settings import Dense, DenseSettings, insert, record
from fuzzyseg.simulation.phantom.shapes.build import Chain, ball
from fuzzyseg.simulation.phantom.shapes.implicit import Ellipsoid, Segment, Shape, vector

# Plaques of an artery at middling severity.
_PLAQUES = {
    "aorta": 8.0, "iliac": 6.0, "arch": 3.0, "coronary": 3.0, "carotid": 1.5, "femoral": 3.0,
}  # fmt: skip


def draw_mineral(rng: np.random.Generator, age: float, settings: DenseSettings) -> Dense:
    """Draw them; arteries and cartilage calcify with age."""
    found = Dense()
    chances = (
        float(np.interp(age, (45, 80), settings.vessels)),
        float(np.interp(age, (35, 80), settings.cartilage)),
        settings.phleboliths,
    )
    for share, draw in zip(chances, (_arteries, _cartilage, _phleboliths), strict=True):
        own = np.random.default_rng(rng.integers(2**32))
        if rng.random() < share:
            found += draw(own)
    return found


def _arteries(rng: np.random.Generator) -> Dense:
    """Plaques of 1 to 4 mm on the walls, more of them downstream."""
    inserts, records = [], []
    severity = float(rng.exponential(1.0))
    for artery in arteries():
        count = int(rng.poisson(severity * _PLAQUES[artery.name.split()[0]]))
        shapes: list[Shape] = []
        for centre, outward in spots_on_wall(rng, artery, count):
            thick, wide = rng.uniform(0.7, 1.6), rng.uniform(1.5, 4.5)
            along = np.cross(outward, rng.standard_normal(3))
            along /= np.linalg.norm(along)
            axes = (vector(along), vector(np.cross(outward, along)), vector(outward))
            shapes.append(Ellipsoid(vector(centre), (wide, 0.7 * wide, thick), axes))
        if shapes:
            strength = float(rng.uniform(0.4, 1.0))
            inserts.append(insert(artery.name, "calcification", *shapes, strength=strength))
            records.append(record("calcified artery", artery.name, plaques=len(shapes)))
    return Dense(inserts=tuple(inserts), records=tuple(records))


def _cartilage(rng: np.random.Generator) -> Dense:
    """Calcified along its edges, as in men, or in its core, as in women, piece by piece."""
    edge = rng.random() < 0.6
    share = float(rng.uniform(0.15, 0.8))
    shapes: list[Shape] = []
    for chain in cartilages().shapes:
        for piece in chain.shapes if isinstance(chain, Chain) else ():
            if not isinstance(piece, Segment):
                continue
            for side in (-1, 1) if edge else (0,):
                if rng.random() < share:
                    move = np.array([0.0, 0.0, 4.3 * side]) + rng.normal(0, 0.5, 3)
                    a, b = np.array(piece.a) + move, np.array(piece.b) + move
                    radii = rng.uniform(0.7, 1.7, 2)
                    shapes.append(Segment(vector(a), vector(b), float(radii[0]), float(radii[1])))
    if not shapes:
        return Dense()
    strength = float(rng.uniform(0.3, 0.9))
    return Dense(
        inserts=(insert("cartilage", "calcification", *shapes, strength=strength),),
        records=(record("calcified cartilage", "ribs", pieces=len(shapes)),),
    )


def _phleboliths(rng: np.random.Generator) -> Dense:
    count = int(rng.integers(1, 8))
    middle = np.array([0.0, -20.0, 890.0])
    shapes = []
    for _ in range(count):
        aside = rng.choice([-1, 1], 3) * rng.uniform((22, 0, 0), (42, 16, 22))
        shapes.append(ball(middle + aside, float(rng.uniform(1.0, 2.8))))
    return Dense(
        inserts=(insert("phleboliths", "calcification", *shapes, strength=0.7),),
        records=(record("phleboliths", "pelvis", count=count),),
    )
