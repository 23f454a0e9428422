"""The same body on another day: it lies otherwise, and its lesions have changed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.simulation.healthy import BLADDER_ML, Day, cropped, draw_healthy
from fuzzyseg.simulation.laws import Uniform
from fuzzyseg.simulation.patient import put_together, seeds_of, streams_of
from fuzzyseg.simulation.phantom.disease.metastases import DIAMETER_MM, MOST_LESIONS, Canvas
from fuzzyseg.simulation.phantom.uptake import draw_uptake

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.simulation.laws import Law
    from fuzzyseg.simulation.patient import Patient
    from fuzzyseg.simulation.patient_settings import PatientSettings
    from fuzzyseg.simulation.phantom.disease.metastases import Lesion
    from fuzzyseg.simulation.phantom.shapes.deformation import Deformation

_MIDDLE_MM = (0.0, 0.0, 1230.0)  # of the body, which turns about it
_MOST_TO_BONE = 30.0


@dataclass(frozen=True)
class FollowUpLaws:
    """What another day brings.

    Parameters
    ----------
    about : str
        One line for people.
    gone : float
        Share of lesions that vanish.
    resized, reheated : float
        Share of the others whose size, and whose concentration, changes.
    size, heat : Law
        Logarithm of the factor on diameter and on concentration; up or down alike.
    new : float
        Mean number of new lesions, Poisson.
    shift_sd_mm : (x, y, z)
        Of where the patient lies, against the first day.
    turn_sd_deg : float
        About each axis.
    bend_sd_mm : float
        Of control displacements; the body's own are about a third of it.
    """

    about: str
    gone: float = 0.12
    resized: float = 0.5
    reheated: float = 0.5
    size: Law = field(default_factory=lambda: Uniform(0.12, 0.45))
    heat: Law = field(default_factory=lambda: Uniform(0.2, 0.8))
    new: float = 1.5
    shift_sd_mm: tuple[float, float, float] = (12.0, 12.0, 20.0)
    turn_sd_deg: float = 1.5
    bend_sd_mm: float = 5.0


FOLLOW_UPS = {
    "changed": FollowUpLaws("some lesions vanish, grow, shrink, heat up, cool, and some are new"),
    "unchanged": FollowUpLaws(
        "only position, bladder and noise change", gone=0.0, resized=0.0, reheated=0.0, new=0.0
    ),
}


@dataclass(frozen=True, eq=False)
class FirstDay:
    """What is needed of a patient to scan it again: how it was drawn, and what came of it."""

    seed: int
    settings: PatientSettings
    lesions: tuple[Lesion, ...]
    bent: Deformation | None


def draw_follow_up(
    first: FirstDay, day_seed: np.random.SeedSequence, laws: FollowUpLaws
) -> tuple[Patient, dict[str, Any]]:
    """Draw the patient of another day.

    Parameters
    ----------
    first : FirstDay
        Of a parametric body.
    day_seed : SeedSequence
    laws : FollowUpLaws

    Returns
    -------
    patient : Patient
        Body, normal uptake and findings are the first day's.
    changes : dict
        "baseline_from_follow_up", a matrix (4, 4) in mm that holds but for bends, and "lesions":
        of each its number on either day, from 1 as in patient.json, or None, "change" ("new",
        "gone", "changed", "unchanged"), and [baseline, follow-up] of centre_mm, diameter_mm,
        to_bone and volume_ml.

    Raises
    ------
    InputError
        If the first day's body is not parametric.
    TooWideError
        If the body does not fit as it lies.
    """
    if first.bent is None or first.settings.phantom is not None:
        raise InputError(
            "expected a built-in body to follow up, found one from a file; draw it without phantom"
        )
    of_day, of_lesions, of_ct = (np.random.default_rng(s) for s in day_seed.spawn(3))
    seeds = seeds_of(first.seed)
    streams = streams_of(seeds, first.settings.population.anatomy)
    drawn = draw_uptake(streams["uptake"], first.settings.population.uptake)
    day = _draw_day(of_day, laws)
    normal = cropped(draw_healthy(streams, first.settings, drawn, day), first.settings.axial)
    canvas = Canvas.of(normal.phantom, first.settings.population.lesions, normal.by_region)
    lesions: list[Lesion] = []
    told: list[dict[str, Any]] = []
    for number, before in enumerate(first.lesions, start=1):
        planned, change = _changed(of_lesions, before, laws, canvas.least_to_bone(before.region))
        place = np.array([before.centre_mm])
        in_reference = place + first.bent.at(place)
        x, y, z = (round(float(c), 2) for c in normal.bent.inverse(in_reference)[0])
        after = canvas.again(replace(planned, centre_mm=(x, y, z))) if change != "gone" else None
        if after is None:
            change = "gone"  # planned, or out of the field or room
        else:
            lesions.append(after)
        told.append(_told(change, number, len(lesions), before, after))
    room = MOST_LESIONS - len(lesions)
    for after in canvas.draw(of_lesions, min(int(of_lesions.poisson(laws.new)), room)):
        lesions.append(after)
        told.append(_told("new", None, len(lesions), None, after))
    changes = {"baseline_from_follow_up": day.to_before.tolist(), "lesions": told}
    return put_together(seeds, first.settings, normal, drawn, lesions, canvas, of_ct), changes


def _draw_day(rng: np.random.Generator, laws: FollowUpLaws) -> Day:
    turn = np.clip(rng.standard_normal(3), -2, 2) * math.radians(laws.turn_sd_deg)
    shift = np.clip(rng.standard_normal(3), -2, 2) * laws.shift_sd_mm
    to_before = np.eye(4)
    to_before[:3, :3] = _rotation(turn)
    to_before[:3, 3] = _MIDDLE_MM - to_before[:3, :3] @ _MIDDLE_MM + shift
    bladder_ml = float(rng.uniform(*BLADDER_ML))
    return Day(to_before, laws.bend_sd_mm, int(rng.integers(2**63)), bladder_ml)


def _rotation(turn: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation by a vector of radians."""
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_rotvec(turn).as_matrix(), np.float64)


def _changed(
    rng: np.random.Generator, before: Lesion, laws: FollowUpLaws, least: float
) -> tuple[Lesion, str]:
    """Draw what becomes of a lesion; the same numbers are used up whatever comes of them."""
    gone, resized, reheated = rng.random(3) < (laws.gone, laws.resized, laws.reheated)
    size, heat = (law.draw(rng) * rng.choice((-1, 1)) for law in (laws.size, laws.heat))
    if gone:
        return before, "gone"
    diameter, to_bone = before.diameter_mm, before.to_bone
    if resized:
        diameter = float(np.clip(diameter * math.exp(size), *DIAMETER_MM))
    if reheated:
        to_bone = float(np.clip(to_bone * math.exp(heat), min(least, to_bone), _MOST_TO_BONE))
    after = replace(before, diameter_mm=diameter, to_bone=to_bone)
    same = (diameter, to_bone) == (before.diameter_mm, before.to_bone)
    return after, "unchanged" if same else "changed"


def _told(
    change: str, number: int | None, later: int, before: Lesion | None, after: Lesion | None
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "change": change,
        "baseline": number,
        "follow_up": None if after is None else later,
        "region": (before or after).region,  # type: ignore[union-attr]
    }
    for name in ("centre_mm", "diameter_mm", "to_bone", "volume_ml"):
        both = (None if each is None else getattr(each, name) for each in (before, after))
        found[name] = [list(v) if isinstance(v, tuple) else v for v in both]
    return found
