"""Ribs, costal cartilages and sternum.

Each rib leaves its vertebra, passes the transverse process, turns at its angle, rounds the flank
and falls towards its front end; the breadth of the cage, its depth and the fall grow downwards.
Front ends lie about four vertebrae below the heads. Cage: adult median, with breadth 270 mm and
depth 215 mm at the lower sternum. Rib section 14 by 8 mm with a cortex of 0.8 mm (after Mohr et
al., J Biomech 2007;40:1310).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.simulation.phantom.anatomy.levels import levels
from fuzzyseg.simulation.phantom.shapes.build import (
    Chain,
    Part,
    both_sides,
    paired,
    rod,
    sheet,
    spline,
    tube,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Rib: half breadth of the cage, then x, y and z of the bony front end, and y of the cage's
# back at the angle relative to the vertebral body's centre.
_RIBS = {
    1: (58.0, 33.0, 30.0, 1455.0, -30.0),
    2: (81.0, 41.0, 46.0, 1422.0, -37.0),
    3: (98.0, 47.0, 61.0, 1388.0, -42.0),
    4: (111.0, 52.0, 74.0, 1351.0, -45.0),
    5: (120.0, 58.0, 83.0, 1314.0, -46.0),
    6: (127.0, 66.0, 88.0, 1276.0, -46.0),
    7: (131.0, 78.0, 87.0, 1240.0, -46.0),
    8: (133.0, 92.0, 77.0, 1207.0, -46.0),
    9: (134.0, 106.0, 58.0, 1177.0, -46.0),
    10: (132.0, 118.0, 34.0, 1150.0, -46.0),
    11: (121.0, 118.0, -20.0, 1140.0, -44.0),
    12: (95.0, 92.0, -58.0, 1152.0, -42.0),
}
_STERNAL = {
    1: (25.0, 34.0, 1455.0), 2: (19.0, 54.0, 1424.0), 3: (17.0, 67.0, 1394.0),
    4: (17.0, 79.0, 1365.0), 5: (17.0, 87.0, 1338.0), 6: (15.0, 92.0, 1313.0),
    7: (11.0, 95.0, 1295.0),
}  # fmt: skip


def rib_path(number: int) -> NDArray[np.float64]:
    """Centre line of a right rib from head to front end, (K, 3) in mm."""
    half, front_x, front_y, front_z, behind = _RIBS[number]
    v = levels()[f"T{number}"]
    back = v.centre[1] + behind
    # Heads of ribs 2 to 10 lie at the disc above, those of 1, 11 and 12 on their own body.
    lift = 0.1 if number in (1, 11, 12) else 0.46
    head = v.at(v.breadth * 0.44, -v.depth * 0.42, lift * v.height)
    tip = {11: 26.0, 12: 22.0}.get(number, 30.0 - 0.3 * number)
    tubercle = v.at(tip + 4, -v.depth / 2 - 15.0, 0.28 * v.height)
    angle_x = 0.30 * half + 18
    side_y = 0.5 * (back + front_y) + (8 if number < 11 else 0)
    plan = [
        head[:2],
        tubercle[:2],
        (angle_x, back),
        (angle_x + (half - angle_x) * 0.68, back + (side_y - back) * 0.28),
        (half * 0.985, back + (side_y - back) * 0.66),
        (half, side_y),
    ]
    if number < 11:
        plan += [
            (front_x + (half - front_x) * 0.88, side_y + (front_y - side_y) * 0.52),
            (front_x + (half - front_x) * 0.52, side_y + (front_y - side_y) * 0.86),
        ]
    plan.append((front_x, front_y))
    xy = np.array(plan)
    s = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(xy, axis=0), axis=1))])
    # Nearly level over the transverse process, then an even fall.
    fall = np.clip((s - s[1]) / (s[-1] - s[1]), 0, 1)
    z = np.where(s <= s[1], np.interp(s, s[:2], [head[2], tubercle[2]]), 0)
    z = np.where(s > s[1], tubercle[2] + (front_z - tubercle[2]) * fall, z)
    return np.column_stack([xy, z])


def ribs() -> tuple[Part, ...]:
    """Twelve pairs."""
    return tuple(side for n in _RIBS for side in both_sides(_rib(n)))


def _rib(number: int) -> Part:
    path = rib_path(number)
    n = 14 if number in (1, 12) else 22
    radius = np.full(len(path), 7.4 if number > 1 else 8.0)
    radius[:2] = 5.2
    radius[-1] *= 0.6 if number > 10 else 1.1
    nodes = np.column_stack([path, radius])
    curve = spline(nodes, n + 1)[:, :3]
    along = np.diff(curve, axis=0)
    # Flat against the chest: the section's thin direction points outwards, level; the first rib
    # lies flat, its faces up and down.
    face = np.array([0.0, 0.0, 1.0])
    outward = np.cross(along, face)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    if number == 1:
        outward = 0.55 * outward + 0.83 * np.broadcast_to(face, outward.shape)
        outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    body = tube(nodes, n, normals=outward, flatness=1.9)
    tubercle = rod(path[1], path[1] + np.array([-2, -1, 0]), 5.0)
    head = rod(path[0], path[0] + (path[1] - path[0]) * 0.2, 5.2, 4.5)
    shapes = (head, tubercle, body)
    return Part(f"rib {number} right", shapes, cortex_mm=0.8, blend_mm=1.5)


def cartilages() -> Part:
    """Costal cartilages of both sides: 1 to 7 to the sternum, 8 to 10 to the one above."""
    ends = {n: rib_path(n)[-1] for n in _RIBS}
    right: list[Chain] = []
    middles: dict[int, NDArray[np.float64]] = {}
    for n in range(1, 11):
        end = ends[n]
        goal = np.array(_STERNAL[n]) if n < 8 else middles[n - 1]
        dip = np.interp(n, [1, 4, 6, 7, 10], [0.0, 3.0, 12.0, 14.0, 8.0])
        middle = 0.5 * (end + goal) + np.array([4.0, 3.0, -dip])
        middles[n] = middle
        nodes = [(*p, 6.0) for p in (end, middle, goal)]
        right.append(tube(nodes, 5, normals=(0.2, 0.98, 0.0), flatness=1.5))
    return Part("costal cartilage", paired(right), tissue="cartilage", blend_mm=1.5)


def sternum() -> Part:
    """Manubrium, body and xiphoid process."""
    rows = [
        (1466.0, 20.0, 28.0, 6.0), (1452.0, 26.0, 34.0, 6.5), (1430.0, 17.0, 49.0, 6.0),
        (1419.0, 14.0, 55.0, 5.5), (1395.0, 13.0, 66.0, 5.0), (1355.0, 17.0, 82.0, 5.0),
        (1315.0, 18.0, 92.0, 4.5), (1296.0, 10.0, 95.0, 4.0), (1266.0, 4.0, 99.0, 3.0),
    ]  # fmt: skip
    grid = [[(x * w, y, z, r) for x in (-1.0, 0.0, 1.0)] for z, w, y, r in rows]
    return Part("sternum", (sheet(grid, (14, 3)),), cortex_mm=0.9, blend_mm=2.0)
