"""Skin, fat, lungs and organs, in the order in which they are laid over each other.

Volumes and places are adult medians: lungs 5 L at rest in inspiration, heart 0.7 L, liver 1.5 L,
kidneys 0.16 L each, spleen 0.18 L, bladder as drawn, brain 1.4 L (ICRP Publication 89, 2002).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.simulation.phantom.anatomy.girdle import joints, scapular
from fuzzyseg.simulation.phantom.anatomy.habitus import REFERENCE_BMI, Body
from fuzzyseg.simulation.phantom.anatomy.skull import WALL_MM, brain_case
from fuzzyseg.simulation.phantom.shapes.build import Chain, Part, both_sides, paired, rod, tube
from fuzzyseg.simulation.phantom.shapes.implicit import Ellipsoid, Shape, Vector, vector
from fuzzyseg.simulation.phantom.shapes.solids import HalfSpace, Profile, Solid

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Trunk at the reference body-mass index: z, half breadth, y of front and back, and what each unit
# of index adds to breadth, front and back; mm.
_TRUNK = np.array(
    [
        [790.0, 172, 70, -105, 2.4, 2.0, 1.6],
        [840.0, 176, 80, -118, 2.6, 2.2, 2.0],
        [890.0, 179, 90, -130, 2.8, 2.6, 2.2],
        [940.0, 178, 97, -136, 3.2, 3.6, 2.2],
        [990.0, 172, 102, -132, 3.8, 5.0, 2.2],
        [1040.0, 160, 103, -118, 4.6, 6.2, 2.2],
        [1090.0, 151, 103, -106, 5.0, 6.8, 2.2],
        [1150.0, 150, 106, -106, 4.8, 6.6, 2.0],
        [1210.0, 153, 110, -116, 4.2, 5.6, 1.8],
        [1270.0, 156, 112, -126, 3.6, 4.2, 1.8],
        [1330.0, 162, 108, -132, 3.2, 3.2, 1.8],
        [1380.0, 170, 97, -134, 2.8, 2.6, 1.8],
        [1420.0, 174, 80, -130, 2.4, 2.2, 1.8],
        [1455.0, 166, 60, -120, 2.0, 1.8, 1.8],
        [1480.0, 140, 48, -106, 1.8, 1.6, 1.6],
        [1500.0, 98, 40, -92, 1.4, 1.4, 1.4],
        [1516.0, 64, 36, -82, 1.2, 1.2, 1.2],
        [1530.0, 52, 34, -74, 1.0, 1.0, 1.0],
    ]
)
# Inside of the rib cage: z, half breadth, y of front and back; mm.
CAGE = (
    (1120.0, 116.0, 30.0, -74.0), (1160.0, 121.0, 52.0, -82.0), (1200.0, 123.0, 66.0, -91.0),
    (1250.0, 122.0, 76.0, -99.0), (1300.0, 118.0, 78.0, -103.0), (1350.0, 111.0, 68.0, -103.0),
    (1400.0, 99.0, 48.0, -98.0), (1430.0, 86.0, 34.0, -90.0), (1460.0, 66.0, 18.0, -78.0),
    (1480.0, 48.0, 4.0, -70.0), (1498.0, 22.0, -12.0, -58.0),
)  # fmt: skip


# Below the reference the skeleton holds the skin out: a lean trunk shrinks less per unit of index.
_LEAN = 0.4


def trunk_rows(bmi: float) -> tuple[tuple[float, float, float, float], ...]:
    """Sections of the trunk's skin: z, half breadth, y of front and back, in mm."""
    more = bmi - REFERENCE_BMI
    if more < 0:
        more *= _LEAN
    z, half, front, back, dh, df, db = _TRUNK.T
    table = np.stack([z, half + dh * more, front + df * more, back - db * more], axis=1)
    return tuple((float(a), float(b), float(c), float(d)) for a, b, c, d in table)


def arm_joints(body: Body) -> dict[str, NDArray[np.float64]]:
    """Place the right arm's joints beside a trunk of this breadth."""
    rows = trunk_rows(body.bmi)
    hip = max(row[1] for row in rows if row[0] < 950)
    waist = max(row[1] for row in rows if 1090 <= row[0] < 1220)
    return joints(body.arms, hip, waist)


def fat_mm(bmi: float) -> float:
    """Thickness of fat under the skin of the trunk, mm: about 12 mm at 24 kg/m2."""
    return float(np.clip(12.0 + 1.7 * (bmi - REFERENCE_BMI), 3.0, 60.0))


def organs(body: Body, bladder_ml: float) -> tuple[Part, ...]:
    """Every soft part, outermost first; each replaces what it overlaps."""
    fat = fat_mm(body.bmi)
    lungs = _lungs()
    liver = _liver()
    return (
        Part("skin and fat", _outline(body, 0.0), tissue="adipose", blend_mm=18.0),
        Part("muscle", _outline(body, fat), tissue="soft tissue", blend_mm=18.0),
        *both_sides(Part("lung right", (lungs,), tissue="lung")),
        Part("heart", _heart(), tissue="heart", blend_mm=8.0),
        Part("liver", liver, tissue="liver", blend_mm=14.0),
        Part("spleen", (_spleen(),), tissue="spleen"),
        Part("kidneys", _kidneys(), tissue="kidney"),
        Part("bladder", (bladder(bladder_ml),), tissue="bladder"),
        Part("brain", (_brain(),), tissue="brain"),
        Part("airways", _airways(), tissue="air", blend_mm=2.0),
    )


def _outline(body: Body, inset: float) -> tuple[Shape | Chain, ...]:
    limb = min(inset, 4.0 + 0.35 * inset)
    head = min(inset, 4.0)
    more = body.bmi - REFERENCE_BMI
    shapes: list[Shape] = [
        Profile(trunk_rows(body.bmi), grow_mm=-inset),
        Ellipsoid((0.0, 27.0, 1678.0), (78.0 - head, 102.0 - head, 84.0 - head)),
        rod((0, 76, 1612), (0, 78, 1562), 52.0 - head, 42.0 - head),
        rod((0, 20, 1610), (0, -26, 1500), 60.0 + 0.6 * more - head, 62.0 + more - head),
    ]
    nose = rod((0, 118, 1640), (0, 140, 1622), 8.0, 10.0)
    thigh = [
        (88, -16, 900, 84 + 2.0 * more - limb), (94, -12, 800, 82 + 2.2 * more - limb),
        (94, -6, 680, 74 + 1.8 * more - limb), (92, -6, 560, 62 + 1.2 * more - limb),
    ]  # fmt: skip
    jaw = rod((50, 34, 1632), (42, 48, 1568), 22.0 - head, 21.0 - head)
    right: list[Shape | Chain] = [jaw, tube(thigh, 6), *_arm(body, limb)]
    if body.sex == "female" and inset == 0.0:
        size = 42.0 + 1.5 * more
        right.append(Ellipsoid((76.0, 96.0 + 2 * more, 1325.0), (size * 1.15, size * 0.9, size)))
    return (*shapes, nose, *paired(right))


def _arm(body: Body, inset: float) -> tuple[Shape | Chain, ...]:
    at = arm_joints(body)
    more = body.bmi - REFERENCE_BMI
    shoulder, elbow, wrist = at["shoulder"], at["elbow"], at["wrist"]
    middle = 0.55 * shoulder + 0.45 * elbow
    upper = [
        (*shoulder, 46 + 0.8 * more - inset), (*middle, 44 + 1.0 * more - inset),
        (*elbow, 36 + 0.5 * more - inset),
    ]  # fmt: skip
    forearm = [
        (*elbow, 36 + 0.5 * more - inset),
        (*(0.65 * elbow + 0.35 * wrist), 38 + 0.5 * more - inset), (*wrist, 28 - inset),
    ]  # fmt: skip
    palm = rod(wrist, at["knuckle"], 28 - inset, 30 - inset)
    fingers = rod(at["knuckle"], at["tip"], 30 - inset, 24 - inset)
    hand = tuple(
        type(s)(s.a, s.b, s.radius_a + 12, s.radius_b + 12, (1.0, 0.0, 0.0), 2.2)
        for s in (palm, fingers)
    )
    chest = rod(shoulder, (100, -10, 1420), 44 + 0.8 * more - inset, 50.0 - inset)
    # Muscle over the shoulder blade, down to its lower angle.
    blade = scapular([[112.0, -92.0, 1345.0], [140.0, -30.0, 1450.0]], body.arms)
    behind = rod(blade[0], blade[1], 30 + 0.8 * more - inset, 42 + 0.8 * more - inset)
    return (behind, tube(upper, 6), tube(forearm, 5), *hand, chest)


def _lungs() -> Shape:
    return Solid(
        Profile(CAGE, power=2.2, grow_mm=-3.0),
        within=(
            HalfSpace((13.0, 0.0, 1300.0), (-1.0, 0.0, 0.08)),
            HalfSpace((0.0, 0.0, 1152.0), (0.0, 0.0, -1.0)),
        ),
        without=(
            _dome(3.0),
            # Under the heart the diaphragm is held up by its central tendon.
            Ellipsoid((0.0, 30.0, 1180.0), (75.0, 75.0, 85.0)),
            # Spine and mediastinum, and the muscles beside the spinous processes.
            Ellipsoid((0.0, -50.0, 1320.0), (34.0, 34.0, 400.0)),
            Ellipsoid((0.0, -112.0, 1330.0), (46.0, 46.0, 600.0)),
            Ellipsoid((0.0, 62.0, 1400.0), (26.0, 45.0, 200.0)),
        ),
    )


def _dome(thick: float) -> Ellipsoid:
    """Draw the diaphragm's right dome."""
    return Ellipsoid((64.0, -8.0, 1186.0), (70.0 + thick, 100.0 + thick, 92.0 + thick))


def _heart() -> tuple[Shape | Chain, ...]:
    axis = np.array([-0.62, 0.55, -0.56])
    axis /= np.linalg.norm(axis)
    side = np.cross(axis, [0.0, 0.0, 1.0])
    side /= np.linalg.norm(side)
    frame = (vector(axis), vector(side), vector(np.cross(axis, side)))
    aorta = [
        (8, 5, 1345, 14.0),
        (12, 10, 1390, 14.0),
        (-4, -14, 1415, 12.5),
        (-14, -32, 1385, 11.5),
    ]
    down = [
        (-14, -32, 1385, 11.5),
        (-14, -36, 1250, 11.0),
        (-6, -14, 1120, 9.5),
        (-2, 12, 1060, 8.5),
    ]
    return (
        Ellipsoid((-22.0, 26.0, 1312.0), (62.0, 44.0, 46.0), frame),
        Ellipsoid((16.0, 12.0, 1325.0), (30.0, 32.0, 40.0)),
        tube(aorta, 8),
        tube(down, 8),
    )


def _liver() -> tuple[Shape, ...]:
    cage = Profile(CAGE, power=2.2, grow_mm=-5.0)
    right = Ellipsoid((66.0, -4.0, 1200.0), (62.0, 82.0, 76.0))
    left = rod((10, 38, 1228), (-52, 44, 1240), 32.0, 16.0)
    under = HalfSpace((60.0, 0.0, 1140.0), (-0.75, 0.25, -1.0))
    return (Solid(right, within=(cage, under)), Solid(left, within=(cage,)))


def _spleen() -> Shape:
    return Ellipsoid((-92.0, -56.0, 1220.0), (22.0, 40.0, 54.0), _tilted(-12.0))


def _kidneys() -> tuple[Shape, ...]:
    return (
        Ellipsoid((60.0, -58.0, 1143.0), (28.0, 23.0, 54.0), _tilted(10.0)),
        Ellipsoid((-60.0, -60.0, 1157.0), (28.0, 23.0, 56.0), _tilted(-10.0)),
    )


def bladder(volume_ml: float) -> Ellipsoid:
    """Draw the bladder above and behind the pubis, holding this much."""
    radius = (volume_ml * 1000 * 3 / (4 * np.pi)) ** (1 / 3)
    return Ellipsoid((0.0, -4.0, 900.0 + 0.9 * radius), (1.12 * radius, radius, 0.9 * radius))


def _brain() -> Shape:
    return Solid(brain_case(), grow_mm=-(WALL_MM + 1.5))


def _airways() -> tuple[Shape | Chain, ...]:
    trachea = [(0, 30, 1570, 8.0), (0, 22, 1530, 9.0), (0, -8, 1455, 8.5), (0, -20, 1390, 8.5)]
    nose = rod((0, 104, 1620), (0, 52, 1616), 9.0, 8.0)
    throat = tube([(0, 48, 1616, 8.0), (0, 36, 1590, 8.0), (0, 30, 1570, 8.0)], 3)
    sinus = paired([Ellipsoid((25.0, 88.0, 1618.0), (10.0, 16.0, 12.0))])
    main = paired([rod((0, -22, 1390), (38, -28, 1355), 7.0, 6.0)])
    return (tube(trachea, 8), nose, throat, *sinus, *main)


def _tilted(degrees: float) -> tuple[Vector, Vector, Vector]:
    """Axes turned in the frontal plane."""
    c, s = float(np.cos(np.deg2rad(degrees))), float(np.sin(np.deg2rad(degrees)))
    return (c, 0.0, s), (0.0, 1.0, 0.0), (-s, 0.0, c)
