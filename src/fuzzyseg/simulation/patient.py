"""A patient: where the activity is, what attenuates it, and the truth; all from one seed."""

from __future__ import annotations

import dataclasses
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.conventions import CLASSES
from fuzzyseg.errors import InputError
from fuzzyseg.simulation.phantom import anatomy, deformation, labelled, voxelise
from fuzzyseg.simulation.phantom.body import Arms, Sex, draw_body
from fuzzyseg.simulation.phantom.ct_settings import draw_ct
from fuzzyseg.simulation.phantom.draw_dense import draw_dense
from fuzzyseg.simulation.phantom.findings import draw_findings, paint_findings
from fuzzyseg.simulation.phantom.grid import Grid, check_spacing
from fuzzyseg.simulation.phantom.images import attenuation_and_hu
from fuzzyseg.simulation.phantom.lesions import MOST_LESIONS, draw_count, draw_lesions
from fuzzyseg.simulation.phantom.lowdose import diaphragm_mm, take_ct
from fuzzyseg.simulation.phantom.model import Phantom
from fuzzyseg.simulation.phantom.uptake import (
    Uptake,
    decay,
    draw_uptake,
    relative_uptake,
    scale_to_activity,
)
from fuzzyseg.simulation.population import POPULATIONS, Population

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.simulation.phantom.labelled import LabelledVolume

# 740 MBq is the lower end for adults in the SNMMI standard for bone scintigraphy 4.0 (740 to
# 1110 MBq) and the upper in the EANM guideline of 2016 (300 to 740 MBq); imaging 2 to 5 h later.
INJECTED_MBQ = 740.0
UPTAKE_H = 3.0
_BLADDER_ML = (30.0, 180.0)  # voided before the scan, and filling again
_AIR_MARGIN_MM = 7.0  # where shapes melt into each other they swell by up to 4.5 mm


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
    """

    activity: NDArray[np.float32]
    attenuation: NDArray[np.float32]
    ct: NDArray[np.float32]
    labels: NDArray[np.uint8]
    ct_labels: NDArray[np.uint8]
    couch: NDArray[np.bool_]
    affine: NDArray[np.float64]
    parameters: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel widths in mm."""
        x, y, z = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(x), float(y), float(z)


@dataclass(frozen=True)
class PatientSettings:
    """What is known of a patient before the draw; all else follows from the seed.

    Parameters
    ----------
    population : Population
        Disease and uptake.
    voxel_mm : float or (x, y, z), default 4.42
        Voxel widths; the first two must agree.
    sex : {"male", "female"}, optional
    stature_mm, mass_kg : float, optional
    arms : {"down", "up"}, optional
    n_lesions : int, optional
        0 for none.
    matrix : int, optional
        Voxels in-plane, square; by default as many as the body needs.
    axial : (float, float), default (0, 1)
        Part of the field that is kept, from its lower end (mid-thigh) to its upper (vertex).
    deform : bool, default True
        Bend the anatomy by a fold-free random field.
    injected_mbq, uptake_h : float
        Injected activity and hours until the scan.
    sample_mm : float, optional
        Width of the samples that voxels are averaged from; by default 2.5 mm for the parametric
        body and 1.5 mm for a labelled volume. Coarser is faster.
    phantom : Phantom or LabelledVolume, optional
        Stands in for the parametric body. A `LabelledVolume` is sampled at `voxel_mm` and
        deformed; a `Phantom` is taken as it is, on its own grid. Findings that have a place of
        their own in the parametric body are left out.

    Raises
    ------
    InputError
        If a value is out of range.
    """

    population: Population = POPULATIONS["clinical"]
    voxel_mm: float | tuple[float, float, float] = 4.42
    sex: Sex | None = None
    stature_mm: float | None = None
    mass_kg: float | None = None
    arms: Arms | None = None
    n_lesions: int | None = None
    matrix: int | None = None
    axial: tuple[float, float] = (0.0, 1.0)
    deform: bool = True
    injected_mbq: float = INJECTED_MBQ
    uptake_h: float = UPTAKE_H
    sample_mm: float | None = None
    phantom: Phantom | LabelledVolume | None = None

    def __post_init__(self) -> None:
        n, part, sample = self.n_lesions, self.axial, self.sample_mm
        if n is not None and not 0 <= n <= MOST_LESIONS:
            raise InputError(
                f"expected 0 to {MOST_LESIONS} lesions, found {n}; give a count in that range"
            )
        if not 0 <= part[0] < part[1] <= 1:
            raise InputError(
                f"expected an axial part such as (0.3, 0.8) within 0 to 1, found {part}; "
                "0 is mid-thigh and 1 the vertex"
            )
        if not (np.isfinite(self.injected_mbq) and self.injected_mbq > 0):
            raise InputError(
                f"expected an injected activity above 0 MBq, found {self.injected_mbq:g}; "
                "give MBq, such as 740"
            )
        if not 0 <= self.uptake_h <= 24:
            raise InputError(
                f"expected 0 to 24 h from injection to scan, found {self.uptake_h:g}; "
                "give hours, such as 3"
            )
        if sample is not None and not sample > 0:
            raise InputError(
                f"expected samples wider than 0 mm, found {sample:g}; give mm, such as 2"
            )


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
    seeds = _seeds(seed)
    names = ("body", "deformation", "uptake", "lesions", "ct", "findings", "viscera")
    streams = {
        name: np.random.default_rng(child)
        for name, child in zip(names, seeds.spawn(len(names)), strict=True)
    }
    drawn = draw_uptake(streams["uptake"], settings.population.uptake)
    normal = _cropped(_normal(streams, settings, drawn), settings.axial)

    laws, field = settings.population.lesions, normal.phantom
    count = draw_count(streams["lesions"], laws)
    count = count if settings.n_lesions is None else settings.n_lesions
    lesions, maps = draw_lesions(streams["lesions"], field, count, laws, normal.by_region)
    solid = field.bone_fraction
    healthy = 1 - maps.share / np.maximum(solid, np.float32(1e-3))
    in_bone = normal.bone * healthy + np.float32(normal.level) * maps.uptake
    relative = normal.soft + in_bone

    share = min(1.0, field.mass_kg / normal.weight_kg)
    left = decay(settings.uptake_h)
    retained_bq = settings.injected_mbq * 1e6 * left * drawn.retained * share
    not_urine = 1 - field.fraction("bladder")
    activity = scale_to_activity(relative, field.grid.voxel_ml, retained_bq, not_urine)
    # Worn joints become denser as lesions do.
    maps.cortical[...] += normal.dense
    maps.spongiosa[...] -= normal.dense
    attenuation, hu = attenuation_and_hu(field, maps)
    labels = (solid >= 0.5).astype(np.uint8)
    labels[maps.labels] = 2

    bone_mbq = _total_mbq(activity, field) * float(
        in_bone.sum(dtype=np.float64) / relative.sum(dtype=np.float64)
    )
    parameters: dict[str, Any] = {
        "seed": {"entropy": seeds.entropy, "spawn_key": list(seeds.spawn_key)},
        "population": settings.population.name,
        **normal.made,
        **field.parameters,
        "weight_kg": normal.weight_kg,
        "injected_mbq": settings.injected_mbq,
        "uptake_h": settings.uptake_h,
        "decay": left,
        "retention": drawn.retained,
        "share_in_field": share,
        "activity_mbq": _total_mbq(activity, field),
        "bladder_mbq": _total_mbq(activity * (1 - not_urine), field),
        # Bone and lesions in the field, of what was injected.
        "bone_share_of_dose": bone_mbq / (settings.injected_mbq * left),
        "superscan": drawn.superscan,
        "uptake_to_soft_tissue": drawn.relative,
        # Activity from a file has a scale of its own.
        "bone_to_soft_tissue": normal.level if field.uptake is None else None,
        "lesions": [lesion.as_dict() for lesion in lesions],
        "findings": normal.findings,
        "label_names": list(CLASSES),
        "voxel_mm": list(field.grid.spacing_mm),
    }
    imaged = draw_ct(streams["ct"], settings.population.ct)
    parameters["ct"] = imaged.as_dict()
    image = take_ct(streams["ct"], hu, solid, labels, field.grid, imaged, diaphragm_mm(field))
    return Patient(
        activity, attenuation, image.hu, labels, image.labels, image.couch, field.grid.affine,
        parameters,
    )  # fmt: skip


def _total_mbq(activity: NDArray[np.float32], phantom: Phantom) -> float:
    return float(activity.sum(dtype=np.float64)) * phantom.grid.voxel_ml / 1e6


def _seeds(seed: int | np.random.SeedSequence) -> np.random.SeedSequence:
    """Return a sequence whose children do not depend on how often the given one was used."""
    if isinstance(seed, np.random.SeedSequence):
        return np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key)
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(f"expected a seed of 0 or more, found {seed!r}; give a whole number")
    return np.random.SeedSequence(int(seed))


@dataclass(frozen=True, eq=False)
class _Normal:
    """A patient before lesions.

    Parameters
    ----------
    phantom : Phantom
    soft, bone : float32 ndarray of shape (X, Y, Z)
        Uptake relative to soft tissue, findings included.
    dense : float32 ndarray of shape (X, Y, Z)
        Share of each voxel that wear turned from marrow to cortex.
    level : float
        Mean concentration of normal bone.
    by_region : dict from region to float
        Of each bone, over that mean.
    weight_kg : float
    findings : list of dict
    made : dict
        How it was made.
    """

    phantom: Phantom
    soft: NDArray[np.float32]
    bone: NDArray[np.float32]
    dense: NDArray[np.float32]
    level: float
    by_region: dict[str, float]
    weight_kg: float
    findings: list[dict[str, Any]]
    made: dict[str, Any]


def _normal(
    streams: dict[str, np.random.Generator], settings: PatientSettings, drawn: Uptake
) -> _Normal:
    """Draw the body, its normal uptake and the findings that are no lesions."""
    body = draw_body(
        streams["body"],
        sex=settings.sex,
        stature_mm=settings.stature_mm,
        mass_kg=settings.mass_kg,
        arms=settings.arms,
    )
    bladder_ml = float(streams["body"].uniform(*_BLADDER_ML))
    spacing = check_spacing(settings.voxel_mm)
    given, bent = settings.phantom, deformation.none()
    made: dict[str, Any] = {"phantom": "given"}
    if isinstance(given, Phantom):
        check_spacing(given.grid.spacing_mm)
        whole = given
    elif given is not None:
        if settings.deform:
            bent = deformation.draw(streams["deformation"], *given.extent())
        grid = given.grid(spacing, settings.matrix)
        whole = given.sample(grid, bent, settings.sample_mm or labelled.SAMPLE_MM)
        made = {"largest_displacement_mm": bent.limit_mm}
    else:
        if settings.deform:
            bent = deformation.draw(streams["deformation"], *anatomy.extent(body))
        low, high = anatomy.extent(body, bent)
        low[:2] -= _AIR_MARGIN_MM
        high += _AIR_MARGIN_MM
        grid = Grid.covering(low, high, spacing, settings.matrix)
        soft_parts = anatomy.soft_parts(body, bladder_ml, streams["viscera"])
        things = draw_dense(streams["viscera"], body, settings.population.dense)
        bones = anatomy.bones(body)
        fine = settings.sample_mm or voxelise.SAMPLE_MM
        whole = voxelise.voxelise(bones, soft_parts, grid, body, bent, sample_mm=fine, dense=things)
        made = {"phantom": "parametric", **asdict(body), "bladder_ml": bladder_ml}
        made["dense"] = list(things.records)
        made["largest_displacement_mm"] = bent.limit_mm
    # A volume from a file is taken for the whole body, unless its mass is given.
    known = given is None or settings.mass_kg is not None
    weight_kg = body.mass_kg if known else whole.mass_kg

    soft, bone, by_region = relative_uptake(whole, drawn)
    solid = float(whole.bone_fraction.sum(dtype=np.float64))
    if whole.uptake is not None:
        level = float(bone.sum(dtype=np.float64)) / solid
    else:
        urine = whole.fraction("bladder") * np.float32(drawn.relative["bladder"])
        parts = float((soft - urine).sum(dtype=np.float64))
        seen = min(1.0, whole.mass_kg / weight_kg)
        level = drawn.bone_level(parts, solid, seen, legs=given is None)
        bone *= np.float32(level)
    dense = np.zeros(whole.grid.shape, np.float32)
    record: list[dict[str, Any]] = []
    if given is None:
        findings = draw_findings(streams["findings"], settings.population, body, bladder_ml)
        dense, record = paint_findings(findings, whole, body, bent, soft, bone, drawn.relative)
    return _Normal(whole, soft, bone, dense, level, by_region, weight_kg, record, made)


def _cropped(whole: _Normal, axial: tuple[float, float]) -> _Normal:
    """Keep part of the field along z."""
    n = whole.phantom.grid.shape[2]
    # An even number of slices, so that two can be collapsed into one.
    first, last = (2 * round(end * n / 2) for end in axial)
    last = min(last, n)
    if (first, last) == (0, n):
        return whole
    if last - first < 1:
        raise InputError(
            f"expected an axial part of at least one slice, found {axial} of {n} slices; widen it"
        )
    return dataclasses.replace(
        whole,
        phantom=whole.phantom.cropped(first, last),
        soft=whole.soft[..., first:last],
        bone=whole.bone[..., first:last],
        dense=whole.dense[..., first:last],
    )
