"""Clavicles, scapulae and arms, beside the trunk or over the head.

Lengths of an adult man of 1760 mm: clavicle 145, scapula 155 mm; humerus 330 and radius 245 mm
by the regressions of Trotter and Gleser, Am J Phys Anthropol 1952;10:463, inverted.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.simulation.phantom.shapes.build import Chain, Part, ball, both_sides, rod, sheet, tube
from fuzzyseg.simulation.phantom.shapes.implicit import Ellipsoid, Shape, vector

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from fuzzyseg.simulation.phantom.anatomy.habitus import Arms

HUMERAL_HEAD = np.array([168.0, -20.0, 1455.0])
# Over the head the scapula turns upwards about its middle by half of what the arm rises, and
# takes the outer end of the clavicle along.
_PIVOT = np.array([105.0, -70.0, 1455.0])
_TURN = {"down": 0.0, "up": np.deg2rad(32.0)}
_LIFT_MM = {"down": 0.0, "up": 10.0}
_GLENOID = np.array([144.5, -28.0, 1455.0])


def joints(
    arms: Arms, hip_half_width: float = 179.0, waist_half_width: float = 151.0
) -> dict[str, NDArray[np.float64]]:
    """Centres of the right arm's joints, in mm: shoulder, elbow, wrist, knuckles, finger tip.

    Parameters
    ----------
    arms : {"down", "up"}
    hip_half_width, waist_half_width : float
        Half the trunk's breadth beside the hand and the elbow, which lie close to it.
    """
    if arms == "up":
        glenoid = scapular(_GLENOID, arms)
        outward = np.array([np.cos(_TURN[arms]), 0.3, np.sin(_TURN[arms])])
        return {
            "shoulder": glenoid + 25.0 * outward / np.linalg.norm(outward),
            "elbow": np.array([205.0, 20.0, 1785.0]),
            "wrist": np.array([20.0, 60.0, 1840.0]),
            "knuckle": np.array([-50.0, 66.0, 1850.0]),
            "tip": np.array([-110.0, 70.0, 1850.0]),
        }
    side = hip_half_width + 20.0
    elbow = max(waist_half_width + 34.0, 186.0)
    return {
        "shoulder": HUMERAL_HEAD,
        "elbow": np.array([elbow, -42.0, 1145.0]),
        "wrist": np.array([side, 4.0, 903.0]),
        "knuckle": np.array([side, 18.0, 815.0]),
        "tip": np.array([side - 12.0, 26.0, 728.0]),
    }


def girdle(arms: Arms, at: dict[str, NDArray[np.float64]]) -> tuple[Part, ...]:
    """Clavicles, scapulae, humeri, forearms and hands, with the arm's joints as given."""
    parts = [_clavicle(arms), _scapula(arms), *_humerus(at), _forearm(at)]
    if arms == "down":
        parts.append(_hand(at))
    return tuple(side for part in parts for side in both_sides(part))


def _clavicle(arms: Arms) -> Part:
    nodes = np.array(
        [
            (17, 35, 1466, 10.0), (28, 37, 1468, 8.0), (58, 35, 1473, 6.0), (92, 15, 1480, 5.5),
            (122, -6, 1486, 6.0), (142, -12, 1488, 6.5), (150, -12, 1488, 6.0),
        ]
    )  # fmt: skip
    if arms == "up":
        nodes[:, [0, 2]] += np.outer(np.linspace(0, 1, len(nodes)), [-20.0, 32.0])
    body = tube(nodes, 12, normals=(0, 0, 1), flatness=1.15)
    return Part("clavicle right", (body,), cortex_mm=1.8, blend_mm=1.5)


def scapular(points: ArrayLike, arms: Arms) -> NDArray[np.float64]:
    """Turn points of the scapula (..., 3), drawn for hanging arms, along with the arms."""
    nodes = np.array(points, dtype=float)
    turn = _TURN[arms]
    x, z = nodes[..., 0] - _PIVOT[0], nodes[..., 2] - _PIVOT[2]
    nodes[..., 0] = _PIVOT[0] + np.cos(turn) * x - np.sin(turn) * z
    nodes[..., 2] = _PIVOT[2] + np.sin(turn) * x + np.cos(turn) * z + _LIFT_MM[arms]
    return nodes


def _scapula(arms: Arms) -> Part:
    moved = partial(scapular, arms=arms)
    blade = moved(
        [
            [
                (78, -78, 1486, 2.5),
                (100, -66, 1482, 1.8),
                (122, -46, 1476, 2.5),
                (134, -34, 1474, 4),
            ],
            [
                (76, -92, 1462, 3.0),
                (98, -84, 1456, 1.5),
                (122, -58, 1450, 2.5),
                (142, -38, 1448, 6),
            ],
            [
                (80, -103, 1425, 3.0),
                (98, -96, 1420, 1.2),
                (118, -76, 1416, 2.0),
                (136, -54, 1420, 4.5),
            ],
            [
                (88, -108, 1385, 3.0),
                (101, -104, 1382, 1.5),
                (114, -94, 1381, 2.0),
                (126, -80, 1384, 4.5),
            ],
            [
                (98, -108, 1342, 4.0),
                (104, -107, 1338, 3.5),
                (110, -105, 1337, 3.5),
                (115, -102, 1342, 4.5),
            ],
        ]
    )
    edge = moved([(76, -92, 1462, 3.2), (84, -106, 1405, 3.2), (100, -108, 1340, 4.2)])
    spine = moved(
        [
            [(79, -95, 1458, 2.5), (104, -84, 1462, 2.0), (126, -60, 1464, 2.5)],
            [(79, -98, 1460, 3.0), (106, -98, 1474, 3.5), (136, -72, 1486, 4.5)],
        ]
    )
    acromion = moved(
        [(132, -76, 1484, 5.0), (152, -54, 1491, 6.0), (164, -28, 1492, 7.0), (158, -12, 1490, 6.0)]
    )
    coracoid = moved(
        [(133, -32, 1470, 7.0), (130, -10, 1479, 6.0), (138, 8, 1472, 5.0), (145, 14, 1466, 4.5)]
    )
    glenoid = moved(_GLENOID)
    neck = moved([132.0, -42.0, 1454.0])
    c, s = float(np.cos(_TURN[arms])), float(np.sin(_TURN[arms]))
    shapes: tuple[Shape | Chain, ...] = (
        sheet(blade, (8, 6)),
        tube(edge, 6),
        sheet(spine, (2, 5)),
        tube(acromion, 6, normals=(0.2 * c, 0.2, 0.96), flatness=1.5),
        tube(coracoid, 6),
        rod(neck, glenoid, 9.0, 11.0),
        Ellipsoid(vector(glenoid), (6.0, 13.0, 18.0), ((c, 0.0, s), (0.0, 1.0, 0.0), (-s, 0.0, c))),
    )
    return Part("scapula right", shapes, cortex_mm=1.0, blend_mm=2.0)


def _humerus(at: dict[str, NDArray[np.float64]]) -> tuple[Part, Part]:
    top, elbow = at["shoulder"], at["elbow"]
    along = (elbow - top) / np.linalg.norm(elbow - top)
    # Sideways, away from the body's midline, square to the shaft.
    out = np.array([1.0, 0.0, 0.0]) - along[0] * along
    out /= np.linalg.norm(out)
    forward = np.cross(along, out)
    length = float(np.linalg.norm(elbow - top))
    neck = top + 14 * out + 34 * along
    shaft = [
        (*neck, 17.0), (*(top + 14 * out + 0.25 * length * along), 12.5),
        (*(top + 10 * out + 0.5 * length * along), 11.0),
        (*(top + 4 * out + 0.8 * length * along), 11.5), (*(elbow - 14 * along), 12.0),
    ]  # fmt: skip
    shapes: tuple[Shape, ...] = (
        ball(top, 23.0),
        rod(top, neck, 20.0, 17.0),
        Ellipsoid(vector(top + 17 * out + 8 * along), (14.0, 17.0, 18.0)),
        rod(top + 14 * out + 14 * along - 12 * forward, neck, 8.0, 8.0),
        # Epicondyles and the joint's spool.
        rod(elbow - 4 * along - 20 * out, elbow - 4 * along + 20 * out, 10.0, 9.0),
        rod(elbow - 26 * along, elbow - 8 * along - 24 * out, 9.0, 7.0),
        rod(elbow - 26 * along, elbow - 8 * along + 22 * out, 9.0, 7.0),
    )
    return (
        Part("humerus right", shapes, cortex_mm=1.4, blend_mm=4.0),
        Part("humerus right", (tube(shaft, 10),), cortex_mm=3.8),
    )


def _forearm(at: dict[str, NDArray[np.float64]]) -> Part:
    elbow, wrist = at["elbow"], at["wrist"]
    along = (wrist - elbow) / np.linalg.norm(wrist - elbow)
    out = np.cross(along, [0.0, 1.0, 0.0])
    out /= np.linalg.norm(out)
    out *= 1.0 if out[0] > 0 else -1.0
    start = elbow + 8 * along
    radius = [
        (*(start + 16 * out + 8 * along), 10.0), (*(start + 13 * out + 30 * along), 7.0),
        (*(0.5 * (elbow + wrist) + 18 * out), 7.0), (*(wrist + 12 * out - 26 * along), 8.5),
        (*(wrist + 9 * out - 8 * along), 14.0),
    ]  # fmt: skip
    ulna = [
        (*(elbow - 8 * out - 10 * along), 11.0), (*(start - 8 * out + 14 * along), 12.0),
        (*(0.5 * (elbow + wrist) - 8 * out), 6.8), (*(wrist - 13 * out - 20 * along), 6.0),
        (*(wrist - 14 * out - 8 * along), 7.5),
    ]  # fmt: skip
    return Part("forearm right", (tube(radius, 10), tube(ulna, 10)), cortex_mm=2.4, blend_mm=2.0)


def _hand(at: dict[str, NDArray[np.float64]]) -> Part:
    wrist, knuckle, tip = at["wrist"], at["knuckle"], at["tip"]
    along = (knuckle - wrist) / np.linalg.norm(knuckle - wrist)
    # The palm faces the thigh: fingers lie side by side from front to back.
    side = np.cross(along, [1.0, 0.0, 0.0])
    side /= np.linalg.norm(side)
    side *= 1.0 if side[1] > 0 else -1.0
    shapes: list[Shape] = []
    for row, (count, at_mm) in enumerate(((3, 6.0), (4, 20.0))):
        for i in range(count):
            offset = (i - (count - 1) / 2) * (11.0 + row)
            shapes.append(ball(wrist + at_mm * along + offset * side, 7.0))
    reach = {0: -8.0, 1: 4.0, 2: 0.0, 3: -16.0}
    for i in range(4):
        offset = (1.5 - i) * 15.0
        base = wrist + 30 * along + 0.7 * offset * side
        head = knuckle + offset * side - 0.04 * abs(offset) * along
        end = tip + offset * side + reach[i] * np.array([0.0, 0.0, -1.0])
        shapes.append(rod(base, head, 5.5, 6.0))
        cuts = [head + (end - head) * t for t in (0.06, 0.46, 0.52, 0.76, 0.82, 1.0)]
        shapes += [
            rod(a, b, r, r - 0.6)
            for a, b, r in zip(cuts[::2], cuts[1::2], (5.0, 4.4, 3.8), strict=True)
        ]
    thumb = wrist + 22 * along + 18 * side
    for a, b, r in ((0.0, 0.42, 5.5), (0.47, 0.75, 5.0), (0.8, 1.0, 4.2)):
        direction = 82 * along + 38 * side + np.array([-14.0, 0, 0])
        shapes.append(rod(thumb + a * direction, thumb + b * direction, r, r - 0.5))
    return Part("hand right", tuple(shapes), cortex_mm=1.2, blend_mm=1.0)
