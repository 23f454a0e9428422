"""Where uptake that is no lesion may be: shapes in the reference body, mm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from fuzzyseg.simulation.phantom.anatomy.levels import levels
from fuzzyseg.simulation.phantom.anatomy.organs import arm_joints, bladder, trunk_rows
from fuzzyseg.simulation.phantom.anatomy.pelvis import HIP, sacroiliac
from fuzzyseg.simulation.phantom.anatomy.spine import facet_joint
from fuzzyseg.simulation.phantom.anatomy.thorax import rib_path
from fuzzyseg.simulation.phantom.shapes.build import ball, rod
from fuzzyseg.simulation.phantom.shapes.implicit import Ellipsoid, Shape, vector

if TYPE_CHECKING:
    from fuzzyseg.simulation.phantom.anatomy.habitus import Body

# What a finding acts on: bone, kidney and bladder are multiplied; soft tissue takes the gain as
# its concentration.
Target = Literal["bone", "kidney", "bladder", "soft"]


@dataclass(frozen=True)
class Place:
    """Where a finding may be.

    Parameters
    ----------
    name : str
        A key of `Population.findings`.
    where : str
        Side, level or bone; "" where there is but one.
    shapes : tuple of Shape
        Present together.
    on : {"bone", "kidney", "bladder", "soft"}
    """

    name: str
    where: str
    shapes: tuple[Shape, ...]
    on: Target = "bone"


def places(body: Body, bladder_ml: float, rng: np.random.Generator) -> tuple[Place, ...]:
    """Every place of every finding in this body; those that could be anywhere are drawn."""
    return (
        *_joints(body),
        *_spine(),
        *_fractures(rng),
        *_head(),
        *_urine(body, bladder_ml, rng),
        *_soft(body, rng),
    )


def _sides(name: str, *shapes: Shape, on: Target = "bone") -> tuple[Place, Place]:
    mirrored = tuple(shape.mirrored() for shape in shapes)
    return Place(name, "right", shapes, on), Place(name, "left", mirrored, on)


def _joints(body: Body) -> tuple[Place, ...]:
    at = arm_joints(body)
    shoulder = at["shoulder"]
    glenohumeral = ball(shoulder + np.array([-21.0, 0, 0]), 15.0)
    hip = ball(HIP + np.array([6.0, 0, 22.0]), 14.0)
    thumb = at["wrist"] + 0.2 * (at["knuckle"] - at["wrist"])
    return (
        *_sides("sacro-iliac", sacroiliac()),
        *_sides("sternoclavicular", ball((22, 37, 1463), 11.0)),
        Place("manubriosternal", "", (Ellipsoid((0, 51, 1424), (18.0, 8.0, 6.0)),)),
        *_sides("acromioclavicular", ball(shoulder + np.array([-12.0, 4.0, 34.0]), 10.0)),
        *_sides("glenohumeral", glenohumeral),
        *_sides("hip", hip),
        Place("symphysis", "", (Ellipsoid((0, 24, 894), (14.0, 12.0, 18.0)),)),
        *_sides("trochanter", Ellipsoid((138, -26, 908), (9.0, 16.0, 18.0))),
        *_sides("elbow", ball(at["elbow"], 18.0)),
        *_sides("wrist", ball(at["wrist"], 16.0)),
        *_sides("hand", ball(thumb, 12.0), ball(at["knuckle"], 12.0)),
        *_sides("severe arthritis", ball(shoulder, 24.0)),
        *_sides("severe arthritis", ball(HIP + np.array([2.0, 0, 16.0]), 24.0)),
    )


def _spine() -> tuple[Place, ...]:
    found: list[Place] = []
    for name in ("C3", "C4", "C5", "C6", "T11", "T12", "L1", "L2", "L3", "L4", "L5"):
        right = facet_joint(name)
        found.append(Place("facet", f"{name} right", (right,)))
        found.append(Place("facet", f"{name} left", (right.mirrored(),)))
    worn = ("C4", "C5", "C6", "T6", "T8", "T10", "T12", "L1", "L2", "L3", "L4", "L5")
    found += [Place("endplate", name, (_endplate(name),)) for name in worn]
    for name in ("T4", "T7", "T9", "T10", "T11"):
        v = levels()[name]
        joint = ball(v.at(v.breadth * 0.5, -v.depth * 0.42, 0.3 * v.height), 8.0)
        found.append(Place("costovertebral", f"{name} right", (joint,)))
        found.append(Place("costovertebral", f"{name} left", (joint.mirrored(),)))
    return tuple(found)


def _endplate(name: str) -> Shape:
    v = levels()[name]
    frame = (vector([1, 0, 0]), vector(v.anterior), vector(v.up))
    centre = v.at(v.breadth * 0.25, v.depth * 0.15, -0.5 * v.height)
    return Ellipsoid(vector(centre), (v.breadth * 0.3, v.depth * 0.35, 6.0), frame)


def _fractures(rng: np.random.Generator) -> tuple[Place, ...]:
    """Break a row of ribs in a line, and flatten a vertebra."""
    first, count, at = int(rng.integers(3, 9)), int(rng.integers(2, 5)), rng.uniform(0.45, 0.9)
    row = []
    for number in range(first, min(first + count, 11)):
        path = rib_path(number)
        row.append(ball(path[round(at * (len(path) - 1))], float(rng.uniform(7.0, 11.0))))
    side = "left" if rng.random() < 0.5 else "right"
    shapes = tuple(shape.mirrored() if side == "left" else shape for shape in row)
    level = str(rng.choice(["T7", "T8", "T11", "T12", "L1", "L2", "L3", "L4"]))
    v = levels()[level]
    frame = (vector([1, 0, 0]), vector(v.anterior), vector(v.up))
    slab = Ellipsoid(
        vector(v.at(0.0, 0.0, 0.3 * v.height)),
        (v.breadth * 0.55, v.depth * 0.55, float(rng.uniform(5.0, 9.0))),
        frame,
        power=6.0,
    )
    return (
        Place("rib fractures", f"rib {first} to {min(first + count, 11) - 1} {side}", shapes),
        Place("vertebral compression", level, (slab,)),
    )


def _head() -> tuple[Place, ...]:
    teeth = (("front", (8, 104, 1566)), ("molar", (24, 76, 1566)))
    return (
        *(place for _, at in teeth for place in _sides("dental", ball(at, 9.0))),
        *_sides("sinus", Ellipsoid((27, 88, 1619), (16.0, 20.0, 16.0))),
        Place("sinus", "frontal", (Ellipsoid((0, 118, 1674), (24.0, 10.0, 12.0)),)),
    )


def _urine(body: Body, bladder_ml: float, rng: np.random.Generator) -> tuple[Place, ...]:
    full = bladder(bladder_ml)
    x, y, z = full.centre
    a, b, c = full.radii
    wall = float(rng.uniform(4.0, 9.0))
    lumen = Ellipsoid(full.centre, (max(a - wall, 3), max(b - wall, 3), max(c - wall, 3)))
    # Fresh urine sinks to the back of one who lies.
    layer = Ellipsoid((x, y - 0.75 * b, z), (1.2 * a, 0.8 * b, 1.2 * c))
    course = np.array(
        [(46, -48, 1118), (38, -38, 1080), (34, -34, 1030), (40, -50, 985), (46, -50, 940),
         (22, -28, 918)]
    )  # fmt: skip
    ureters = []
    for side in (1, -1):
        i = int(rng.integers(0, len(course) - 1))
        held = rod(course[i] * [side, 1, 1], course[i + 1] * [side, 1, 1], 3.0)
        ureters.append(Place("ureter", "right" if side > 0 else "left", (held,), "soft"))
    rows = np.array(trunk_rows(body.bmi))
    height, across = float(rng.uniform(790, 868)), float(rng.uniform(-70, 70))
    front = float(np.interp(height, rows[:, 0], rows[:, 2]))
    drops = [ball((across, front - 4.0, height), float(rng.uniform(5, 12)))]
    if rng.random() < 0.5:
        beside = (across + float(rng.uniform(-35, 35)), front - 6.0, height - 18.0)
        drops.append(ball(beside, float(rng.uniform(5, 9))))
    pelvis = Ellipsoid((50, -54, 1143), (12.0, 11.0, 20.0))
    return (
        *_sides("renal pelvis", pelvis, on="kidney"),
        Place("bladder rim", "", (lumen,), "bladder"),
        Place("bladder layer", "", (layer,), "bladder"),
        *ureters,
        Place("urine on skin", "", tuple(drops), "soft"),
    )


def _soft(body: Body, rng: np.random.Generator) -> tuple[Place, ...]:
    at = arm_joints(body)
    where = str(rng.choice(["elbow", "wrist", "hand"]))
    point = {
        "elbow": at["elbow"] + np.array([-6.0, 26.0, 8.0]),
        "wrist": at["wrist"] + np.array([0.0, 18.0, 12.0]),
        "hand": 0.5 * (at["wrist"] + at["knuckle"]) + np.array([16.0, 0.0, 0.0]),
    }[where]
    side = "left" if rng.random() < 0.5 else "right"
    depot = ball(point, float(rng.uniform(5.0, 10.0)))
    lobe = Ellipsoid((18, 30, 1522), (8.0, 9.0, 20.0))
    return (
        Place(
            "injection site",
            f"{where} {side}",
            (depot.mirrored() if side == "left" else depot,),
            "soft",
        ),
        Place("thyroid", "", (lobe, lobe.mirrored()), "soft"),
        Place("stomach", "", (Ellipsoid((-58, 20, 1185), (30.0, 26.0, 38.0)),), "soft"),
    )
