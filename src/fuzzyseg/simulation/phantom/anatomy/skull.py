"""Skull and mandible.

Vault 185 mm long, 142 mm broad and 6 to 7 mm thick: adult male medians after Farkas,
Anthropometry of the Head and Face, 2nd ed., 1994, and Lillie et al., J Bone Miner Res
2016;31:299.
"""

from __future__ import annotations

from itertools import pairwise

from fuzzyseg.simulation.phantom.shapes.build import Chain, Part, paired, rod, sheet, tube
from fuzzyseg.simulation.phantom.shapes.implicit import Ellipsoid, Segment, Shape
from fuzzyseg.simulation.phantom.shapes.solids import Blend, HalfSpace, Solid

WALL_MM = 6.5


def brain_case() -> Blend:
    """Draw the cranium's outside: a dome, temporal fossae and the deeper posterior fossa."""
    temples = tuple(HalfSpace((x, 0.0, 1660.0), (x, 0.0, -12.0)) for x in (-67.0, 67.0))
    floor = HalfSpace((0.0, 60.0, 1649.0), (0.0, 0.16, -1.0))
    dome = Solid(Ellipsoid((0.0, 28.0, 1678.0), (71.0, 95.0, 76.0)), within=(floor, *temples))
    posterior = Ellipsoid((0.0, -18.0, 1652.0), (54.0, 42.0, 35.0))
    temporal = Ellipsoid((40.0, 40.0, 1654.0), (25.0, 33.0, 24.0))
    return Blend((dome, posterior, temporal, temporal.mirrored()), 8.0)


def skull() -> Part:
    """Vault, base and face in one."""
    foramen_magnum = rod((0, 3, 1590), (0, 3, 1638), 16.0)
    vault: Shape = Solid(brain_case(), wall_mm=WALL_MM, without=(foramen_magnum,))
    shapes = (vault, *_base(), *_orbits(), *_midface(), *_upper_jaw())
    return Part("skull", shapes, cortex_mm=1.8, blend_mm=2.5)


def _base() -> tuple[Shape | Chain, ...]:
    right: tuple[Shape | Chain, ...] = (
        # Petrous ridge, mastoid, condyle.
        rod((14, 24, 1634), (58, -2, 1634), 7.0, 10.0),
        rod((60, 0, 1628), (54, 4, 1606), 9.0, 5.0),
        rod((17, 16, 1620), (14, -2, 1616), 5.5),
        # Greater wing of the sphenoid and pterygoid plates.
        sheet(
            [
                [(14, 40, 1640, 4), (38, 52, 1640, 3), (60, 50, 1640, 2.5)],
                [(16, 62, 1656, 3), (40, 72, 1660, 3), (58, 70, 1668, 2.5)],
            ],
            (2, 3),
        ),
        rod((14, 58, 1632), (17, 54, 1600), 3.0, 2.5),
    )
    clivus: tuple[Shape | Chain, ...] = (
        rod((0, 22, 1622), (0, 42, 1644), 7.0, 9.0),
        rod((0, 42, 1646), (0, 72, 1650), 9.0, 6.0),
    )
    return (*clivus, *paired(right))


def _orbits() -> tuple[Shape | Chain, ...]:
    rim = [
        (20, 116, 1656, 3.5), (26, 117, 1671, 4.5), (40, 113, 1673, 4.5), (53, 104, 1662, 4.5),
        (54, 102, 1646, 5.0), (44, 107, 1637, 5.0), (28, 113, 1636, 4.0), (20, 116, 1645, 3.0),
    ]  # fmt: skip
    right: tuple[Shape | Chain, ...] = (
        tube([*rim, rim[0]], 16),
        # Brow ridge and the frontal sinus's outer wall.
        tube([(0, 121, 1664, 5.5), (22, 119, 1674, 5.0), (50, 102, 1674, 4.5)], 6),
        # Walls of the orbit, running back to its apex.
        sheet(
            [
                [(20, 112, 1668, 2.0), (38, 110, 1672, 2.0), (53, 98, 1662, 2.0)],
                [(14, 74, 1660, 2.0), (26, 76, 1664, 2.0), (38, 74, 1660, 2.0)],
            ],
            (3, 3),
        ),
        sheet(
            [
                [(53, 98, 1662, 2.0), (54, 96, 1648, 2.0)],
                [(38, 74, 1660, 2.0), (36, 74, 1650, 2.0)],
            ],
            (3, 2),
        ),
        sheet(
            [
                [(14, 112, 1666, 1.6), (13, 112, 1640, 1.6)],
                [(12, 74, 1660, 1.6), (12, 74, 1644, 1.6)],
            ],
            (3, 2),
        ),
    )
    return paired(right)


def _midface() -> tuple[Shape | Chain, ...]:
    right: tuple[Shape | Chain, ...] = (
        # Zygoma and its arch.
        rod((53, 100, 1646), (50, 97, 1628), 6.0, 6.5),
        tube(
            [(52, 97, 1630, 5.5), (63, 76, 1632, 3.8), (66, 50, 1634, 3.5), (63, 26, 1634, 4.5)], 8
        ),
        # Maxilla: the sinus's front and side walls, the nose's edge.
        sheet(
            [
                [(14, 114, 1634, 2.5), (30, 110, 1634, 2.5), (46, 98, 1630, 3.0)],
                [(15, 112, 1616, 2.5), (28, 106, 1616, 2.5), (38, 90, 1618, 2.5)],
                [(12, 113, 1602, 4.0), (24, 104, 1601, 4.0), (31, 84, 1602, 3.5)],
            ],
            (4, 4),
        ),
        sheet(
            [
                [(46, 96, 1630, 2.5), (34, 66, 1632, 2.5)],
                [(31, 86, 1602, 3.0), (27, 64, 1604, 2.5)],
            ],
            (3, 3),
        ),
        sheet(
            [
                [(13, 110, 1634, 1.5), (13, 66, 1636, 1.5)],
                [(13, 108, 1604, 1.5), (13, 62, 1606, 1.5)],
            ],
            (3, 3),
        ),
        # Nasal bone.
        sheet(
            [
                [(1, 121, 1662, 2.0), (9, 114, 1658, 2.0)],
                [(1, 131, 1642, 1.5), (10, 119, 1640, 1.5)],
            ],
            (2, 2),
        ),
    )
    septum = sheet(
        [[(0, 114, 1650, 1.2), (0, 62, 1646, 1.2)], [(0, 114, 1606, 1.2), (0, 62, 1606, 1.2)]],
        (2, 2),
    )
    return (*paired(right), septum)


def _upper_jaw() -> tuple[Shape | Chain, ...]:
    palate = sheet(
        [
            [(-26, 68, 1603, 3.0), (-25, 92, 1603, 3.0), (-10, 108, 1603, 3.0)],
            [(0, 66, 1606, 3.0), (0, 92, 1606, 3.0), (0, 112, 1604, 3.0)],
            [(26, 68, 1603, 3.0), (25, 92, 1603, 3.0), (10, 108, 1603, 3.0)],
        ],
        (4, 3),
    )
    right = _arch(1600, 27.0, 114.0, 66.0, 6.0, 9.0)
    teeth = _arch(1588, 26.5, 114.0, 66.0, 3.6, 8.0)
    return (palate, *paired((*right, *teeth)))


def _arch(
    z: float, half_width: float, front: float, back: float, thick: float, tall: float
) -> tuple[Shape | Chain, ...]:
    """Half a dental arch: upright slabs side by side."""
    xs = (0.0, 0.38, 0.72, 0.93, 1.0)
    ys = (1.0, 0.95, 0.72, 0.38, 0.0)
    points = [(half_width * x, back + (front - back) * y, z) for x, y in zip(xs, ys, strict=True)]
    slabs: list[Shape] = []
    for (x0, y0, _), (x1, y1, _) in pairwise(points):
        length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        outward = (-(y1 - y0) / length, (x1 - x0) / length, 0.0)
        slabs.append(Segment((x0, y0, z), (x1, y1, z), tall, tall, outward, max(tall / thick, 1.0)))
    return tuple(slabs)


def mandible() -> Part:
    """Body, chin, rami with condyle and coronoid process, lower teeth."""
    right: tuple[Shape | Chain, ...] = (
        # Body: a tall slab from the chin to the angle.
        sheet(
            [
                [
                    (0, 106, 1567, 4.5),
                    (18, 99, 1567, 4.5),
                    (33, 76, 1570, 5.0),
                    (43, 52, 1577, 5.0),
                ],
                [
                    (0, 102, 1552, 4.5),
                    (19, 95, 1553, 4.5),
                    (36, 71, 1558, 4.5),
                    (46, 46, 1566, 4.5),
                ],
                [
                    (0, 105, 1537, 6.5),
                    (20, 94, 1538, 5.5),
                    (38, 66, 1546, 5.0),
                    (47, 42, 1558, 4.5),
                ],
            ],
            (4, 7),
        ),
        # Ramus.
        sheet(
            [
                [(43, 54, 1577, 4.5), (48, 39, 1561, 4.0)],
                [(47, 52, 1596, 3.5), (50, 27, 1586, 3.8)],
                [(49, 53, 1618, 2.5), (52, 23, 1612, 4.0)],
            ],
            (5, 4),
        ),
        rod((52, 22, 1612), (53, 20, 1624), 4.0, 5.0),
        Ellipsoid((53, 20, 1625), (9.0, 4.5, 4.0)),
        *_arch(1576, 26.0, 108.0, 62.0, 3.6, 8.0),
    )
    return Part("mandible", paired(right), cortex_mm=2.0, blend_mm=2.5)
