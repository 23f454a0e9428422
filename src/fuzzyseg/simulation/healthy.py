"""A patient before lesions: the body, its normal uptake, and what is no lesion."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.errors import InputError, TooWideError
from fuzzyseg.simulation.phantom import voxelise
from fuzzyseg.simulation.phantom.anatomy import reference
from fuzzyseg.simulation.phantom.anatomy.habitus import Body, draw_body
from fuzzyseg.simulation.phantom.dense.draw_dense import draw_dense
from fuzzyseg.simulation.phantom.disease.findings import draw_findings, paint_findings
from fuzzyseg.simulation.phantom.files import labelled_phantom
from fuzzyseg.simulation.phantom.grid import Grid, check_spacing
from fuzzyseg.simulation.phantom.model import Phantom
from fuzzyseg.simulation.phantom.shapes import deformation
from fuzzyseg.simulation.phantom.uptake import Uptake, relative_uptake

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.simulation.patient_settings import PatientSettings
    from fuzzyseg.simulation.phantom.shapes.deformation import Deformation

    Streams = dict[str, np.random.Generator]

BLADDER_ML = (30.0, 180.0)  # voided before the scan, and filling again
_SURELY_MM = 15.0  # the skin's points are accurate to a few mm, and a voxel may be seen in part
_AIR_MARGIN_MM = 7.0  # where shapes melt into each other they swell by up to 4.5 mm


@dataclass(frozen=True, eq=False)
class Healthy:
    """A patient before lesions, findings that are none included.

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
    bent : Deformation
        From the patient to the reference body.
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
    bent: Deformation


@dataclass(frozen=True, eq=False)
class Day:
    """What of a body is otherwise on another day.

    Parameters
    ----------
    to_before : float64 ndarray of shape (4, 4)
        From places of the body to its places on the first day, mm: rigid.
    bend_sd_mm : float
        Of the control displacements that are added to that: nobody lies down twice alike.
    bend_seed : int
    bladder_ml : float
    """

    to_before: NDArray[np.float64]
    bend_sd_mm: float
    bend_seed: int
    bladder_ml: float


def draw_healthy(
    streams: Streams, settings: PatientSettings, drawn: Uptake, day: Day | None = None
) -> Healthy:
    """Draw the body, its normal uptake and the findings that are no lesions.

    Parameters
    ----------
    streams : dict from name to Generator
        "body", "deformation", "findings" and "viscera".
    settings : PatientSettings
    drawn : Uptake
    day : Day, optional
        Of a later scan of the same body.
    """
    body = draw_body(
        streams["body"],
        sex=settings.sex,
        stature_mm=settings.stature_mm,
        mass_kg=settings.mass_kg,
        arms=settings.arms,
    )
    bladder_ml = float(streams["body"].uniform(*BLADDER_ML))
    bladder_ml = bladder_ml if day is None else day.bladder_ml
    whole, bent, made = _phantom(streams, settings, body, bladder_ml, day)
    parametric = settings.phantom is None
    # A volume from a file is taken for the whole body, unless its mass is given.
    known = parametric or settings.mass_kg is not None
    weight_kg = body.mass_kg if known else whole.mass_kg

    soft, bone, by_region = relative_uptake(whole, drawn)
    solid = float(whole.bone_fraction.sum(dtype=np.float64))
    if whole.uptake is not None:
        level = float(bone.sum(dtype=np.float64)) / solid
    else:
        urine = whole.fraction("bladder") * np.float32(drawn.relative["bladder"])
        parts = float((soft - urine).sum(dtype=np.float64))
        seen = min(1.0, whole.mass_kg / weight_kg)
        level = drawn.bone_level(parts, solid, seen, legs=parametric)
        bone *= np.float32(level)
    dense = np.zeros(whole.grid.shape, np.float32)
    record: list[dict[str, Any]] = []
    if parametric:
        findings = draw_findings(streams["findings"], settings.population, body, bladder_ml)
        dense, record = paint_findings(findings, whole, body, bent, soft, bone, drawn.relative)
    return Healthy(whole, soft, bone, dense, level, by_region, weight_kg, record, made, bent)


def _phantom(
    streams: Streams,
    settings: PatientSettings,
    body: Body,
    bladder_ml: float,
    day: Day | None,
) -> tuple[Phantom, Deformation, dict[str, Any]]:
    """Voxelise the parametric body or sample the one given; how it was bent, and a record."""
    given, bent = settings.phantom, deformation.none()
    spacing = check_spacing(settings.voxel_mm)
    if isinstance(given, Phantom):
        check_spacing(given.grid.spacing_mm)
        return given, bent, {"phantom": "given"}
    if given is not None:
        if settings.deform:
            bent = deformation.draw(streams["deformation"], *given.extent())
        grid = given.grid(spacing, settings.matrix)
        whole = given.sample(grid, bent, settings.sample_mm or labelled_phantom.SAMPLE_MM)
        return whole, bent, {"largest_displacement_mm": bent.limit_mm}
    if settings.deform:
        bent = deformation.draw(streams["deformation"], *reference.extent(body))
    if day is not None:
        rng = np.random.default_rng(day.bend_seed)
        more = deformation.draw(rng, *reference.extent(body), sd_mm=day.bend_sd_mm)
        bent = bent.plus(more).moved(day.to_before)
    if settings.fov_mm is not None:
        _check_reach(reference.reach(body, bent), settings.fov_mm)
    low, high = reference.extent(body, bent)
    low[:2] -= _AIR_MARGIN_MM
    high += _AIR_MARGIN_MM
    grid = Grid.covering(low, high, spacing, settings.matrix)
    soft_parts = reference.soft_parts(body, bladder_ml, streams["viscera"])
    things = draw_dense(streams["viscera"], body, settings.population.dense)
    fine = settings.sample_mm or voxelise.SAMPLE_MM
    whole = voxelise.voxelise(
        reference.bones(body), soft_parts, grid, body, bent, sample_mm=fine, dense=things
    )
    made = {"phantom": "parametric", **asdict(body), "bladder_ml": bladder_ml}
    made["dense"] = list(things.records)
    made["largest_displacement_mm"] = bent.limit_mm
    return whole, bent, made


def _check_reach(reach_mm: float, fov_mm: float) -> None:
    """Raise TooWideError before a body is voxelised that is sure to leave the field of view."""
    if reach_mm > fov_mm / 2 + _SURELY_MM:
        raise TooWideError(
            f"expected a body within {fov_mm:g} mm, found one that reaches {reach_mm:.0f} mm from "
            "its middle; draw another or a smaller one"
        )


def cropped(whole: Healthy, axial: tuple[float, float]) -> Healthy:
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
    phantom = whole.phantom.cropped(first, last)
    return replace(
        whole,
        phantom=phantom,
        soft=whole.soft[..., first:last],
        bone=whole.bone[..., first:last],
        dense=whole.dense[..., first:last],
        findings=_within(whole.findings, phantom.grid.axis(2)),
    )


def _within(findings: list[dict[str, Any]], z_mm: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Keep the findings some part of which has its centre in these slices, and those parts."""
    kept = []
    for one in findings:
        inside = [mm for mm in one["centres_mm"] if z_mm[0] <= mm[2] <= z_mm[-1]]
        if inside:
            kept.append(one | {"centres_mm": inside})
    return kept
