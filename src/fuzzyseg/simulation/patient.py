"""A patient: where the activity is, what attenuates it, and the truth; all from one seed."""

from __future__ import annotations

import dataclasses
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.conventions import CLASSES
from fuzzyseg.errors import InputError
from fuzzyseg.simulation.phantom import anatomy, deformation, joints, labelled, voxelise
from fuzzyseg.simulation.phantom.body import Arms, Body, Sex, draw_body
from fuzzyseg.simulation.phantom.grid import Grid, check_spacing
from fuzzyseg.simulation.phantom.images import attenuation_and_hu
from fuzzyseg.simulation.phantom.labelled import LabelledVolume
from fuzzyseg.simulation.phantom.lesions import (
    MOST_LESIONS,
    draw_count,
    draw_lesions,
)
from fuzzyseg.simulation.phantom.lowdose import low_dose_ct
from fuzzyseg.simulation.phantom.model import Phantom
from fuzzyseg.simulation.phantom.uptake import (
    decay,
    draw_uptake,
    relative_uptake,
    scale_to_activity,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

# 740 MBq is the lower end for adults in the SNMMI standard for bone scintigraphy 4.0 (740 to
# 1110 MBq) and the upper in the EANM guideline of 2016 (300 to 740 MBq); imaging 2 to 5 h later.
INJECTED_MBQ = 740.0
UPTAKE_H = 3.0
# Share of the injected tracer still in the body, outside the bladder, 3 h later: urine has
# taken 35 to 45% (Subramanian et al., J Nucl Med 1975;16:744).
RETENTION = (0.52, 0.66)
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
        Low-dose CT on the same grid, HU.
    labels : uint8 ndarray of shape (X, Y, Z)
        Truth: 0 background, 1 bone, 2 lesion.
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
    affine: NDArray[np.float64]
    parameters: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel widths in mm."""
        x, y, z = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(x), float(y), float(z)


def draw_patient(
    seed: int | np.random.SeedSequence,
    *,
    voxel_mm: float | tuple[float, float, float] = 4.42,
    sex: Sex | None = None,
    stature_mm: float | None = None,
    mass_kg: float | None = None,
    arms: Arms | None = None,
    n_lesions: int | None = None,
    matrix: int | None = None,
    axial: tuple[float, float] = (0.0, 1.0),
    deform: bool = True,
    injected_mbq: float = INJECTED_MBQ,
    uptake_h: float = UPTAKE_H,
    sample_mm: float | None = None,
    phantom: Phantom | LabelledVolume | None = None,
) -> Patient:
    """Draw a patient; what is not given follows from the seed.

    Parameters
    ----------
    seed : int or SeedSequence
        Same seed and arguments, same patient, bit for bit on one machine.
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
        deformed; a `Phantom` is taken as it is, on its own grid.

    Returns
    -------
    Patient

    Raises
    ------
    InputError
        If an argument is out of range, or the phantom does not fit the matrix.
    """
    _check(n_lesions, axial, injected_mbq, uptake_h, sample_mm)
    seeds = _seeds(seed)
    spacing = check_spacing(voxel_mm)
    streams = [np.random.default_rng(s) for s in seeds.spawn(5)]
    body = draw_body(streams[0], sex=sex, stature_mm=stature_mm, mass_kg=mass_kg, arms=arms)
    if phantom is None:
        whole, gain, made = _parametric(streams, body, spacing, matrix, deform, sample_mm)
    elif isinstance(phantom, LabelledVolume):
        whole, gain, made = _labelled(streams, phantom, spacing, matrix, deform, sample_mm)
    else:
        check_spacing(phantom.grid.spacing_mm)
        whole, gain, made = phantom, None, {"phantom": "given"}
    # A volume from a file is taken for the whole body, unless its mass is given.
    weight_kg = body.mass_kg if phantom is None or mass_kg is not None else whole.mass_kg
    field, gain = _crop(whole, gain, axial)

    uptake = draw_uptake(streams[2])
    soft, bone = relative_uptake(field, uptake, gain)
    count = draw_count(streams[3]) if n_lesions is None else n_lesions
    lesions, maps = draw_lesions(streams[3], field, count)
    solid = field.bone_fraction
    level = float(bone.sum(dtype=np.float64) / solid.sum(dtype=np.float64))
    healthy = 1 - maps.share / np.maximum(solid, np.float32(1e-3))
    relative = soft + bone * healthy + np.float32(level) * maps.uptake

    retention = float(streams[2].uniform(*RETENTION))
    share = min(1.0, field.mass_kg / weight_kg)
    retained_bq = injected_mbq * 1e6 * decay(uptake_h) * retention * share
    not_urine = 1 - field.fraction("bladder")
    voxel_ml = field.grid.voxel_ml
    activity = scale_to_activity(relative, voxel_ml, retained_bq, not_urine)
    attenuation, hu = attenuation_and_hu(field, maps)
    labels = (solid >= 0.5).astype(np.uint8)
    labels[maps.labels] = 2
    parameters: dict[str, Any] = {
        "seed": {"entropy": seeds.entropy, "spawn_key": list(seeds.spawn_key)},
        **made,
        **field.parameters,
        "weight_kg": weight_kg,
        "injected_mbq": injected_mbq,
        "uptake_h": uptake_h,
        "decay": decay(uptake_h),
        "retention": retention,
        "share_in_field": share,
        "activity_mbq": _total_mbq(activity, voxel_ml),
        "bladder_mbq": _total_mbq(activity * (1 - not_urine), voxel_ml),
        "uptake_to_soft_tissue": uptake.relative,
        # Activity from a file has a scale of its own.
        "bone_to_soft_tissue": level if field.uptake is None else None,
        "lesions": [lesion.as_dict() for lesion in lesions],
        "label_names": list(CLASSES),
        "voxel_mm": list(field.grid.spacing_mm),
    }
    ct = low_dose_ct(streams[4], hu, field.grid)
    return Patient(activity, attenuation, ct, labels, field.grid.affine, parameters)


def _total_mbq(activity: NDArray[np.float32], voxel_ml: float) -> float:
    return float(activity.sum(dtype=np.float64)) * voxel_ml / 1e6


def _seeds(seed: int | np.random.SeedSequence) -> np.random.SeedSequence:
    """Return a sequence whose children do not depend on how often the given one was used."""
    if isinstance(seed, np.random.SeedSequence):
        return np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key)
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(f"expected a seed of 0 or more, found {seed!r}; give a whole number")
    return np.random.SeedSequence(int(seed))


# A phantom, the joints' gain on bone where they are known, and how it was made.
_Source = tuple[Phantom, "NDArray[np.float32] | None", dict[str, Any]]


def _parametric(
    streams: list[np.random.Generator],
    body: Body,
    spacing: tuple[float, float, float],
    matrix: int | None,
    deform: bool,
    sample_mm: float | None,
) -> _Source:
    bladder_ml = float(streams[0].uniform(*_BLADDER_ML))
    low, high = anatomy.extent(body)
    bent = deformation.draw(streams[1], low, high) if deform else deformation.none()
    low, high = anatomy.extent(body, bent)
    low[:2] -= _AIR_MARGIN_MM
    high += _AIR_MARGIN_MM
    grid = Grid.covering(low, high, spacing, matrix)
    soft = anatomy.soft_parts(body, bladder_ml)
    bones = anatomy.bones(body)
    fine = sample_mm or voxelise.SAMPLE_MM
    phantom = voxelise.voxelise(bones, soft, grid, body, bent, sample_mm=fine)
    gain, spots = joints.draw_gain(streams[2], grid, body, bent)
    made = {"phantom": "parametric", **asdict(body), "bladder_ml": bladder_ml, "hot_spots": spots}
    return phantom, gain, made | {"largest_displacement_mm": bent.limit_mm}


def _labelled(
    streams: list[np.random.Generator],
    volume: LabelledVolume,
    spacing: tuple[float, float, float],
    matrix: int | None,
    deform: bool,
    sample_mm: float | None,
) -> _Source:
    bent = deformation.draw(streams[1], *volume.extent()) if deform else deformation.none()
    fine = sample_mm or labelled.SAMPLE_MM
    phantom = volume.sample(volume.grid(spacing, matrix), bent, fine)
    return phantom, None, {"largest_displacement_mm": bent.limit_mm}


def _crop(
    phantom: Phantom, gain: NDArray[np.float32] | None, axial: tuple[float, float]
) -> tuple[Phantom, NDArray[np.float32] | None]:
    """Keep part of the field along z."""
    n = phantom.grid.shape[2]
    # An even number of slices, so that two can be collapsed into one.
    first, last = (2 * round(end * n / 2) for end in axial)
    last = min(last, n)
    if (first, last) == (0, n):
        return phantom, gain
    if last - first < 1:
        raise InputError(
            f"expected an axial part of at least one slice, found {axial} of {n} slices; widen it"
        )
    return phantom.cropped(first, last), None if gain is None else gain[..., first:last]


def _check(
    n_lesions: int | None,
    axial: tuple[float, float],
    injected_mbq: float,
    uptake_h: float,
    sample_mm: float | None,
) -> None:
    if n_lesions is not None and not 0 <= n_lesions <= MOST_LESIONS:
        raise InputError(
            f"expected 0 to {MOST_LESIONS} lesions, found {n_lesions}; give a count in that range"
        )
    if not 0 <= axial[0] < axial[1] <= 1:
        raise InputError(
            f"expected an axial part such as (0.3, 0.8) within 0 to 1, found {axial}; "
            "0 is mid-thigh and 1 the vertex"
        )
    if not (np.isfinite(injected_mbq) and injected_mbq > 0):
        raise InputError(
            f"expected an injected activity above 0 MBq, found {injected_mbq:g}; "
            "give MBq, such as 740"
        )
    if not 0 <= uptake_h <= 24:
        raise InputError(
            f"expected 0 to 24 h from injection to scan, found {uptake_h:g}; give hours, such as 3"
        )
    if sample_mm is not None and not sample_mm > 0:
        raise InputError(
            f"expected samples wider than 0 mm, found {sample_mm:g}; give mm, such as 2"
        )
