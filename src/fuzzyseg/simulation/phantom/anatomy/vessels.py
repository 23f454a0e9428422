"""Great vessels, and what contrast agent does to blood, kidneys and urine in the CT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.simulation.phantom.dense.dense_settings import Dense, DenseSettings, record
from fuzzyseg.simulation.phantom.shapes.build import Chain, Part, paired, spline, tube

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# Centre lines with radii, mm, in the reference body; the aorta is the heart's (organs.py).
_ARCH = ((8, 5, 1345, 14.0), (12, 10, 1390, 14.0), (-4, -14, 1415, 12.5), (-14, -32, 1385, 11.5))
_AORTA = ((-14, -32, 1385, 11.5), (-14, -36, 1250, 11.0), (-6, -14, 1120, 9.5), (-2, 12, 1060, 8.5))
_ILIAC = ((0, 12, 1058, 7.0), (26, -6, 1010, 5.5), (54, 2, 965, 5.0), (66, 34, 930, 4.5))
_FEMORAL = ((66, 34, 930, 4.5), (76, 36, 880, 4.2), (84, 26, 800, 3.8), (90, 16, 700, 3.5))
_CAROTID = ((10, -10, 1425, 4.0), (20, 10, 1490, 3.6), (27, 22, 1560, 3.2), (26, 24, 1615, 2.6))
_JUGULAR = ((22, 6, 1445, 6.0), (32, 4, 1500, 5.5), (34, 14, 1570, 5.0), (32, 14, 1618, 4.0))
_SUBCLAVIAN = ((16, -4, 1430, 5.0), (60, 4, 1468, 4.6), (100, -2, 1462, 4.2), (135, -18, 1430, 4.0))
_CAVA = ((24, 14, 1065, 10.0), (24, -2, 1130, 11.0), (24, -2, 1200, 12.0), (22, 4, 1300, 12.0))
_ILIAC_VEIN = ((22, 10, 1066, 8.0), (34, -12, 1010, 7.0), (56, -6, 965, 6.5), (74, 30, 925, 6.0))
_UPPER_CAVA = ((24, 8, 1330, 9.0), (24, 8, 1400, 9.0), (22, 8, 1445, 8.0))
_CORONARY = ((-10, 62, 1345, 1.8), (-30, 66, 1325, 1.8), (-52, 60, 1295, 1.6))
# What contrast agent adds to the CT, HU: arterial (25 s), venous (70 s) and excretory phase (5
# min), rounded from Bae, Radiology 2010;256:32-61.
PHASES: dict[str, dict[str, tuple[float, float]]] = {
    "arterial": {
        "heart": (150, 350), "kidney": (60, 140), "liver": (5, 20), "spleen": (50, 110),
    },
    "venous": {
        "heart": (80, 150), "kidney": (110, 180), "liver": (40, 70), "spleen": (55, 80),
        "soft tissue": (5, 20), "brain": (2, 6),
    },
    "late": {
        "heart": (25, 60), "kidney": (80, 250), "liver": (15, 35), "spleen": (15, 35),
        "soft tissue": (5, 15), "bladder": (50, 1200),
    },
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Artery:
    """A name and a centre line with radii, (K, 4) in mm."""

    name: str
    nodes: NDArray[np.float64]


def arteries() -> tuple[Artery, ...]:
    """Those that calcify, right and left."""
    found = [Artery("arch", np.array(_ARCH)), Artery("aorta", np.array(_AORTA))]
    found.append(Artery("coronary", np.array(_CORONARY)))
    for name, nodes in (("iliac", _ILIAC), ("femoral", _FEMORAL), ("carotid", _CAROTID)):
        for side, sign in (("right", 1.0), ("left", -1.0)):
            found.append(Artery(f"{name} {side}", np.array(nodes) * [sign, 1, 1, 1]))
    return tuple(found)


def vessels() -> Part:
    """Great vessels beside the heart's own, filled with blood."""
    right: list[Chain] = [
        tube(nodes, 5) for nodes in (_ILIAC, _ILIAC_VEIN, _FEMORAL, _CAROTID, _JUGULAR, _SUBCLAVIAN)
    ]
    single = [tube(_CAVA, 5), tube(_UPPER_CAVA, 3)]
    return Part("great vessels", (*single, *paired(right)), tissue="heart", blend_mm=1.5)


def lung_vessels(rng: np.random.Generator) -> tuple[Part, Part]:
    """Branches from each hilum outwards, 3 to 1 mm thick; vessels fill some 7% of a lung."""
    parts = []
    for name, sign in (("right", 1.0), ("left", -1.0)):
        chains: list[Chain] = []
        for _ in range(46):
            root = np.array([30.0, -18.0, rng.uniform(1310, 1380)])
            goal = np.array([rng.uniform(40, 112), rng.uniform(-90, 55), rng.uniform(1180, 1470)])
            middle = root + 0.5 * (goal - root) + rng.normal(0, 8.0, 3)
            thick = float(rng.uniform(1.6, 3.6))
            ends = [(*root, thick + 1.0), (*middle, 0.75 * thick), (*goal, 0.4 * thick)]
            chains.append(tube(np.array(ends) * [sign, 1, 1, 1], 4))
        parts.append(Part(f"lung vessels {name}", tuple(chains), tissue="heart", blend_mm=0.5))
    return parts[0], parts[1]


def spots_on_wall(
    rng: np.random.Generator, artery: Artery, count: int
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Yield points on an artery's wall with the direction outwards, denser downstream."""
    curve = spline(artery.nodes, 40)
    for _ in range(count):
        i = int(np.clip(len(curve) * rng.beta(1.6, 1.0), 1, len(curve) - 2))
        along = curve[i + 1, :3] - curve[i - 1, :3]
        outward = np.cross(along, rng.standard_normal(3))
        outward /= np.linalg.norm(outward)
        yield curve[i, :3] + 0.85 * curve[i, 3] * outward, outward


def draw_contrast(rng: np.random.Generator, settings: DenseSettings) -> Dense:
    """Draw whether contrast agent was given, and its phase."""
    phase = str(rng.choice(list(PHASES), p=[0.25, 0.5, 0.25]))
    added = {tissue: float(rng.uniform(*span)) for tissue, span in PHASES[phase].items()}
    if rng.random() >= settings.contrast:
        return Dense()
    return Dense(contrast_hu=added, records=(record("contrast agent", phase, added_hu=added),))
