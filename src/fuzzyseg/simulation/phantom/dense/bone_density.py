"""How dense a patient's bone is: age, osteoporotic marrow, thin cortex, fatty shafts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.simulation.phantom.dense.dense_settings import Dense, DenseSettings, Graded, record
from fuzzyseg.simulation.phantom.shapes.build import Part, rod
from fuzzyseg.simulation.phantom.tissues import TISSUES

if TYPE_CHECKING:
    from fuzzyseg.simulation.phantom.anatomy.habitus import Body

_AGES = (35.0, 90.0)
# Trabecular CT numbers by bone over the lumbar spine's: dense in neck and skull, sparse in ribs and
# arms. Rounded by us from CT of adults, with a spread between bones of a patient.
_BY_KIND = {
    "L": 1.0, "T": 1.1, "C": 1.7, "sacrum": 0.75, "coccyx": 0.7, "hip": 1.0, "rib": 0.8,
    "sternum": 0.55, "skull": 1.8, "mandible": 1.4, "clavicle": 0.9, "scapula": 1.0,
    "humerus": 0.7, "forearm": 0.9, "hand": 1.0, "femur": 1.2,
}  # fmt: skip
_SPREAD = 0.12
_MOST_FATTY = 0.97
_THINNEST = 0.55


def draw_density(rng: np.random.Generator, body: Body, settings: DenseSettings) -> Dense:
    """Draw age, marrow and cortex; the marrow of long bones' shafts is fat.

    The share of fat in the spongiosa of L1 is that which gives its CT number by mixing,
    HU = (1 - s) HU(spongiosa) + s HU(marrow); other bones' follow with a factor.
    """
    mean, sd = settings.age_years
    age = float(np.clip(rng.normal(mean, sd), *_AGES))
    lumbar = settings.lumbar_hu_at_27 - settings.lumbar_hu_per_year * (age - 27.0)
    lumbar = float(max(lumbar + settings.lumbar_hu_sd * rng.normal(), -20.0))
    spongy, fat = TISSUES["spongiosa"].hu, TISSUES["marrow"].hu
    hard = TISSUES["cortical bone"].hu
    fatty = {}
    for kind, factor in _BY_KIND.items():
        # Factors hold for what a CT adds to marrow without bone.
        wanted = fat + (lumbar - fat) * factor * float(np.exp(_SPREAD * rng.normal()))
        share = (spongy - wanted) / (spongy - fat)
        if share < 0:
            share = (spongy - wanted) / (hard - spongy)
        fatty[kind] = float(np.clip(share, -0.6, _MOST_FATTY))
    cortex = float(rng.uniform(*settings.cortex)) * (1 - settings.cortex_per_year * (age - 27.0))
    cortex = max(cortex, _THINNEST)
    if not settings.varied:
        return Dense(records=(record("bone density", "skeleton", age_years=age),))
    found = record("bone density", "skeleton", age_years=age, lumbar_hu=lumbar, cortex=cortex)
    return Dense(changes=_shafts(body), fatty=fatty, cortex=cortex, records=(found,))


def _shafts(body: Body) -> tuple[Graded, ...]:
    from fuzzyseg.simulation.phantom.anatomy.organs import arm_joints

    at = arm_joints(body)
    shoulder, elbow = at["shoulder"], at["elbow"]
    arm = rod(shoulder + 0.25 * (elbow - shoulder), shoulder + 0.9 * (elbow - shoulder), 18.0)
    leg = rod((119, -16, 845), (100, -6, 560), 15.0)
    return tuple(
        Graded(Part(name, (shape, shape.mirrored()), tissue="marrow"), 0.95)
        for name, shape in (("humeral shafts", arm), ("femoral shafts", leg))
    )
