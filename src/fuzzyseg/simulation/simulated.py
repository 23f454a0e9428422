"""One simulated patient: drawn, scanned, reconstructed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fuzzyseg.errors import InputError, TooWideError
from fuzzyseg.io.hounsfield import AIR_HU
from fuzzyseg.provenance import versions
from fuzzyseg.simulation.follow_up import FOLLOW_UPS, FirstDay, draw_follow_up
from fuzzyseg.simulation.patient import Patient, draw_patient
from fuzzyseg.simulation.patient_settings import PatientSettings
from fuzzyseg.simulation.phantom.attenuation import attenuation_from_hu
from fuzzyseg.simulation.phantom.files.label_table import shipped_tables
from fuzzyseg.simulation.phantom.files.phantom_file import load_phantom
from fuzzyseg.simulation.population import POPULATIONS, get_population
from fuzzyseg.simulation.population_laws import AttenuationSource, Population
from fuzzyseg.simulation.record import code_digest, recipe_record
from fuzzyseg.simulation.scanner.geometry import body_footprint, check_field_of_view, collapse
from fuzzyseg.simulation.scanner.protocol import Protocol
from fuzzyseg.simulation.scanner.reconstruction import reconstruct
from fuzzyseg.simulation.scanner.registry import PROTOCOLS, get_protocol
from fuzzyseg.simulation.scanner.scan import Scan, acquire
from fuzzyseg.tables import entry_of
from fuzzyseg.volume import Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.simulation.phantom.files.labelled_phantom import LabelledVolume

MOST_SHIFT_MM = 50.0
_OPAQUE_PATHS = 1.99  # mean free paths
# Views of a mixed cohort and how often: few are common and quick to simulate.
_MIXED_VIEWS = {60: 0.5, 120: 0.35, 256: 0.15}
_MIXED_MINUTES = (10.0, 40.0)
_MOST_MINUTES = 600.0
_MOST_DRAWS = 50  # of a patient that fits into the field of view
_MOST_BENDS = 10  # of a phantom from a file, whose body is always the same


@dataclass(frozen=True)
class Recipe:
    """What a cohort is made of; with a patient's number it determines every file.

    Parameters
    ----------
    protocol : str
        Camera, collimator, windows, views and reconstruction.
    seed : int
        Random seed; the same seed gives the same cohort.
    views : int or None
        Projections over 360 degrees; by default the protocol's.
    minutes : float or None
        Duration of the scan; by default the protocol's, 30.
    mixed : bool
        Draw camera, views, minutes and reconstruction for each patient, as if many hospitals had
        scanned: 60, 120 or 256 views, 10 to 40 minutes.
    vendor : bool
        Reconstruct as a clinical workstation would, instead of by the protocol's default.
    fine : bool
        Draw and scan the patient on voxels finer than the reconstruction's. Coarse ones are faster,
        for a draft, but the reconstruction then inverts the very model that made its data, and thin
        bones are drawn coarsely.
    phantom : str or None
        A labelled volume, XCAT's raw attenuation or a CT, in place of the built-in phantom.
    labels : str or None
        Tissue table of the phantom: a TOML file, or "xcat-derived", which comes with the package.
    mass_kg : float or None
        Mass of the patient; by default it is drawn, and a phantom from a file is taken for the
        whole body, so a patient is too light if it shows only a part.
    like : str
        Population from which disease and uptake are drawn.
    axial : (float, float)
        Part of the body to scan, from mid-thigh (0) to the vertex (1); the scan time is reduced in
        proportion.
    ct_shift_mm : float or None
        Length of the shift between CT and SPECT, in a random direction, without rotation or
        breathing; by default all of these are drawn.
    attenuation : {"ct", "true"} or None
        Attenuation used by the reconstruction: derived from the CT with its shift and noise, as on
        a scanner, or the true one. The default depends on the population: the truth for "paper",
        otherwise the CT.
    ct_only : bool
        Make only CTs with their truth, to train on bone in CT: parts of bodies, with scanners,
        doses and kernels that vary far more widely; a few seconds each. Options for the SPECT have
        no effect.
    follow_up : {"changed", "unchanged"} or None
        Scan the same bodies on another day: position, bladder and noise differ, and lesions may
        have changed. follow_up.json then records how each lesion of the cohort without this option
        has changed.
    dicom : bool
        Also write the SPECT as NM multi-frame, and the CT as a series.
    device : {"cpu", "cuda"}
        Where to compute the physics.
    """

    protocol: str = field(default="discovery670", metadata={"choices": PROTOCOLS})
    seed: int = 0
    views: int | None = None
    minutes: float | None = None
    mixed: bool = False
    vendor: bool = False
    fine: bool = True
    phantom: str | None = None
    labels: str | None = None
    mass_kg: float | None = None
    like: str = field(default="clinical", metadata={"choices": POPULATIONS})
    axial: tuple[float, float] = (0.0, 1.0)
    ct_shift_mm: float | None = None
    attenuation: AttenuationSource | None = None
    ct_only: bool = False
    follow_up: str | None = field(default=None, metadata={"choices": FOLLOW_UPS})
    dicom: bool = False
    device: Literal["cpu", "cuda"] = "cpu"


@dataclass(frozen=True, eq=False)
class Simulated:
    """One simulated patient on the grid of the reconstruction.

    Parameters
    ----------
    spect : Volume
        Reconstructed activity, Bq/mL.
    ct : Volume
        HU, on the patient's own, finer grid.
    activity, attenuation : float32 ndarray of shape (X, Y, Z)
        Truth: Bq/mL, and 1/cm at 140 keV.
    labels : uint8 ndarray of shape (X, Y, Z)
        Truth of the activity: 0 background, 1 bone, 2 lesion.
    ct_labels : uint8 ndarray
        Truth of the CT on its grid, where the patient lies in it.
    description : dict
        Everything drawn and counted, as JSON can hold it.
    follow_up : dict or None
        What became of each lesion since the first day, as JSON can hold it.
    """

    spect: Volume
    ct: Volume
    activity: NDArray[np.float32]
    attenuation: NDArray[np.float32]
    labels: NDArray[np.uint8]
    ct_labels: NDArray[np.uint8]
    description: dict[str, Any]
    follow_up: dict[str, Any] | None = None


def simulate_patient(recipe: Recipe, number: int) -> Simulated:
    """Draw, scan and reconstruct patient `number` (from 1) of a cohort.

    Raises
    ------
    InputError
        If the recipe or its phantom cannot be used.
    """
    # A patient's seeds depend on its number alone: a longer cohort begins with the shorter one.
    seeds = np.random.SeedSequence([recipe.seed, number])
    of_patient, of_noise, of_scan, of_day, of_day_noise = seeds.spawn(5)
    recipe = mixed_recipe(recipe, np.random.default_rng(of_scan)) if recipe.mixed else recipe
    protocol = _protocol(recipe)
    factor = protocol.oversampling if recipe.fine else 1
    voxel_cm = protocol.pixel_cm / factor
    patient, changes = _draw_fitting(of_patient, protocol, factor, recipe, of_day)
    # Metal: what two mean free paths a pixel do not stop, more would hardly; the projector's
    # exponential is not made for more.
    opaque = np.float32(_OPAQUE_PATHS / protocol.pixel_cm)
    patient = replace(patient, attenuation=np.minimum(patient.attenuation, opaque))
    scan = acquire(
        patient.activity,
        patient.attenuation,
        voxel_cm=voxel_cm,
        protocol=protocol,
        seed=of_noise if recipe.follow_up is None else of_day_noise,
        device=recipe.device,
    )
    attenuation = _coarser(patient.attenuation, factor)
    believed = recipe.attenuation or get_population(recipe.like).attenuation
    known = attenuation if believed == "true" else ct_attenuation(patient, factor)
    settings = protocol.vendor if recipe.vendor else protocol.reconstruction
    image = reconstruct(scan, known, settings=settings, device=recipe.device)
    affine = _coarser_affine(patient.affine, factor)
    name = f"simulated patient {number}"
    return Simulated(
        spect=Volume(image, affine, "NM", "Bq/mL", name),
        ct=Volume(patient.ct, patient.affine, "CT", "HU", name),
        activity=_coarser(patient.activity, factor),
        attenuation=attenuation,
        labels=_majority(patient.labels, factor),
        ct_labels=patient.ct_labels,
        description={
            "number": number,
            "recipe": recipe_record(recipe),
            "protocol": asdict(protocol),
            "reconstruction": asdict(settings),
            "patient": patient.parameters,
            "scan": _described(scan),
            "versions": versions(),
            "code": code_digest(),
        },
        follow_up=changes,
    )


def ct_attenuation(patient: Patient, factor: int = 1) -> NDArray[np.float32]:
    """Attenuation map that a scanner makes of its CT, on voxels `factor` times as wide.

    CT numbers are averaged, then mapped by the bilinear rule. The couch is taken out, since the
    simulated camera has none.

    Returns
    -------
    float32 ndarray
        1/cm at 140 keV.
    """
    hu = np.where(patient.couch, np.float32(AIR_HU), patient.ct)
    return attenuation_from_hu(_coarser(hu, factor))


def mixed_recipe(recipe: Recipe, rng: np.random.Generator) -> Recipe:
    """Draw the scan of one of many hospitals' patients; what is drawn replaces the recipe's."""
    cameras = tuple(PROTOCOLS)
    return replace(
        recipe,
        protocol=cameras[int(rng.integers(len(cameras)))],
        views=int(rng.choice(list(_MIXED_VIEWS), p=list(_MIXED_VIEWS.values()))),
        minutes=float(rng.uniform(*_MIXED_MINUTES)),
        vendor=bool(rng.random() < 0.5),
    )


def check_recipe(recipe: Recipe) -> None:
    """Raise InputError if the recipe's seed, protocol or phantom cannot be used."""
    if recipe.seed < 0:
        raise InputError(f"expected a seed of 0 or more, found {recipe.seed}; give another")
    shift = recipe.ct_shift_mm
    if shift is not None and not 0 <= shift <= MOST_SHIFT_MM:
        raise InputError(
            f"expected a shift of the CT of 0 to {MOST_SHIFT_MM:g} mm, found {shift:g}; "
            "give millimetres, or leave it out to have it drawn"
        )
    if recipe.ct_only and (recipe.dicom or recipe.mixed):
        raise InputError(
            "expected --ct-only by itself, found it with --dicom or --mixed, which are for "
            "SPECT/CT; leave one of them out"
        )
    if recipe.follow_up is not None:
        entry_of(FOLLOW_UPS, recipe.follow_up, "follow-up")
        if recipe.phantom is not None or recipe.ct_only:
            raise InputError(
                "expected --follow-up of the built-in bodies with their SPECT, found it with "
                "--phantom or --ct-only; leave one of them out"
            )
    _protocol(recipe)
    get_population(recipe.like)
    phantom = stand_in(recipe)
    if phantom is not None and not recipe.ct_only:
        _check_width(phantom, _protocol(recipe))


def _protocol(recipe: Recipe) -> Protocol:
    protocol = get_protocol(recipe.protocol)
    if recipe.views is not None:
        protocol = protocol.with_views(recipe.views)
    # A part of the body gets its part of the time that the whole would take.
    minutes = protocol.scan_minutes if recipe.minutes is None else recipe.minutes
    if not 0 < minutes <= _MOST_MINUTES:
        raise InputError(
            f"expected a scan of up to {_MOST_MINUTES:g} minutes, found {minutes:g}; "
            "give minutes, such as 30"
        )
    low, high = recipe.axial
    if not 0 <= low < high <= 1:
        raise InputError(
            f"expected an axial part such as 0.3 0.8 within 0 to 1, found {low} {high}; "
            "0 is mid-thigh and 1 the vertex"
        )
    return replace(protocol, scan_minutes=minutes * (high - low))


def _population(recipe: Recipe) -> Population:
    population = get_population(recipe.like)
    if recipe.ct_shift_mm is None:
        return population
    return replace(population, ct=replace(population.ct, fixed_shift_mm=recipe.ct_shift_mm))


def stand_in(recipe: Recipe) -> LabelledVolume | None:
    """Load the phantom that a recipe names; None is the built-in one.

    Raises
    ------
    InputError
        If the file, or its table, is missing or cannot be used.
    """
    if recipe.phantom is None:
        if recipe.labels is not None:
            raise InputError(
                f"expected --phantom with --labels, found only the table {recipe.labels}; "
                "give the labelled volume too"
            )
        return None
    if recipe.labels is None:
        raise InputError(
            f"expected a table of tissues for {recipe.phantom}, found none; give "
            f"--labels FILE.toml, or one of the package's own: {', '.join(shipped_tables())}"
        )
    return load_phantom(recipe.phantom, recipe.labels)


def _check_width(phantom: LabelledVolume, protocol: Protocol) -> None:
    """Refuse a phantom from a file that is too wide before it is bent: drawing it takes minutes."""
    low, high = phantom.extent()
    reach_cm = max(phantom.reach_mm(), float(max(high[:2] - low[:2])) / 2) / 10
    if reach_cm > protocol.fov_cm / 2:
        raise TooWideError(
            f"expected a phantom within the {protocol.fov_cm:g} cm that {protocol.name} sees, "
            f"found {phantom.source} reaching {reach_cm:.1f} cm from its middle; crop "
            f"it in its table with keep = {{ x = [first, last] }}"
        )


def _draw_fitting(
    seeds: np.random.SeedSequence,
    protocol: Protocol,
    factor: int,
    recipe: Recipe,
    of_day: np.random.SeedSequence,
) -> tuple[Patient, dict[str, Any] | None]:
    """Draw patients until one fits into the field of view, and pad it to whole pixels.

    A follow-up is of the one that fits, and its position is drawn until it fits too. What
    became of the lesions comes with it.
    """
    voxel_mm = 10 * protocol.pixel_cm / factor
    phantom = stand_in(recipe)
    if phantom is not None:
        _check_width(phantom, protocol)
    pixels = int(protocol.fov_cm / protocol.pixel_cm) // 2 * 2
    settings = PatientSettings(
        _population(recipe),
        voxel_mm=voxel_mm,
        matrix=pixels * factor,
        axial=recipe.axial,
        mass_kg=recipe.mass_kg,
        sample_mm=None if recipe.fine else voxel_mm,
        phantom=phantom,
        fov_mm=10 * protocol.fov_cm,
    )
    draws = _MOST_DRAWS if phantom is None else _MOST_BENDS
    for draw, seed in enumerate(seeds.generate_state(draws, np.uint32), 1):
        try:
            patient = draw_patient(int(seed), settings)
            _check_fits(patient, protocol)
        except TooWideError:
            if phantom is not None and draw == draws:
                raise
            continue
        if recipe.follow_up is None:
            return _padded(patient, factor), None
        first = FirstDay(int(seed), settings, patient.lesions, patient.bent)
        del patient  # its arrays, before those of the next are made
        for day in of_day.spawn(_MOST_DRAWS):
            try:
                later, changes = draw_follow_up(first, day, FOLLOW_UPS[recipe.follow_up])
                _check_fits(later, protocol)
            except TooWideError:
                continue
            return _padded(later, factor), changes
    raise InputError(
        f"expected patients that fit into the {protocol.fov_cm:g} cm that {protocol.name} sees, "
        f"found {_MOST_DRAWS} in a row too wide; use another protocol or phantom"
    )


def _check_fits(patient: Patient, protocol: Protocol) -> None:
    footprint = body_footprint(patient.activity, patient.attenuation)
    check_field_of_view(footprint, patient.spacing_mm[0] / 10, protocol.fov_cm)


def _padded(patient: Patient, factor: int) -> Patient:
    """Add slices of air at the top until they fill whole pixels."""
    missing = -patient.activity.shape[2] % factor
    if not missing:
        return patient
    air = {"activity": 0.0, "attenuation": 0.0, "ct": AIR_HU, "labels": 0}
    air |= {"ct_labels": 0, "couch": False}
    padded: dict[str, Any] = {
        name: np.pad(getattr(patient, name), ((0, 0), (0, 0), (0, missing)), constant_values=value)
        for name, value in air.items()
    }
    return replace(patient, **padded)


def _coarser(array: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Means of blocks of `factor` voxels a side."""
    return collapse(array, factor, (0, 1, 2), "mean") if factor > 1 else array


def _majority(labels: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Labels of blocks: bone or lesion where they fill half, and the larger of the two."""
    if factor == 1:
        return labels
    bone, lesion = (_coarser((labels == k).astype(np.float32), factor) for k in (1, 2))
    return np.where(bone + lesion < 0.5, 0, np.where(lesion >= bone, 2, 1)).astype(np.uint8)


def _coarser_affine(affine: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """Affine of blocks of `factor` voxels a side."""
    coarse = affine.copy()
    coarse[:3, :3] *= factor
    coarse[:3, 3] += affine[:3, :3] @ np.full(3, (factor - 1) / 2)
    return coarse


def _described(scan: Scan) -> dict[str, Any]:
    return {
        "counts": int(scan.counts.sum(dtype=np.float64)),
        "window_counts": int(scan.window_counts.sum(dtype=np.float64)),
        "scatter_fraction": round(scan.scatter_fraction, 4),
        "beds": len(scan.beds),
        "view_seconds": scan.protocol.scan_minutes
        * 60
        * scan.protocol.detectors
        / (len(scan.beds) * scan.protocol.views),
        "voxel_cm": scan.voxel_cm,
        "shape": list(scan.shape),
    }
