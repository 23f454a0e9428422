"""A small SPECT/CT study from a few shapes, made in a second.

Not a simulation of a scanner: uptake is blurred with a Gaussian and made noisy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.volume import Volume

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_SPECT_MM = 4.42
_CT_MM = 3.0
_SIZE_MM = (398.0, 274.0, 442.0)
_FWHM_MM = 9.0  # resolution of a reconstructed SPECT
_BONE, _LESION, _LUNG = 10.0, 40.0, 0.4  # uptake, soft tissue = 1
_COUNTS = 6.0  # counts a voxel in soft tissue


@dataclass(frozen=True, eq=False)
class Study:
    """A SPECT, a CT on a finer grid, and the true labels (X, Y, Z) on the SPECT's grid."""

    spect: Volume
    ct: Volume
    labels: NDArray[np.uint8]


def make_study(seed: int = 0, n_lesions: int = 6) -> Study:
    """Make a trunk with spine, ribs, pelvis and lesions.

    Parameters
    ----------
    seed : int
        Draws the places and sizes of the lesions, and the noise.
    n_lesions : int

    Returns
    -------
    Study
        Labels are 0 background, 1 bone, 2 lesion.
    """
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    coarse = _grid(_SPECT_MM)
    shape = coarse[0].shape
    bone, lung, body = _anatomy(coarse)
    places = np.argwhere(bone)
    lesion = np.zeros(shape, dtype=bool)
    for place in places[rng.choice(len(places), n_lesions, replace=False)]:
        centre = [axis[tuple(place)] for axis in coarse]
        away = sum((axis - c) ** 2 for axis, c in zip(coarse, centre, strict=True))
        lesion |= away < rng.uniform(11.0, 18.0) ** 2
    labels = np.where(lesion, 2, np.where(bone, 1, 0)).astype(np.uint8)
    uptake = np.select([lesion, bone, lung, body], [_LESION, _BONE, _LUNG, 1.0], 0.0)
    blurred = gaussian_filter(uptake, _FWHM_MM / 2.3548 / _SPECT_MM)
    counts = rng.poisson(_COUNTS * blurred).astype(np.float32)
    fine = _grid(_CT_MM)
    bone, lung, body = _anatomy(fine)
    hu = np.select([bone, lung, body], [450.0, -800.0, 40.0], -1000.0)
    hu = gaussian_filter(hu, 0.5) + rng.normal(0.0, 20.0, hu.shape)
    hu = np.maximum(np.rint(hu), -1024.0)
    return Study(
        Volume(counts, _affine(_SPECT_MM), "NM", "counts", "demo study"),
        Volume(hu.astype(np.float32), _affine(_CT_MM), "CT", "HU", "demo study"),
        labels,
    )


def write_study(folder: Path, seed: int = 0) -> None:
    """Write spect.nii.gz, ct.nii.gz and labels.nii.gz of `make_study` to a folder."""
    from fuzzyseg.io import write_image, write_labels

    study = make_study(seed)
    folder.mkdir(parents=True, exist_ok=True)
    write_image(folder / "spect.nii.gz", study.spect)
    write_image(folder / "ct.nii.gz", study.ct)
    write_labels(folder / "labels.nii.gz", study.labels, study.spect)


def _grid(voxel_mm: float) -> tuple[NDArray[np.float64], ...]:
    """Coordinates (X, Y, Z) in mm from the middle of the trunk: right, front, up."""
    axes = [(np.arange(round(s / voxel_mm)) + 0.5) * voxel_mm - s / 2 for s in _SIZE_MM]
    return tuple(np.meshgrid(*axes, indexing="ij"))


def _affine(voxel_mm: float) -> NDArray[np.float64]:
    affine = np.diag([voxel_mm, voxel_mm, voxel_mm, 1.0])
    affine[:3, 3] = [voxel_mm / 2 - s / 2 for s in _SIZE_MM]
    return affine


def _anatomy(
    grid: tuple[NDArray[np.float64], ...],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Bone, lungs and body on a grid."""
    x, y, z = grid
    body = (x / 175) ** 4 + (y / 110) ** 2 + (np.abs(z) / 215) ** 8 < 1
    lung = ((np.abs(x) - 75) / 52) ** 2 + (y / 72) ** 2 + ((z - 90) / 110) ** 2 < 1
    # Spine: bodies with discs between them, and a row of processes behind.
    curve = -55 + 12 * np.sin(z / 90)
    spine = (x / 19) ** 2 + ((y - curve) / 17) ** 2 < 1
    spine &= np.mod(z, 30) < 25
    process = (np.abs(x) < 7) & (np.abs(y - curve + 32) < 16) & (np.mod(z, 30) < 14)
    # Ribs: bands of an ellipse that slope down to the front.
    ring = np.hypot(x / 142, y / 96)
    band = np.mod(z - 0.35 * y + 8, 27) < 9
    ribs = (np.abs(ring - 1) < 0.045) & band & (z - 0.35 * y > 0) & (z < 190)
    ribs &= ~((np.abs(x) < 45) & (y > 0))
    sternum = (np.abs(x) < 15) & (np.abs(y - 88) < 7) & (z > 40) & (z < 170)
    # Pelvis: two leaning wings, the sacrum, and the heads of the femora.
    wing = np.abs(np.hypot((np.abs(x) - 20) / 95, (y + 15) / 75) - 1) < 0.12
    wing &= (z > -165) & (z < -75 - 0.4 * y) & (y < 55) & (np.abs(x) > 25)
    sacrum = (np.abs(x) < 42 + 0.3 * (z + 110)) & (np.abs(y + 62) < 15) & (z > -165) & (z < -90)
    head = (np.abs(x) - 92) ** 2 + y**2 + (z + 168) ** 2 < 24**2
    bone = (spine | process | ribs | sternum | wing | sacrum | head) & body
    return bone, lung & body & ~bone, body
