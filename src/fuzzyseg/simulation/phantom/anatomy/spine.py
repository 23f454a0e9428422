"""Vertebrae C1 to L5: bodies, arches, processes and facets, then sacrum and coccyx."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fuzzyseg.simulation.phantom.anatomy.levels import Level, levels
from fuzzyseg.simulation.phantom.anatomy.sacrum import coccyx, sacrum
from fuzzyseg.simulation.phantom.shapes.build import Chain, Part, ball, paired, rod, sheet, tube
from fuzzyseg.simulation.phantom.shapes.implicit import Ellipsoid, Segment, Shape, vector


@dataclass(frozen=True)
class _Kind:
    """What vertebrae of one part of the spine share, in mm unless said.

    `lift` is the pedicle's height over the body's middle, as a share of the body's height.
    """

    canal_depth: float
    canal_half_width: float
    pedicle: float
    lift: float
    facet_x: float
    facet_behind: float
    facet_radius: float
    cortex: float


_KINDS = {
    "C": _Kind(14.0, 11.5, 2.8, 0.05, 18.0, 5.0, 4.6, 0.9),
    "T": _Kind(15.0, 9.0, 3.4, 0.22, 13.0, 13.0, 3.2, 0.8),
    "L": _Kind(16.0, 11.5, 5.5, 0.18, 17.5, 14.0, 5.2, 0.9),
}


def spine() -> tuple[Part, ...]:
    """C1 to L5, sacrum and coccyx."""
    parts = [_vertebra(level) for name, level in levels().items() if name not in ("C1", "C2")]
    top = levels()
    return (*parts, _axis(top["C2"]), _atlas(top["C1"]), sacrum(), coccyx())


def _body(v: Level, breadth: float, depth: float, height: float) -> list[Shape]:
    frame = (vector([1, 0, 0]), vector(v.anterior), vector(v.up))
    waist = Ellipsoid(
        vector(v.centre), (breadth * 0.46, depth * 0.46, height * 0.5), frame, power=8.0
    )
    rims: list[Shape] = [
        Ellipsoid(
            vector(v.at(0, 0, side * height * 0.41)),
            (breadth * 0.5, depth * 0.5, height * 0.09),
            frame,
            power=6.0,
        )
        for side in (-1, 1)
    ]
    return [waist, *rims]


def _vertebra(v: Level) -> Part:
    kind = _KINDS[v.name[0]]
    processes = {"C": _cervical, "T": _thoracic, "L": _lumbar}[v.name[0]]
    midline, right = processes(v, int(v.name[1:]), kind)
    right += _arch(v, kind)
    shapes = (*_body(v, v.breadth, v.depth, v.height), *midline, *paired(right))
    return Part(v.name, shapes, cortex_mm=kind.cortex, blend_mm=2.0)


def _arch(v: Level, kind: _Kind) -> list[Shape | Chain]:
    """Pedicle, lamina and articular pillar of the right."""
    back, h = -v.depth / 2, v.height
    side, lift, r = kind.canal_half_width, kind.lift * h, kind.pedicle
    behind = back - kind.canal_depth
    lamina = [
        (*v.at(side + 2, back - kind.canal_depth * 0.5, lift), r),
        (*v.at(side * 0.7, behind, -0.1 * h), r),
        (*v.at(0, behind - 3, -0.25 * h), r),
    ]
    facet_y = back - kind.facet_behind
    inward = 3.0 if v.name[0] == "L" else 0.0
    return [
        rod(v.at(side + 1, back + 4, lift), v.at(side + 2, back - kind.canal_depth * 0.6, lift), r),
        tube(lamina, 3),
        rod(
            v.at(kind.facet_x, facet_y, 0.58 * h),
            v.at(kind.facet_x - inward, facet_y - 4, -0.62 * h),
            kind.facet_radius,
        ),
    ]


Processes = tuple[list[Shape | Chain], list[Shape | Chain]]


def _lumbar(v: Level, number: int, kind: _Kind) -> Processes:
    """Spinous process, a tall plate, and the long thin transverse processes."""
    back, h, lift = -v.depth / 2, v.height, kind.lift * v.height
    behind = back - kind.canal_depth
    tip = behind - 23.0 + (number - 3) ** 2
    plate = [
        [(*v.at(0, y, 0.05 * h + sink), 3.0), (*v.at(0, y, -0.45 * h + sink), 3.4)]
        for y, sink in ((behind, 0.0), (tip, -3.0))
    ]
    span = {3: 42.0, 5: 38.0}.get(number, 39.0)
    root = (kind.canal_half_width + 4, back - 8, lift)
    transverse = _flat(v, root, (span, back - 15, lift + 1), 5.0, 4.0)
    return [sheet(plate, (2, 1))], [transverse]


def _thoracic(v: Level, number: int, kind: _Kind) -> Processes:
    """Middle spines hang over the vertebra below; the last ones are lumbar-like."""
    h, lift = v.height, kind.lift * v.height
    behind = -v.depth / 2 - kind.canal_depth
    drop = float(np.interp(number, [1, 4, 7, 10, 12], [0.35, 0.9, 1.35, 0.8, 0.35])) * h
    reach = float(np.interp(number, [1, 7, 12], [27.0, 21.0, 19.0]))
    tip = (0.0, behind - reach, -0.2 * h - drop)
    span = float(np.interp(number, [1, 4, 10, 12], [37.0, 33.0, 28.0, 20.0]))
    root = v.at(kind.canal_half_width + 2, behind + 5, lift)
    return (
        [_flat(v, (0, behind, -0.2 * h), tip, 6.0, 4.0, upright=True)],
        [rod(root, v.at(span, behind - 8, lift + 2), 4.2, 4.8)],
    )


def _cervical(v: Level, number: int, kind: _Kind) -> Processes:
    """Forked spines but for the seventh's, and the uncinate processes."""
    back, h = -v.depth / 2, v.height
    behind = back - kind.canal_depth
    reach = float(np.interp(number, [3, 5, 7], [14.0, 16.0, 32.0]))
    spinous: list[Shape | Chain] = [
        _flat(v, (0, behind, -0.2 * h), (x, behind - reach, -0.75 * h), 4.0, 3.0, upright=True)
        for x in ((-3.5, 3.5) if number < 7 else (0.0,))
    ]
    span = 27.0 if number < 7 else 32.0
    return spinous, [
        rod(v.at(v.breadth * 0.36, back + 7, -1), v.at(span, back + 3, -3), 3.4, 3.2),
        rod(v.at(v.breadth * 0.45, 0, 0.2 * h), v.at(v.breadth * 0.5, -2, 0.62 * h), 2.8, 2.0),
    ]


def _flat(
    v: Level,
    a: tuple[float, float, float],
    b: tuple[float, float, float],
    tall: float,
    end: float,
    *,
    upright: bool = False,
) -> Segment:
    """Draw a process flattened from side to side (`upright`) or from front to back."""
    normal = vector([1, 0, 0]) if upright else vector(v.anterior)
    return Segment(vector(v.at(*a)), vector(v.at(*b)), tall, end, normal, 1.8)


def _axis(v: Level) -> Part:
    right: list[Shape | Chain] = [
        Ellipsoid(vector(v.at(15, -2, 6)), (8.5, 8.5, 4.5)),
        rod(v.at(14, -6, 2), v.at(13, -14, -2), 4.5),
        rod(v.at(16, -14, -4), v.at(16, -16, -10), 4.5),
        tube([(*v.at(13, -14, -2), 3.4), (*v.at(8, -24, -4), 3.4), (*v.at(0, -29, -5), 3.6)], 3),
        rod(v.at(14, -2, -2), v.at(25, -4, -5), 3.2, 2.6),
        rod(v.at(0, -28, -5), v.at(4, -40, -9), 4.5, 3.8),
    ]
    dens = rod(v.at(0, 1, 4), v.at(0, 2, 26), 5.4, 4.2)
    return Part("C2", (*_body(v, 19.0, 15.0, v.height), dens, *paired(right)), blend_mm=2.5)


def _atlas(v: Level) -> Part:
    ring = [
        (*v.at(0, 12, 0), 4.0), (*v.at(14, 8, 0), 4.0), (*v.at(20, -6, 0), 4.5),
        (*v.at(16, -22, 1), 3.6), (*v.at(0, -33, 1), 3.6),
    ]  # fmt: skip
    right: list[Shape | Chain] = [
        tube(ring, 10),
        Ellipsoid(vector(v.at(19, -3, 0)), (7.5, 10.5, 8.0)),
        rod(v.at(22, -5, 0), v.at(37, -8, -2), 4.2, 3.4),
    ]
    return Part("C1", paired(right), blend_mm=2.0)


def facet_joint(name: str) -> Shape:
    """Draw the right facet joint under a lumbar or cervical vertebra, as a ball."""
    v = levels()[name]
    x = 17.0 if name[0] == "L" else 18.0
    return ball(v.at(x, -v.depth / 2 - (14.0 if name[0] == "L" else 7.0), -0.6 * v.height), 7.0)
