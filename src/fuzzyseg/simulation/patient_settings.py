"""What is known of a patient before the draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.simulation.phantom.disease.metastases import MOST_LESIONS
from fuzzyseg.simulation.population import POPULATIONS

if TYPE_CHECKING:
    from fuzzyseg.simulation.phantom.anatomy.habitus import Arms, Sex
    from fuzzyseg.simulation.phantom.files.labelled_phantom import LabelledVolume
    from fuzzyseg.simulation.phantom.model import Phantom
    from fuzzyseg.simulation.population_laws import Population

# 740 MBq is the lower end for adults in the SNMMI standard for bone scintigraphy 4.0 (740 to
# 1110 MBq) and the upper in the EANM guideline of 2016 (300 to 740 MBq); imaging 2 to 5 h later.
INJECTED_MBQ = 740.0
UPTAKE_H = 3.0


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
    fov_mm : float, optional
        Width that a camera sees; a parametric body that is sure to leave it is refused before it
        is drawn in full. Nothing else depends on it.

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
    fov_mm: float | None = None

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
