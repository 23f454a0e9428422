"""The whole reference body for one patient: every bone, every organ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.simulation.phantom.anatomy.abdomen import abdomen
from fuzzyseg.simulation.phantom.anatomy.girdle import girdle
from fuzzyseg.simulation.phantom.anatomy.habitus import MID_THIGH_Z, VERTEX_Z, Body
from fuzzyseg.simulation.phantom.anatomy.organs import arm_joints, organs
from fuzzyseg.simulation.phantom.anatomy.pelvis import femora, hip_bones
from fuzzyseg.simulation.phantom.anatomy.skull import mandible, skull
from fuzzyseg.simulation.phantom.anatomy.spine import spine
from fuzzyseg.simulation.phantom.anatomy.thorax import cartilages, ribs, sternum
from fuzzyseg.simulation.phantom.anatomy.vessels import lung_vessels, vessels
from fuzzyseg.simulation.phantom.shapes.build import Chain, Part
from fuzzyseg.simulation.phantom.shapes.solids import Profile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.simulation.phantom.shapes.deformation import Deformation


def bones(body: Body) -> tuple[Part, ...]:
    """Every bone, in reference coordinates."""
    return (
        skull(),
        mandible(),
        *spine(),
        *ribs(),
        sternum(),
        *girdle(body.arms, arm_joints(body)),
        *hip_bones(),
        *femora(),
    )


def soft_parts(
    body: Body, bladder_ml: float = 120.0, rng: np.random.Generator | None = None
) -> tuple[Part, ...]:
    """Everything that is not bone, in the order of painting; cartilage comes last.

    Parameters
    ----------
    body : Body
    bladder_ml : float, default 120
    rng : Generator, optional
        Draws bowel, its fat and the vessels of the lungs, which a CT shows; none without it.
    """
    parts = (*organs(body, bladder_ml), cartilages())
    if rng is None:
        return parts
    after = {"muscle": abdomen(rng, body), "lung left": lung_vessels(rng), "brain": (vessels(),)}
    return tuple(p for part in parts for p in (part, *after.get(part.name, ())))


def extent(
    body: Body, deformation: Deformation | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Box of the patient from mid-thigh to vertex, skin included, in mm.

    Parameters
    ----------
    body : Body
    deformation : Deformation, optional
        What bends the body; it moves the skin's outermost points.

    Returns
    -------
    low, high : float64 ndarray of shape (3,)
        Accurate to a few millimetres.
    """
    corners = _outermost(body, deformation)
    low, high = corners.min(axis=0), corners.max(axis=0)
    low[2] = MID_THIGH_Z * body.scale
    high[2] = max(high[2], VERTEX_Z * body.scale)
    return low, high


def reach(body: Body, deformation: Deformation) -> float:
    """Farthest that the skin lies from the middle of the patient's box, across the body, in mm."""
    across = _outermost(body, deformation)[:, :2]
    middle = (across.min(axis=0) + across.max(axis=0)) / 2
    return float(np.hypot(*(across - middle).T).max())


def _outermost(body: Body, deformation: Deformation | None) -> NDArray[np.float64]:
    """Outermost points of the skin, (N, 3), in mm."""
    corners = np.array([body.box_to_patient(p, p)[0] for p in _skin_points(body)])
    return corners if deformation is None else deformation.inverse(corners)


def _skin_points(body: Body) -> NDArray[np.float64]:
    """Outermost points (N, 3) of the skin's shapes within the field, in reference coordinates."""
    points = []
    for item in soft_parts(body)[0].shapes:
        for shape in item.shapes if isinstance(item, Chain) else (item,):
            if isinstance(shape, Profile):
                for z, half, front, back in shape.rows:
                    middle = (front + back) / 2
                    sides = [(-half, middle, z), (half, middle, z), (0.0, front, z), (0.0, back, z)]
                    points += [np.array(p) for p in sides]
                continue
            low, high = shape.bounds
            for axis in range(3):
                for end in (low, high):
                    point = (low + high) / 2
                    point[axis] = end[axis]
                    points.append(point)
    heights = np.array(points)[:, 2]
    return np.array(points)[(heights > MID_THIGH_Z) & (heights < VERTEX_Z + 5)]
