"""Hip bones and femora down to mid-thigh.

Distance between hip joints 172 mm, femoral head 47 mm across, neck-shaft angle 127 degrees,
shaft 28 mm with a cortex of 5.5 mm: adult male medians after Noble et al., Clin Orthop
1988;235:148, rounded.
"""

from __future__ import annotations

import numpy as np

from fuzzyseg.simulation.phantom.shapes.build import Chain, Part, ball, both_sides, rod, sheet, tube
from fuzzyseg.simulation.phantom.shapes.implicit import Ellipsoid, Shape, vector
from fuzzyseg.simulation.phantom.shapes.solids import HalfSpace, Solid

HIP = np.array([86.0, -8.0, 925.0])
# Where the socket opens: outwards, forwards and down.
_MOUTH = np.array([0.72, 0.34, -0.60])


def hip_bones() -> tuple[Part, ...]:
    """Right and left: ilium, ischium and pubis with the socket."""
    return both_sides(Part("hip right", (*_ilium(), *_socket(), *_ischiopubic()), blend_mm=4.0))


def _ilium() -> tuple[Shape | Chain, ...]:
    # Rows from the sciatic notch and the socket's roof up to the crest; columns from the
    # sacro-iliac joint to the anterior spines.
    wing: list[list[tuple[float, float, float, float]]] = [
        [(52, -70, 968, 7), (62, -48, 958, 9), (72, -26, 950, 10),
         (86, -4, 953, 10), (97, 16, 960, 8)],
        [(50, -80, 985, 8), (60, -58, 976, 7), (73, -30, 970, 6),
         (90, -2, 972, 6), (106, 22, 978, 6)],
        [(52, -84, 1004, 8), (62, -64, 1000, 6), (80, -34, 998, 3),
         (103, 0, 997, 3), (119, 30, 993, 6)],
        [(50, -88, 1024, 7), (64, -70, 1028, 5), (88, -36, 1030, 2.5),
         (112, 2, 1024, 3), (124, 38, 1004, 6)],
        [(56, -84, 1040, 6), (70, -68, 1050, 6), (94, -34, 1061, 6),
         (117, 4, 1050, 7), (124, 32, 1020, 6)],
    ]  # fmt: skip
    return (
        sheet(wing, (8, 8)),
        # The thick buttress that carries weight from the joint to the socket.
        tube([(58, -60, 998, 8), (64, -38, 972, 10), (72, -18, 950, 12)], 4),
        rod((47, -92, 1012), (52, -86, 1002), 6.0),
    )


def _socket() -> tuple[Shape, ...]:
    cup = ball(HIP, 32.0)
    mouth = HalfSpace(vector(HIP + 9 * _MOUTH), vector(_MOUTH))
    hollow = ball(HIP, 26.0)
    return (Solid(cup, within=(mouth,), without=(hollow,)),)


def _ischiopubic() -> tuple[Shape | Chain, ...]:
    superior = [(70, 10, 938, 11.0), (52, 23, 928, 8.5), (34, 30, 917, 7.5), (13, 30, 905, 9.0)]
    symphysis = [(9, 28, 910, 8.0), (8, 22, 892, 8.0), (9, 15, 879, 7.5)]
    inferior = [
        (10, 15, 880, 7.5),
        (16, 7, 867, 6.5),
        (30, -10, 858, 6.5),
        (44, -28, 857, 8.0),
        (56, -42, 864, 12.0),
    ]
    ischium = [
        (78, -34, 925, 15.0),
        (74, -46, 897, 12.5),
        (65, -50, 876, 14.0),
        (57, -46, 862, 12.5),
    ]
    return (
        tube(superior, 6),
        tube(symphysis, 4),
        tube(inferior, 6),
        tube(ischium, 6),
        # Ischial spine.
        rod((70, -52, 918), (58, -64, 914), 6.0, 3.0),
    )


def sacroiliac() -> Shape:
    """Draw the right sacro-iliac joint, for its normal brightness."""
    return Ellipsoid((52.0, -62.0, 994.0), (9.0, 18.0, 26.0))


def femora() -> tuple[Part, ...]:
    """Right and left; the ends have a thin cortex and the shafts a thick one."""
    return tuple(side for part in _femur() for side in both_sides(part))


def _femur() -> tuple[Part, Part]:
    shaft_top = np.array([122.0, -16.0, 880.0])
    shaft = [
        (*shaft_top, 18.0), (118, -16, 845, 16.0), (113, -8, 780, 14.0), (108, -2, 700, 14.0),
        (102, -4, 620, 14.5), (96, -10, 560, 17.0),
    ]  # fmt: skip
    neck_end = np.array([118.0, -16.0, 893.0])
    shapes: tuple[Shape, ...] = (
        ball(HIP, 23.0),
        rod(HIP + 0.25 * (neck_end - HIP), neck_end, 16.0, 17.5),
        rod(neck_end, shaft_top + np.array([0, 0, -10]), 19.0, 18.0),
        # Greater and lesser trochanter.
        Ellipsoid((134.0, -26.0, 906.0), (12.0, 17.0, 20.0)),
        rod((130, -28, 912), (124, -34, 924), 10.0, 7.0),
        rod((112, -30, 862), (104, -36, 864), 9.0, 6.0),
    )
    return (
        Part("femur right", shapes, cortex_mm=1.6, blend_mm=6.0),
        Part("femur right", (tube(shaft, 12),), cortex_mm=5.5),
    )
