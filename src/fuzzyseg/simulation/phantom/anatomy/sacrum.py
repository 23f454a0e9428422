"""Sacrum and coccyx: 110 mm wide at the wings and 115 mm high, adult male medians."""

from __future__ import annotations

import numpy as np

from fuzzyseg.simulation.phantom.shapes.build import Chain, Part, paired, rod, sheet, tube
from fuzzyseg.simulation.phantom.shapes.implicit import Ellipsoid, Shape, vector

# Centres of S1 to S5, half breadth and half depth of the bodies, and x of the lateral mass; mm.
_SACRUM = np.array(
    [
        [-31.0, 1012.0, 25.0, 15.5, 45.0],
        [-54.0, 994.0, 19.0, 12.0, 39.0],
        [-73.0, 974.0, 15.0, 9.5, 31.0],
        [-86.0, 953.0, 12.5, 8.0, 25.0],
        [-93.0, 933.0, 10.5, 6.5, 17.0],
    ]
)


def sacrum() -> Part:
    """S1 to S5 with wings, foramina and the median crest."""
    y, z, half_breadth, half_depth, side = _SACRUM.T
    slope = np.gradient(y, z)
    shapes: list[Shape | Chain] = []
    right: list[Shape | Chain] = []
    for i in range(5):
        up = np.array([0.0, slope[i], 1.0]) / np.hypot(1.0, slope[i])
        anterior = np.array([0.0, up[2], -up[1]])
        centre = np.array([0.0, y[i], z[i]])
        radii = (half_breadth[i], half_depth[i], 15.0 if i == 0 else 13.0)
        shapes.append(
            Ellipsoid(vector(centre), radii, ((1, 0, 0), vector(anterior), vector(up)), power=5.0)
        )
        # Bars between the foramina, from the body to the lateral mass.
        lateral = centre + np.array([side[i], 0, 0]) - 7.0 * anterior
        right.append(
            rod(
                centre + np.array([half_breadth[i] * 0.6, 0, 0]),
                lateral,
                half_depth[i] * 0.75,
                half_depth[i] * 0.7,
            )
        )
        # Lamina and median crest behind the canal.
        right.append(
            rod(lateral - 10 * anterior, centre - (half_depth[i] + 14) * anterior, 3.5, 4.0)
        )
        right.append(rod(lateral, lateral - 10 * anterior, 4.0, 3.5))
    # Wing: from the promontory's side to the ear-shaped joint, thinning downwards.
    ala = [
        [(20, -28, 1016, 9), (38, -36, 1015, 10), (54, -50, 1008, 9)],
        [(26, -44, 1000, 8), (42, -50, 998, 11), (53, -60, 992, 9)],
        [(28, -66, 982, 6), (36, -68, 980, 9), (42, -74, 976, 8)],
    ]
    right.append(sheet(ala, (3, 3)))
    mass = np.stack([side - 3, y - 8, z, np.array([11.0, 10, 8, 7, 5.5])], axis=1)
    right.append(tube(mass, 8))
    right.append(tube(mass + np.array([-4.0, -13.0, -4.0, -2.0]), 8))
    crest = np.stack(
        [np.zeros(5), y - half_depth - 17, z - 4, np.array([5.0, 5, 4.5, 4, 3])], axis=1
    )
    shapes.append(tube(crest, 8))
    # Articular processes for L5.
    right.append(rod((17, -58, 1012), (19, -50, 1030), 5.5, 4.5))
    return Part("sacrum", (*shapes, *paired(right)), cortex_mm=1.0, blend_mm=2.5)


def coccyx() -> Part:
    """Four fused segments, curving forward."""
    nodes = [(0, -96, 921, 7.0), (0, -96, 908, 6.0), (0, -91, 896, 4.5), (0, -84, 888, 3.5)]
    cornua = paired([rod((0, -96, 921), (11, -97, 920), 4.0, 2.5)])
    return Part("coccyx", (tube(nodes, 6), *cornua), cortex_mm=0.8)
