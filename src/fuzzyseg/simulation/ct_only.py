"""A simulated CT without a SPECT: for training on bone in CT, a few seconds each.

Scanner, kernel, dose and field are drawn far more widely than for a CT beside a SPECT, so that
a network sees what diagnostic and low-dose scanners of any make show.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.provenance import versions
from fuzzyseg.simulation.phantom.anatomy import reference
from fuzzyseg.simulation.phantom.anatomy.habitus import draw_body
from fuzzyseg.simulation.phantom.anatomy.vessels import draw_contrast
from fuzzyseg.simulation.phantom.ct.beam import block_means
from fuzzyseg.simulation.phantom.ct.ct_settings import CTSettings, draw_ct
from fuzzyseg.simulation.phantom.ct.lowdose import take_ct
from fuzzyseg.simulation.phantom.dense.draw_dense import draw_dense
from fuzzyseg.simulation.phantom.disease.metastases import draw_count, draw_lesions
from fuzzyseg.simulation.phantom.grid import Grid
from fuzzyseg.simulation.phantom.images import attenuation_and_hu
from fuzzyseg.simulation.phantom.shapes import deformation
from fuzzyseg.simulation.phantom.voxelise import voxelise
from fuzzyseg.simulation.population import get_population
from fuzzyseg.simulation.record import code_digest, recipe_record
from fuzzyseg.simulation.simulated import stand_in
from fuzzyseg.volume import Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.simulation.phantom.files.labelled_phantom import LabelledVolume
    from fuzzyseg.simulation.phantom.model import Phantom
    from fuzzyseg.simulation.simulated import Recipe


_CT = CTSettings(
    noise_hu=(4.0, 60.0), kernel_mm=(0.6, 3.0), floor=(1e-6, 2e-4), bias_hu=8.0, shift_mm=0.0,
    turn_deg=1.5, breath_mm=0.0, couch=0.9, head_rest=0.7,
)  # fmt: skip
_SAMPLE_MM = 2.6  # thicker slices are averaged from thinner ones


@dataclass(frozen=True)
class Scanners:
    """Ranges that scanner and field are drawn from.

    Parameters
    ----------
    pixel_mm, slice_mm : (low, high)
        Pixels, and distance of slices; drawn on a logarithmic scale.
    most_voxels : int
        Samples that the body is drawn from: the part that is shown is as long as they allow, and
        pixels are wider where it would be shorter than `least_mm`.
    least_mm : float
    below_mm, beside_mm : (low, high)
        Air under and beside the body, where couch and head rest lie.
    overlap : (low, high)
        FWHM of a slice over the distance of slices.
    ct : CTSettings
        Of dose and artefacts; its `slice_mm` and shift are not used.
    contrast, oral : float
        Share of CTs with contrast agent, more than beside a SPECT.
    """

    pixel_mm: tuple[float, float] = (0.7, 2.5)
    slice_mm: tuple[float, float] = (0.6, 5.0)
    most_voxels: int = 4_000_000
    least_mm: float = 60.0
    below_mm: tuple[float, float] = (10.0, 110.0)
    beside_mm: tuple[float, float] = (0.0, 60.0)
    overlap: tuple[float, float] = (0.9, 1.5)
    ct: CTSettings = _CT
    contrast: float = 0.5
    oral: float = 0.2


SCANNERS = Scanners()


@dataclass(frozen=True, eq=False)
class SimulatedCT:
    """One simulated CT.

    Parameters
    ----------
    ct : Volume
        HU.
    ct_labels : uint8 ndarray of shape (X, Y, Z)
        Truth: 0 background, 1 bone, 2 lesion.
    description : dict
        Everything drawn, as JSON can hold it.
    """

    ct: Volume
    ct_labels: NDArray[np.uint8]
    description: dict[str, Any]


def simulate_ct(recipe: Recipe, number: int, scanners: Scanners = SCANNERS) -> SimulatedCT:
    """Draw body `number` (from 1) of a cohort and take its CT.

    Parameters
    ----------
    recipe : Recipe
        Its seed, population and phantom; what it says of SPECT is not used. A phantom from a file
        is bent anew for each number, and has nothing dense but bone and contrast agent.
    number : int
    scanners : Scanners

    Returns
    -------
    SimulatedCT
    """
    seeds = np.random.SeedSequence([recipe.seed, number]).spawn(6)
    of_body, of_bend, of_parts, of_field, of_lesions, of_ct = map(np.random.default_rng, seeds)
    population = get_population(recipe.like)
    given = stand_in(recipe)
    if given is None:
        shown = _of_the_body(recipe, of_body, of_bend, of_parts, of_field, scanners)
    else:
        shown = _of_the_file(given, recipe, of_bend, of_parts, of_field, scanners)
    phantom, grid, together = shown.phantom, shown.grid, shown.together
    part = grid.shape[2] * grid.spacing_mm[2] / float(shown.whole[1][2] - shown.whole[0][2])
    count = round(draw_count(of_lesions, population.lesions) * min(1.0, part))
    lesions, maps = draw_lesions(of_lesions, phantom, count, population.lesions)
    _, hu = attenuation_and_hu(phantom, maps)
    blocks = (1, 1, together)
    hu, solid = block_means(hu, blocks), block_means(phantom.bone_fraction, blocks)
    sick = block_means(maps.labels.astype(np.float32), blocks) >= 0.5
    labels = np.where(sick, 2, solid >= 0.5).astype(np.uint8)
    thick = grid.spacing_mm[2] * float(of_ct.uniform(*scanners.overlap))
    drawn = replace(draw_ct(of_ct, scanners.ct), slice_mm=thick)
    image = take_ct(of_ct, hu, solid, labels, grid, drawn)
    return SimulatedCT(
        ct=Volume(image.hu, grid.affine, "CT", "HU", f"simulated CT {number}"),
        ct_labels=image.labels,
        description={
            "number": number,
            "recipe": recipe_record(recipe),
            "patient": {
                **shown.made,
                "population": population.name,
                "lesions": [lesion.as_dict() for lesion in lesions],
                "ct": drawn.as_dict(),
                "voxel_mm": list(grid.spacing_mm),
            },
            "versions": versions(),
            "code": code_digest(),
        },
    )


@dataclass(frozen=True, eq=False)
class _Shown:
    """What a CT shows: a part of a body, on slices `together` of which make one, and the whole."""

    phantom: Phantom
    grid: Grid
    together: int
    whole: tuple[NDArray[np.float64], NDArray[np.float64]]
    made: dict[str, Any]


def _of_the_body(
    recipe: Recipe,
    of_body: np.random.Generator,
    of_bend: np.random.Generator,
    of_parts: np.random.Generator,
    of_field: np.random.Generator,
    scanners: Scanners,
) -> _Shown:
    """Draw a built-in body, and the part of it that is shown."""
    body = draw_body(of_body, mass_kg=recipe.mass_kg)
    bladder_ml = float(of_body.uniform(20.0, 300.0))
    bent = deformation.draw(of_bend, *reference.extent(body))
    grid = _field(of_field, *reference.extent(body, bent), scanners)
    soft = reference.soft_parts(body, bladder_ml, of_parts)
    dense = get_population(recipe.like).dense
    dense = replace(dense, contrast=scanners.contrast, oral=scanners.oral)
    things = draw_dense(of_parts, body, dense)
    thin, together = _thinner(grid)
    # One sample a voxel: shells thinner than it keep their volume, and it is soon done.
    one = max(thin.spacing_mm)
    phantom = voxelise(reference.bones(body), soft, thin, body, bent, sample_mm=one, dense=things)
    made = {**asdict(body), "bladder_ml": bladder_ml, "dense": list(things.records)}
    return _Shown(phantom, grid, together, reference.extent(body), made)


def _of_the_file(
    given: LabelledVolume,
    recipe: Recipe,
    of_bend: np.random.Generator,
    of_parts: np.random.Generator,
    of_field: np.random.Generator,
    scanners: Scanners,
) -> _Shown:
    """Bend a labelled volume, and draw the part of it that is shown."""
    bent = deformation.draw(of_bend, *given.extent())
    grid = _field(of_field, *given.extent(), scanners)
    dense = replace(get_population(recipe.like).dense, contrast=scanners.contrast)
    agent = draw_contrast(of_parts, dense)
    thin, together = _thinner(grid)
    phantom = replace(given.sample(thin, bent), contrast_hu=agent.contrast_hu)
    made = {
        **phantom.parameters,
        "largest_displacement_mm": bent.limit_mm,
        "dense": list(agent.records),
    }
    return _Shown(phantom, grid, together, given.extent(), made)


def _thinner(grid: Grid) -> tuple[Grid, int]:
    """Return the grid with each slice divided into thin ones, and into how many."""
    together = math.ceil(grid.spacing_mm[2] / _SAMPLE_MM)
    step = grid.spacing_mm[2] / together
    x, y, z = grid.origin_mm
    return (
        Grid(
            (grid.shape[0], grid.shape[1], grid.shape[2] * together),
            (grid.spacing_mm[0], grid.spacing_mm[1], step),
            (x, y, z - grid.spacing_mm[2] / 2 + step / 2),
        ),
        together,
    )


def _field(
    rng: np.random.Generator,
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    scanners: Scanners,
) -> Grid:
    """Draw voxels, and a part of the body's box with air around it."""

    def log(span: tuple[float, float]) -> float:
        return float(np.exp(rng.uniform(*np.log(span))))

    pixel, step = log(scanners.pixel_mm), log(scanners.slice_mm)
    low, high = low.copy(), high.copy()
    beside = rng.uniform(*scanners.beside_mm, 2)
    low[0], high[0] = low[0] - beside[0], high[0] + beside[1]
    low[1] -= rng.uniform(*scanners.below_mm)
    high[1] += rng.uniform(*scanners.beside_mm)
    high[2] += rng.uniform(0.0, 30.0)
    place = rng.random()
    per_slice = float(np.prod((high - low)[:2])) / pixel**2
    if scanners.least_mm / step * per_slice > scanners.most_voxels:
        pixel *= float(np.sqrt(scanners.least_mm / step * per_slice / scanners.most_voxels))
        per_slice = float(np.prod((high - low)[:2])) / pixel**2
    whole = Grid.covering(low, high, (pixel, pixel, step))
    per_slice *= _thinner(whole)[1]
    kept = min(whole.shape[2], max(8, int(scanners.most_voxels / per_slice)))
    first = int(place * (whole.shape[2] - kept))
    return whole.cropped(first, first + kept)
