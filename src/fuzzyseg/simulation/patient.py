"""A patient: where the activity is, what attenuates it, and the truth; all from one seed."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.conventions import CLASSES
from fuzzyseg.errors import InputError
from fuzzyseg.simulation.healthy import cropped, draw_healthy
from fuzzyseg.simulation.patient_settings import PatientSettings
from fuzzyseg.simulation.phantom.ct.ct_settings import draw_ct
from fuzzyseg.simulation.phantom.ct.lowdose import diaphragm_mm, take_ct
from fuzzyseg.simulation.phantom.disease.metastases import Canvas, draw_count
from fuzzyseg.simulation.phantom.images import attenuation_and_hu
from fuzzyseg.simulation.phantom.uptake import (
    decay,
    draw_uptake,
    scale_to_activity,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.simulation.healthy import Healthy
    from fuzzyseg.simulation.phantom.disease.metastases import Lesion
    from fuzzyseg.simulation.phantom.model import Phantom
    from fuzzyseg.simulation.phantom.shapes.deformation import Deformation
    from fuzzyseg.simulation.phantom.uptake import Uptake


@dataclass(frozen=True, eq=False)
class Patient:
    """One simulated patient on one grid.

    Parameters
    ----------
    activity : float32 ndarray of shape (X, Y, Z)
        Concentration at scan time, Bq/mL.
    attenuation : float32 ndarray of shape (X, Y, Z)
        Linear attenuation at 140 keV, narrow beam, 1/cm.
    ct : float32 ndarray of shape (X, Y, Z)
        Low-dose CT on the same grid, HU: moved against the rest, noisy, with a couch.
    labels : uint8 ndarray of shape (X, Y, Z)
        Truth of the activity: 0 background, 1 bone, 2 lesion.
    ct_labels : uint8 ndarray of shape (X, Y, Z)
        Truth of the CT, where the patient lies in it.
    couch : bool ndarray of shape (X, Y, Z)
        Voxels of the CT that couch and head rest fill.
    affine : float64 ndarray of shape (4, 4)
        Voxel to millimetre, RAS.
    parameters : dict
        Everything drawn; JSON-serialisable. `weight_kg`, `injected_mbq`, `uptake_h` and
        `decay` are what an SUV needs: SUV = activity * weight_kg / (injected_mbq * decay * 1e3).
    lesions : tuple of Lesion
    bent : Deformation or None
        From the patient to the reference body.
    """

    activity: NDArray[np.float32]
    attenuation: NDArray[np.float32]
    ct: NDArray[np.float32]
    labels: NDArray[np.uint8]
    ct_labels: NDArray[np.uint8]
    couch: NDArray[np.bool_]
    affine: NDArray[np.float64]
    parameters: dict[str, Any] = dataclasses.field(default_factory=dict)
    lesions: tuple[Lesion, ...] = ()
    bent: Deformation | None = None

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel widths in mm."""
        x, y, z = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(x), float(y), float(z)


def draw_patient(
    seed: int | np.random.SeedSequence, settings: PatientSettings | None = None
) -> Patient:
    """Draw a patient; what is not given follows from the seed.

    Parameters
    ----------
    seed : int or SeedSequence
        Same seed and settings, same patient, bit for bit on one machine.
    settings : PatientSettings, optional

    Returns
    -------
    Patient

    Raises
    ------
    InputError
        If the seed is not one, or the phantom does not fit the matrix.
    """
    settings = settings or PatientSettings()
    seeds = seeds_of(seed)
    streams = streams_of(seeds, settings.population.anatomy)
    drawn = draw_uptake(streams["uptake"], settings.population.uptake)
    normal = cropped(draw_healthy(streams, settings, drawn), settings.axial)
    laws = settings.population.lesions
    count = draw_count(streams["lesions"], laws)
    count = count if settings.n_lesions is None else settings.n_lesions
    canvas = Canvas.of(normal.phantom, laws, normal.by_region)
    lesions = canvas.draw(streams["lesions"], count)
    return put_together(seeds, settings, normal, drawn, lesions, canvas, streams["ct"])


def put_together(
    seeds: np.random.SeedSequence,
    settings: PatientSettings,
    normal: Healthy,
    drawn: Uptake,
    lesions: list[Lesion],
    canvas: Canvas,
    of_ct: np.random.Generator,
) -> Patient:
    """Make a patient of a healthy one and of lesions on their canvas, and take the CT."""
    field, maps = normal.phantom, canvas.maps
    solid = field.bone_fraction
    healthy = 1 - maps.share / np.maximum(solid, np.float32(1e-3))
    in_bone = normal.bone * healthy + np.float32(normal.level) * maps.uptake
    relative = normal.soft + in_bone

    left = decay(settings.uptake_h)
    retained_bq = settings.injected_mbq * 1e6 * left * drawn.retained * _share(normal)
    not_urine = 1 - field.fraction("bladder")
    activity = scale_to_activity(relative, field.grid.voxel_ml, retained_bq, not_urine)
    bone_mbq = _total_mbq(activity, field) * float(
        in_bone.sum(dtype=np.float64) / relative.sum(dtype=np.float64)
    )
    amounts = {
        "activity_mbq": _total_mbq(activity, field),
        "bladder_mbq": _total_mbq(activity * (1 - not_urine), field),
        # Bone and lesions in the field, of what was injected.
        "bone_share_of_dose": bone_mbq / (settings.injected_mbq * left),
    }
    # Worn joints become denser as lesions do.
    maps.cortical[...] += normal.dense
    maps.spongiosa[...] -= normal.dense
    attenuation, hu = attenuation_and_hu(field, maps)
    labels = (solid >= 0.5).astype(np.uint8)
    labels[maps.labels] = 2

    parameters = _described(seeds, settings, normal, drawn, amounts)
    parameters["lesions"] = [lesion.as_dict() for lesion in lesions]
    parameters |= {
        "findings": normal.findings,
        "label_names": list(CLASSES),
        "voxel_mm": list(field.grid.spacing_mm),
    }
    imaged = draw_ct(of_ct, settings.population.ct)
    parameters["ct"] = imaged.as_dict()
    image = take_ct(of_ct, hu, solid, labels, field.grid, imaged, diaphragm_mm(field))
    return Patient(
        activity, attenuation, image.hu, labels, image.labels, image.couch, field.grid.affine,
        parameters, tuple(lesions), normal.bent,
    )  # fmt: skip


def _described(
    seeds: np.random.SeedSequence,
    settings: PatientSettings,
    normal: Healthy,
    drawn: Uptake,
    amounts: dict[str, float],
) -> dict[str, Any]:
    """Body, dose and uptake in values that JSON can hold."""
    field = normal.phantom
    return {
        "seed": {"entropy": seeds.entropy, "spawn_key": list(seeds.spawn_key)},
        "population": settings.population.name,
        **normal.made,
        **field.parameters,
        "weight_kg": normal.weight_kg,
        "injected_mbq": settings.injected_mbq,
        "uptake_h": settings.uptake_h,
        "decay": decay(settings.uptake_h),
        "retention": drawn.retained,
        "share_in_field": _share(normal),
        **amounts,
        "superscan": drawn.superscan,
        "uptake_to_soft_tissue": drawn.relative,
        # Activity from a file has a scale of its own.
        "bone_to_soft_tissue": normal.level if field.uptake is None else None,
    }


def _share(normal: Healthy) -> float:
    """Share of the patient that lies in the field."""
    return min(1.0, normal.phantom.mass_kg / normal.weight_kg)


def _total_mbq(activity: NDArray[np.float32], phantom: Phantom) -> float:
    return float(activity.sum(dtype=np.float64)) * phantom.grid.voxel_ml / 1e6


def streams_of(
    seeds: np.random.SeedSequence, anatomy: int | None = None
) -> dict[str, np.random.Generator]:
    """Give each thing that is drawn a generator of its own; `anatomy` gives the body's."""
    names = ("body", "deformation", "uptake", "lesions", "ct", "findings", "viscera")
    children = dict(zip(names, seeds.spawn(len(names)), strict=True))
    if anatomy is not None:
        of_body = np.random.SeedSequence(anatomy).spawn(2)
        children["body"], children["viscera"] = of_body
    return {name: np.random.default_rng(child) for name, child in children.items()}


def seeds_of(seed: int | np.random.SeedSequence) -> np.random.SeedSequence:
    """Return a sequence whose children do not depend on how often the given one was used."""
    if isinstance(seed, np.random.SeedSequence):
        return np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key)
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(f"expected a seed of 0 or more, found {seed!r}; give a whole number")
    return np.random.SeedSequence(int(seed))
