"""Fat between the organs, bowel with gas and fluid, muscles of the back: what a CT shows there."""

from __future__ import annotations

import numpy as np

from fuzzyseg.simulation.phantom.anatomy.habitus import REFERENCE_BMI, Body
from fuzzyseg.simulation.phantom.dense.dense_settings import Dense, DenseSettings, insert, record
from fuzzyseg.simulation.phantom.shapes.build import Part, paired, rod, tube
from fuzzyseg.simulation.phantom.shapes.implicit import Ellipsoid, Shape, vector

_CAVITY = (((0.0, 25.0, 1085.0), (108.0, 55.0, 95.0)), ((0.0, 18.0, 985.0), (82.0, 48.0, 75.0)))


def abdomen(rng: np.random.Generator, body: Body) -> tuple[Part, ...]:
    """Soft parts to be laid over the trunk's muscle and under the organs.

    Parameters
    ----------
    rng : Generator
    body : Body
        Its index widens the fat.

    Returns
    -------
    tuple of Part
    """
    more = body.bmi - REFERENCE_BMI
    grow = float(np.clip(1.0 + 0.012 * more, 0.85, 1.15))
    cavity = tuple(Ellipsoid(c, vector(np.array(r) * grow)) for c, r in _CAVITY)
    psoas = paired([rod((26, -30, 1120), (40, -26, 1020), 14.0, 19.0)])
    loops = tuple(tube(path, 8) for path in _loops(rng))
    return (
        Part("visceral fat", cavity, tissue="adipose", blend_mm=20.0),
        Part("psoas", psoas, tissue="soft tissue"),
        Part("bowel", loops, tissue="soft tissue", blend_mm=3.0),
        Part("bowel gas", _gas(rng), tissue="air", blend_mm=3.0),
    )


def _loops(rng: np.random.Generator) -> list[np.ndarray]:
    """Small bowel as loose coils, colon as a frame around them; (K, 4) each."""
    paths = []
    for _ in range(7):
        start = np.array([rng.uniform(-60, 60), rng.uniform(5, 55), rng.uniform(960, 1110)])
        steps = rng.normal(0, 1, (5, 3)) * (34, 18, 22)
        points = np.clip(start + np.cumsum(steps, axis=0), (-75, 0, 940), (75, 62, 1125))
        points += rng.normal(0, 2.0, points.shape)
        paths.append(np.column_stack([points, rng.uniform(9, 14, 5)]))
    colon = [
        (80, 18, 985), (86, 14, 1040), (84, 22, 1100), (40, 62, 1105), (-40, 62, 1110),
        (-84, 16, 1120), (-88, 8, 1050), (-78, 12, 985), (-40, 10, 960), (0, -35, 965),
    ]  # fmt: skip
    paths.append(np.column_stack([colon, rng.uniform(13, 20, len(colon))]))
    return paths


def _gas(rng: np.random.Generator) -> tuple[Shape, ...]:
    shapes: list[Shape] = []
    for x, y, z in (
        (84, 22, 1100),
        (20, 64, 1106),
        (-40, 64, 1110),
        (-86, 16, 1110),
        (0, -35, 965),
    ):
        if rng.random() < 0.6:
            radii = rng.uniform((9, 6, 9), (20, 12, 20))
            shapes.append(Ellipsoid((float(x), float(y), float(z)), vector(radii)))
    # The stomach's bubble, under the left dome.
    shapes.append(Ellipsoid((-58.0, 40.0, 1205.0), vector(rng.uniform((10, 6, 8), (26, 16, 22)))))
    return tuple(shapes)


def draw_oral(rng: np.random.Generator, settings: DenseSettings) -> Dense:
    """Draw oral contrast agent in stretches of bowel."""
    strength = float(rng.uniform(0.25, 1.0))
    shapes = []
    for _ in range(rng.integers(3, 9)):
        start = np.array([rng.uniform(-70, 70), rng.uniform(5, 55), rng.uniform(960, 1110)])
        points = start + np.cumsum(rng.normal(0, 14, (4, 3)), axis=0)
        shapes.append(tube(np.column_stack([points, rng.uniform(6, 11, 4)]), 5))
    if rng.random() >= settings.oral:
        return Dense()
    return Dense(
        inserts=(insert("oral contrast", "oral contrast", *shapes, strength=strength),),
        records=(record("oral contrast", "bowel", strength=round(strength, 2)),),
    )
