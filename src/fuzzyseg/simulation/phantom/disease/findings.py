"""Uptake that is no lesion: wear, fractures, urine, teeth, and what else a reader must know.

Where they may be is in `finding_places`, how often and how bright is `population.Chance`'s. Labels
are untouched: what lies in bone stays bone, all else background.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.simulation.phantom.disease.finding_places import Place, places
from fuzzyseg.simulation.phantom.shapes.deformation import Deformation, sample_points

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fuzzyseg.simulation.phantom.anatomy.habitus import Body
    from fuzzyseg.simulation.phantom.grid import Grid
    from fuzzyseg.simulation.phantom.model import Phantom
    from fuzzyseg.simulation.phantom.shapes.implicit import Shape
    from fuzzyseg.simulation.population_laws import Population

    Array = NDArray[np.float32]

_EDGE_MM = 3.0  # over which a finding fades
_REACH_MM = 9.0  # outside a shape, where what is left of it is cut
_LEAST_ML = 0.02  # of tissue, below which a finding is out of the field


@dataclass(frozen=True)
class Finding:
    """A finding that a patient has.

    Parameters
    ----------
    place : Place
    gain : float
    sclerosis : float
        Share of marrow that became as dense as cortex.
    """

    place: Place
    gain: float
    sclerosis: float = 0.0

    def as_dict(self, volume_ml: float, centres_mm: list[list[float]]) -> dict[str, Any]:
        """For the patient's record; the centres are those of its parts."""
        return {
            "name": self.place.name,
            "where": self.place.where,
            "on": self.place.on,
            "gain": round(self.gain, 3),
            "sclerosis": round(self.sclerosis, 3),
            "volume_ml": round(volume_ml, 2),
            "centres_mm": centres_mm,
        }


def draw_findings(
    rng: np.random.Generator, population: Population, body: Body, bladder_ml: float
) -> tuple[Finding, ...]:
    """Draw which of a population's findings a patient has."""
    wear = float(rng.uniform(*population.wear))
    found = []
    for place in places(body, bladder_ml, rng):
        chance = population.findings.get(place.name)
        # The same numbers are used up whatever comes of them.
        draw, state = rng.random(), rng.integers(2**63)
        if chance is None:
            continue
        probability = chance.probability * (wear if chance.degenerative else 1.0)
        if draw < probability:
            own = np.random.default_rng(state)
            gain = chance.gain.draw(own)
            found.append(Finding(place, gain, float(own.uniform(*chance.sclerosis))))
    return tuple(found)


def paint_findings(
    findings: tuple[Finding, ...],
    phantom: Phantom,
    body: Body,
    bent: Deformation,
    soft: Array,
    bone: Array,
    relative: Mapping[str, float],
) -> tuple[Array, list[dict[str, Any]]]:
    """Change the normal uptake, in place, by what findings do to it.

    Parameters
    ----------
    findings : tuple of Finding
    phantom : Phantom
    body, bent : Body, Deformation
        From the patient to the reference body.
    soft, bone : float32 ndarray of shape (X, Y, Z)
        Normal uptake: see `relative_uptake`.
    relative : mapping from tissue to float
        Concentrations of kidney and bladder.

    Returns
    -------
    dense : float32 ndarray of shape (X, Y, Z)
        Share of the voxel that turned from marrow to cortex.
    record : list of dict
        Of the findings that lie in the field.
    """
    dense = np.zeros(phantom.grid.shape, np.float32)
    record = []
    for finding in findings:
        volume, centres = 0.0, []
        for shape in finding.place.shapes:
            found = _weight(shape, phantom.grid, body, bent)
            if found is None:
                continue
            box, weight = found
            on = finding.place.on
            if on == "bone":
                marrow = phantom.fraction_in("spongiosa", box)
                bone[box] *= 1 + np.float32(finding.gain - 1) * weight
                np.maximum(
                    dense[box], np.float32(finding.sclerosis) * weight * marrow, out=dense[box]
                )
                tissue = phantom.bone_in(box)
            elif on == "soft":
                tissue = np.clip(1 - phantom.fraction_in("air", box) - phantom.bone_in(box), 0, 1)
                np.maximum(soft[box], np.float32(finding.gain) * weight * tissue, out=soft[box])
            else:
                tissue = phantom.fraction_in(on, box)
                soft[box] += np.float32((finding.gain - 1) * relative[on]) * weight * tissue
            there = weight * tissue
            part = float(there.sum(dtype=np.float64)) * phantom.grid.voxel_ml
            volume += part
            if part >= _LEAST_ML:
                centres.append(_centre_mm(there, box, phantom.grid))
        if volume >= _LEAST_ML:
            record.append(finding.as_dict(volume, centres))
    return dense, record


def _centre_mm(there: Array, box: tuple[slice, slice, slice], grid: Grid) -> list[float]:
    """Centre of mass of a box of weights."""
    return [
        round(float(np.average(grid.axis(i)[box[i]], weights=there.sum(axis=others))), 1)
        for i, others in enumerate(((1, 2), (0, 2), (0, 1)))
    ]


def _weight(
    shape: Shape, grid: Grid, body: Body, bent: Deformation
) -> tuple[tuple[slice, slice, slice], Array] | None:
    """How much of a shape is at each voxel of a box around it, fading over its edge."""
    low, high = body.box_to_patient(shape.bounds[0] - _REACH_MM, shape.bounds[1] + _REACH_MM)
    # The anatomy at p comes from p + u(p), and u never exceeds its limit along an axis.
    first = np.floor((low - bent.limit_mm - grid.origin_mm) / grid.spacing_mm).astype(int)
    last = np.ceil((high + bent.limit_mm - grid.origin_mm) / grid.spacing_mm).astype(int) + 1
    first, last = np.maximum(first, 0), np.minimum(last, grid.shape)
    if (first >= last).any():
        return None
    x, y, z = (slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    box = (x, y, z)
    axes = [grid.axis(i)[s] for i, s in enumerate(box)]
    d = shape.distance(body.to_reference(*sample_points(axes, bent)))
    weight = 1 / (1 + np.exp(np.clip(d / np.float32(_EDGE_MM / 2), -30, 30)))
    return box, np.asarray(np.where(d < _REACH_MM, weight, 0), dtype=np.float32)
