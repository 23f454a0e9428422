"""Where every vertebra sits.

Heights of vertebrae with their discs, breadths and depths of bodies are adult male means after
Panjabi et al., Spine 1991;16:861 (cervical), 1991;16:888 (thoracic) and 1992;17:299 (lumbar), and
Gilad and Nissan, J Anat 1985;143:115, rounded. Curvatures are those of a standing adult.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# name: height with the disc below, y of the body's centre, breadth, depth, disc; mm.
_TABLE = {
    "L5": (36.0, -20.0, 49.0, 34.0, 9.0),
    "L4": (38.0, -16.0, 48.0, 34.0, 10.0),
    "L3": (38.0, -18.0, 46.0, 34.0, 9.5),
    "L2": (37.0, -25.0, 44.0, 33.0, 9.0),
    "L1": (35.5, -34.0, 42.0, 32.0, 8.0),
    "T12": (31.0, -42.0, 40.0, 31.0, 6.5),
    "T11": (28.5, -49.0, 37.0, 31.0, 5.5),
    "T10": (26.5, -55.0, 34.0, 30.0, 5.0),
    "T9": (25.0, -60.0, 32.0, 29.0, 4.5),
    "T8": (24.0, -63.0, 31.0, 28.0, 4.5),
    "T7": (23.0, -64.5, 30.0, 27.0, 4.5),
    "T6": (22.5, -64.0, 29.0, 26.0, 4.5),
    "T5": (21.5, -62.0, 28.0, 24.0, 4.0),
    "T4": (20.5, -58.0, 28.0, 22.0, 4.0),
    "T3": (20.0, -52.5, 28.0, 20.0, 4.0),
    "T2": (19.5, -46.0, 29.0, 18.5, 4.0),
    "T1": (19.0, -38.0, 31.0, 17.5, 4.0),
    "C7": (18.0, -28.0, 29.0, 17.0, 5.0),
    "C6": (17.0, -18.0, 27.0, 16.5, 5.0),
    "C5": (16.5, -9.0, 25.5, 16.0, 5.0),
    "C4": (16.5, -2.0, 24.5, 16.0, 5.0),
    "C3": (16.5, 4.0, 23.5, 15.5, 5.0),
    "C2": (21.0, 10.0, 22.0, 15.5, 5.0),
    "C1": (13.0, 14.0, 22.0, 15.0, 3.0),
}
_SACRAL_TOP_Z = 1028.0


@dataclass(frozen=True)
class Level:
    """Where a vertebra sits: centre of its body, its frame's anterior and upward directions."""

    name: str
    centre: NDArray[np.float64]
    anterior: NDArray[np.float64]
    up: NDArray[np.float64]
    breadth: float
    depth: float
    height: float

    def at(self, x: float, y: float, z: float) -> NDArray[np.float64]:
        """Carry a point given in the vertebra's own frame to the body's; mm."""
        return np.asarray(self.centre + x * np.array([1.0, 0, 0]) + y * self.anterior + z * self.up)


def levels() -> dict[str, Level]:
    """Every presacral vertebra, from L5 up to C1."""
    names = list(_TABLE)
    rows = np.array(list(_TABLE.values()))
    tops = _SACRAL_TOP_Z + np.cumsum(rows[:, 0])
    z = tops - (rows[:, 0] - rows[:, 4]) / 2
    centres = np.stack([np.zeros(len(z)), rows[:, 1], z], axis=1)
    # The lordosis at L5 goes on into the sacrum, which tilts the last vertebra forward.
    slope = np.gradient(rows[:, 1], z)
    slope[0] = -0.28
    result = {}
    for i, name in enumerate(names):
        up = np.array([0.0, slope[i], 1.0]) / np.hypot(1.0, slope[i])
        anterior = np.array([0.0, up[2], -up[1]])
        total, _, breadth, depth, disc = rows[i]
        result[name] = Level(name, centres[i], anterior, up, breadth, depth, total - disc)
    return result
