from dataclasses import dataclass

import numpy as np
import pytest

from fuzzyseg.simulation.phantom.anatomy.habitus import Body
from fuzzyseg.simulation.phantom.anatomy.reference import bones, soft_parts
from fuzzyseg.simulation.phantom.grid import Grid
from fuzzyseg.simulation.phantom.model import Phantom
from fuzzyseg.simulation.phantom.shapes import deformation
from fuzzyseg.simulation.phantom.shapes.build import Part
from fuzzyseg.simulation.phantom.voxelise import voxelise


@dataclass
class Drawn:
    """The reference man, undeformed, on a grid that is its own mirror image."""

    body: Body
    bones: tuple[Part, ...]
    phantom: Phantom


@pytest.fixture(scope="session")
def reference() -> Drawn:
    body = Body()
    low, high = np.array([-252.0, -168.0, 700.0]), np.array([252.0, 168.0, 1768.0])
    parts = bones(body)
    grid = Grid.covering(low, high, (6.0, 6.0, 6.0))
    phantom = voxelise(parts, soft_parts(body), grid, body, deformation.none(), sample_mm=3.0)
    return Drawn(body, parts, phantom)
