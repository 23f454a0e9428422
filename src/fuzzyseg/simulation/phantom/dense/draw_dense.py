"""All that makes a patient's CT dense, from one generator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.simulation.phantom.anatomy.abdomen import draw_oral
from fuzzyseg.simulation.phantom.anatomy.vessels import draw_contrast
from fuzzyseg.simulation.phantom.dense.bone_density import draw_density
from fuzzyseg.simulation.phantom.dense.implants import draw_implants
from fuzzyseg.simulation.phantom.dense.mineral import draw_mineral
from fuzzyseg.simulation.phantom.dense.wear import draw_wear

if TYPE_CHECKING:
    from fuzzyseg.simulation.phantom.anatomy.habitus import Body
    from fuzzyseg.simulation.phantom.dense.dense_settings import Dense, DenseSettings


def draw_dense(rng: np.random.Generator, body: Body, settings: DenseSettings) -> Dense:
    """Draw density of bone, wear, implants, calcifications and contrast agent.

    Each kind has a stream of its own, so that changing how often one occurs leaves the others
    as they are.

    Parameters
    ----------
    rng : Generator
    body : Body
    settings : DenseSettings

    Returns
    -------
    Dense
    """
    rngs = [np.random.default_rng(s) for s in rng.integers(2**63, size=6)]
    density = draw_density(rngs[0], body, settings)
    age = float(density.records[0]["age_years"])
    return (
        density
        + draw_wear(rngs[1], settings)
        + draw_mineral(rngs[2], age, settings)
        + draw_contrast(rngs[3], settings)
        + draw_oral(rngs[4], settings)
        + draw_implants(rngs[5], settings)
    )
