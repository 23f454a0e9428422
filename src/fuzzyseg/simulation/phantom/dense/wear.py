"""Bone that is denser than its neighbours and no lesion: wear and bone islands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.simulation.phantom.anatomy.levels import levels
from fuzzyseg.simulation.phantom.anatomy.pelvis import HIP, sacroiliac
from fuzzyseg.simulation.phantom.anatomy.spine import facet_joint
from fuzzyseg.simulation.phantom.anatomy.thorax import rib_path
from fuzzyseg.simulation.phantom.dense.dense_settings import Dense, DenseSettings, Graded, record
from fuzzyseg.simulation.phantom.shapes.build import Part, ball
from fuzzyseg.simulation.phantom.shapes.implicit import Ellipsoid, Shape, vector

if TYPE_CHECKING:
    from fuzzyseg.simulation.phantom.anatomy.levels import Level

# Levels by how often they wear: ours, after the well-known peaks in lower neck and lumbar spine.
_WORN = {
    "L5": 5.0, "L4": 5.0, "L3": 3.0, "L2": 2.0, "L1": 1.5, "T12": 1.5, "T11": 1.5, "T10": 1.5,
    "T9": 2.0, "T8": 2.0, "T7": 1.5, "C6": 4.0, "C5": 4.0, "C4": 2.0,
}  # fmt: skip
_HARDER = (0.15, 0.6)  # share of the spongiosa that becomes as dense as cortex


def draw_wear(rng: np.random.Generator, settings: DenseSettings) -> Dense:
    """Draw degenerative sclerosis, spurs and islands."""
    found = Dense()
    for share, draw in (
        (settings.sclerosis, _sclerosis),
        (settings.osteophytes, _spurs),
        (settings.islands, _islands),
    ):
        own = np.random.default_rng(rng.integers(2**32))
        if rng.random() < share:
            found += draw(own)
    return found


def _level(rng: np.random.Generator) -> Level:
    weights = np.array(list(_WORN.values()))
    return levels()[str(rng.choice(list(_WORN), p=weights / weights.sum()))]


def _harder(name: str, shape: Shape, strength: float) -> Graded:
    return Graded(Part(name, (shape,), tissue="cortical bone"), strength)


def _sclerosis(rng: np.random.Generator) -> Dense:
    """Endplates on both sides of a disc, facets, sacro-iliac joints, the hip's roof."""
    changes, records = [], []
    for _ in range(rng.integers(1, 6)):
        strength = float(rng.uniform(*_HARDER))
        kind = str(
            rng.choice(["endplates", "facet", "sacro-iliac", "hip"], p=[0.4, 0.25, 0.2, 0.15])
        )
        right = rng.random() < 0.5
        place = "right" if right else "left"
        if kind == "endplates":
            v = _level(rng)
            frame = (vector([1, 0, 0]), vector(v.anterior), vector(v.up))
            aside = float(rng.uniform(-0.25, 0.25)) * v.breadth
            gap = 0.5 * v.height + 4.0
            for side in (-1.0, 1.0):
                middle = v.at(aside, 0.1 * v.depth, -gap + side * 6.0)
                size = (v.breadth * 0.35, v.depth * 0.4, float(rng.uniform(4.0, 9.0)))
                changes.append(_harder(kind, Ellipsoid(vector(middle), size, frame), strength))
            place = f"under {v.name}"
        else:
            if kind == "facet":
                v = levels()[str(rng.choice(["L5", "L4", "L3", "C6", "C5"]))]
                shape, place = facet_joint(v.name), f"{v.name} {place}"
            elif kind == "sacro-iliac":
                shape = sacroiliac()
            else:
                shape = ball(HIP + np.array([6.0, 0.0, 26.0]), float(rng.uniform(8.0, 15.0)))
            changes.append(_harder(kind, shape if right else shape.mirrored(), strength))
        records.append(record("sclerosis", f"{kind} {place}", strength=round(strength, 2)))
    return Dense(changes=tuple(changes), records=tuple(records))


def _spurs(rng: np.random.Generator) -> Dense:
    """Claws at the edges of endplates, now and then a bridge, and thick facets."""
    spurs, records = [], []
    for _ in range(rng.integers(1, 9)):
        v = _level(rng)
        size = float(rng.uniform(2.5, 6.0))
        if rng.random() < 0.25 and v.name in ("L5", "L4", "L3", "C6", "C5"):
            right = rng.random() < 0.5
            joint = facet_joint(v.name)
            centre = np.array((joint if right else joint.mirrored()).bounds).mean(axis=0)
            shape: Shape = ball(centre, 1.3 * size + 2.0)
            place = f"facet {v.name} {'right' if right else 'left'}"
        else:
            angle = float(rng.uniform(-0.2, 1.2) * np.pi)  # from the left flank over the front
            edge = (0.5 * v.breadth * np.cos(angle), 0.5 * v.depth * np.sin(angle))
            bridge = rng.random() < 0.15
            middle = v.at(*edge, -0.5 * v.height - (3.0 if bridge else -1.5))
            frame = (vector([1, 0, 0]), vector(v.anterior), vector(v.up))
            tall = 1.6 * size if bridge else 0.8 * size
            shape = Ellipsoid(vector(middle), (size, size, tall), frame)
            place = f"{'bridge' if bridge else 'edge'} {v.name}"
        spurs.append(Part(v.name, (shape,), cortex_mm=float(rng.uniform(1.2, 2.5))))
        records.append(record("osteophyte", place, size_mm=round(size, 1)))
    return Dense(spurs=tuple(spurs), records=tuple(records))


def _islands(rng: np.random.Generator) -> Dense:
    """Enostoses: 3 to 15 mm, commonest in pelvis, femora, vertebrae and ribs."""
    changes, records = [], []
    for _ in range(1 + rng.poisson(0.8)):
        place = str(rng.choice(["hip", "femur", "vertebra", "rib"], p=[0.4, 0.25, 0.25, 0.1]))
        side = float(rng.choice([-1, 1]))
        if place == "hip":
            spots = [(62, -60, 975), (64, -66, 1010), (86, -6, 960), (72, -36, 960), (70, -40, 890)]
            centre = np.array(spots[rng.integers(len(spots))], dtype=float)
        elif place == "femur":
            centre = HIP + np.array([16.0, -3.0, -18.0]) * rng.uniform(0, 2.2)
        elif place == "rib":
            path = rib_path(int(rng.integers(3, 10)))
            centre = path[rng.integers(2, len(path) - 1)]
        else:
            v = _level(rng)
            centre = v.at(*(rng.uniform(-0.3, 0.3, 3) * (v.breadth, v.depth, v.height)))
            place = v.name
        centre = (centre + rng.normal(0, 3.0, 3) * (place != "rib")) * np.array([side, 1.0, 1.0])
        radius = float(np.clip(np.exp(rng.normal(np.log(3.5), 0.4)), 1.5, 7.5))
        frame, _ = np.linalg.qr(rng.standard_normal((3, 3)))
        axes = (vector(frame[0]), vector(frame[1]), vector(frame[2]))
        radii = vector(radius * np.array([1.3, 1.0, 0.85]))
        changes.append(_harder("bone island", Ellipsoid(vector(centre), radii, axes), 0.9))
        records.append(record("bone island", place, diameter_mm=round(2 * radius, 1)))
    return Dense(changes=tuple(changes), records=tuple(records))
