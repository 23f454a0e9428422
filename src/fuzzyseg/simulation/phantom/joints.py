"""Where bone scans are normally or degeneratively brighter: shapes in the reference body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.simulation.phantom.build import ball
from fuzzyseg.simulation.phantom.deformation import Deformation, sample_points
from fuzzyseg.simulation.phantom.girdle import joints
from fuzzyseg.simulation.phantom.levels import levels
from fuzzyseg.simulation.phantom.pelvis import HIP, sacroiliac
from fuzzyseg.simulation.phantom.shapes import Array, Ellipsoid, Points, Shape, vector
from fuzzyseg.simulation.phantom.spine import facet_joint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.simulation.phantom.body import Arms, Body
    from fuzzyseg.simulation.phantom.grid import Grid


@dataclass(frozen=True)
class HotSpot:
    """A joint and how often and how much it stands out.

    Parameters
    ----------
    name : str
    shape : Shape
        Of the right side or the midline.
    paired : bool
        Whether there is a left one, drawn on its own.
    probability : float
        Share of patients in whom it stands out.
    gain : (float, float)
        Range of its uptake over the bone's own.
    """

    name: str
    shape: Shape
    paired: bool
    probability: float
    gain: tuple[float, float]


def hot_spots(arms: Arms) -> tuple[HotSpot, ...]:
    """Joints within the field, for adults in the sixties.

    Sacro-iliac and sternoclavicular joints are bright in nearly everybody; degenerative change
    is commonest in shoulders, lower lumbar facets and endplates, hips and neck. Shares and gains
    are set by us to look like clinical scans; they are not taken from a publication.
    """
    at = joints(arms)
    shoulder = at["shoulder"]
    acromion = shoulder + np.array([-12.0, 4.0, 34.0])
    spots = [
        HotSpot("sacro-iliac", sacroiliac(), True, 1.0, (1.1, 1.6)),
        HotSpot("sternoclavicular", ball((22, 37, 1463), 11.0), True, 0.7, (1.1, 1.9)),
        HotSpot("acromioclavicular", ball(acromion, 10.0), True, 0.4, (1.2, 2.4)),
        HotSpot(
            "glenohumeral", ball(shoulder + np.array([-21.0, 0, 0]), 15.0), True, 0.35, (1.2, 2.2)
        ),
        HotSpot("hip", ball(HIP + np.array([6.0, 0, 22.0]), 14.0), True, 0.35, (1.2, 2.2)),
        HotSpot("elbow", ball(at["elbow"], 18.0), True, 0.2, (1.2, 1.8)),
    ]
    for name, share in (("L5", 0.35), ("L4", 0.3), ("L3", 0.15), ("C6", 0.2), ("C5", 0.2)):
        spots.append(HotSpot(f"facet {name}", facet_joint(name), True, share, (1.3, 2.8)))
    for name, share in (("L5", 0.15), ("L4", 0.15), ("L2", 0.1), ("T12", 0.08), ("C6", 0.1)):
        spots.append(HotSpot(f"endplate {name}", _endplate(name), False, share, (1.2, 2.0)))
    return tuple(spots)


def _endplate(name: str) -> Shape:
    v = levels()[name]
    frame = (vector([1, 0, 0]), vector(v.anterior), vector(v.up))
    centre = v.at(v.breadth * 0.25, v.depth * 0.15, -0.5 * v.height)
    return Ellipsoid(vector(centre), (v.breadth * 0.3, v.depth * 0.35, 6.0), frame)


def draw_gain(
    rng: np.random.Generator, grid: Grid, body: Body, field_: Deformation
) -> tuple[NDArray[np.float32], dict[str, float]]:
    """Gain of bone at the joints (X, Y, Z), and each joint that stands out."""
    chosen: list[tuple[Shape, float]] = []
    spots: dict[str, float] = {}
    for spot in hot_spots(body.arms):
        for side in ("right", "left") if spot.paired else ("",):
            present, gain = rng.random() < spot.probability, float(rng.uniform(*spot.gain))
            if present:
                chosen.append((spot.shape.mirrored() if side == "left" else spot.shape, gain))
                spots[f"{spot.name} {side}".strip()] = round(gain, 3)
    points = body.to_reference(*sample_points([grid.axis(i) for i in range(3)], field_))
    return gain_map(points, chosen), spots


def gain_map(points: Points, shapes: list[tuple[Shape, float]], soft_mm: float = 3.0) -> Array:
    """Product of the gains at each point, fading over `soft_mm` at a joint's edge.

    Parameters
    ----------
    points : three float32 ndarrays of one shape
        Coordinates in the reference body, mm.
    shapes : list of (Shape, float)
        Joints with their gains.
    soft_mm : float, default 3

    Returns
    -------
    float32 ndarray of the points' shape
    """
    gain = np.ones(points[0].shape, np.float32)
    for shape, value in shapes:
        low, high = shape.bounds
        near = np.ones(points[0].shape, bool)
        for p, a, b in zip(points, low - 4 * soft_mm, high + 4 * soft_mm, strict=True):
            near &= (p > a) & (p < b)
        x, y, z = points
        d = shape.distance((x[near], y[near], z[near]))
        gain[near] *= 1 + np.float32(value - 1) / (1 + np.exp(d / np.float32(soft_mm / 2)))
    return gain
