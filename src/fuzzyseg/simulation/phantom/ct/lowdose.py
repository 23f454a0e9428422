"""The CT of a SPECT/CT, from attenuation to an image: moved, blurred, noisy, streaked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.conventions import FWHM_PER_SIGMA
from fuzzyseg.simulation.phantom.ct.beam import COARSE_SHARE, beam_errors
from fuzzyseg.simulation.phantom.ct.couch import couch_ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.simulation.phantom.ct.ct_settings import CTDraw
    from fuzzyseg.simulation.phantom.grid import Grid
    from fuzzyseg.simulation.phantom.model import Phantom

LOWEST_HU, HIGHEST_HU = -1024.0, 3071.0
_MOST_RATIO = 1000.0


@dataclass(frozen=True, eq=False)
class CTImage:
    """A CT and the truth about it.

    Parameters
    ----------
    hu : float32 ndarray of shape (X, Y, Z)
        Whole HU, -1024 to 3071.
    labels : uint8 ndarray of shape (X, Y, Z)
        0 background, 1 bone, 2 lesion, where the patient lies in the CT.
    couch : bool ndarray of shape (X, Y, Z)
        Voxels of couch, mattress and head rest.
    """

    hu: NDArray[np.float32]
    labels: NDArray[np.uint8]
    couch: NDArray[np.bool_]


def take_ct(
    rng: np.random.Generator,
    hu: NDArray[np.float32],
    bone: NDArray[np.float32],
    labels: NDArray[np.uint8],
    grid: Grid,
    draw: CTDraw,
    diaphragm_mm: float | None = None,
) -> CTImage:
    """Take the CT of a patient whose true attenuation is known.

    Parameters
    ----------
    rng : Generator
        Of the noise and the couch.
    hu : float32 ndarray of shape (X, Y, Z)
        Voxel averages at the SPECT's time and place; metal far above the scanner's range.
    bone : float32 ndarray of shape (X, Y, Z)
        Share of bone, lesions included.
    labels : uint8 ndarray of shape (X, Y, Z)
    grid : Grid
    draw : CTDraw
    diaphragm_mm : float, optional
        Height of the diaphragm; without it the patient does not breathe.

    Returns
    -------
    CTImage
        On the same grid.
    """
    from fuzzyseg.simulation.phantom.ct.ct_kernels import add_upsampled

    of_couch = np.random.default_rng(rng.integers(2**63))
    moved, truth = move(hu, bone, labels, grid, draw, diaphragm_mm)
    ratio = moved
    ratio *= np.float32(1e-3)
    ratio += 1
    np.clip(ratio, 0, _MOST_RATIO, out=ratio)
    table = couch_ratio(of_couch, ratio, grid, draw)
    couch = np.zeros(hu.shape, bool)
    rows = table.shape[1]
    couch[:, :rows] = table > 0
    np.maximum(ratio[:, :rows], table, out=ratio[:, :rows])
    image = _blurred(ratio, grid, draw)
    error, spread, factor = beam_errors(rng, ratio, grid.spacing_mm, draw)
    noise = _fine_noise(rng, hu.shape, grid, draw)
    scaled = np.zeros(hu.shape, np.float32)
    add_upsampled(scaled, spread, np.array(factor, float))
    noise *= scaled
    # Between air and water the signal, and what is done to it, is the rays' own: air is quiet.
    noise *= np.clip(image + np.float32(0.15), 0.15, 1)
    noise += image
    noise -= 1
    noise *= 1000
    add_upsampled(noise, error, np.array(factor, float))
    noise += np.float32(draw.bias_hu)
    np.clip(noise, LOWEST_HU, HIGHEST_HU, out=noise)
    np.rint(noise, out=noise)
    return CTImage(noise, truth, couch)


def move(
    hu: NDArray[np.float32],
    bone: NDArray[np.float32],
    labels: NDArray[np.uint8],
    grid: Grid,
    draw: CTDraw,
    diaphragm_mm: float | None,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Carry the patient to where it lies in the CT: CT numbers and labels (X, Y, Z)."""
    from fuzzyseg.simulation.phantom.ct.ct_kernels import warp

    step = np.array(grid.spacing_mm)
    y, z = grid.axis(1), grid.axis(2)
    lift, fall = np.zeros(len(z)), np.zeros(len(z))
    front = np.zeros(len(y))
    if diaphragm_mm is not None and draw.breath_mm:
        above, below = (z - diaphragm_mm).clip(0) / 70.0, (diaphragm_mm - z).clip(0) / 140.0
        near = np.exp(-0.5 * (above**2 + below**2))
        # The back of the chest stays, its front moves in full.
        share = np.clip((y - y.mean()) / 80.0 + 0.5, 0, 1)
        front = share * share * (3 - 2 * share)
        lift = -draw.breath_mm * near / step[2]
        fall = draw.breath_mm / 3.0 * near / step[1]
    matrix = _to_patient(grid, draw)
    out, found = np.empty_like(hu), np.zeros(hu.shape, bool)
    sick = np.zeros(hu.shape, bool)
    warp(hu, bone, labels == 2, matrix, lift, fall, front, out, found, sick)
    truth = found.astype(np.uint8)
    truth[sick] = 2
    return out, truth


def diaphragm_mm(phantom: Phantom) -> float | None:
    """Height of the diaphragm: where a quarter of the lungs lies below; None without lungs."""
    along = phantom.fraction("lung").sum(axis=(0, 1), dtype=np.float64)
    if along.sum() < 1:
        return None
    return float(phantom.grid.axis(2)[np.searchsorted(along.cumsum(), 0.25 * along.sum())])


def _to_patient(grid: Grid, draw: CTDraw) -> NDArray[np.float64]:
    """Voxel of the CT to voxel of the patient, (3, 4): turned and shifted about the middle."""
    a, b, c = np.deg2rad(draw.turn_deg)
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    turn = (about_z @ about_y @ about_x).T
    step = np.array(grid.spacing_mm)
    middle = (np.array(grid.shape) - 1) / 2
    linear = turn * step[None, :] / step[:, None]
    offset = middle - linear @ middle - (turn @ np.array(draw.shift_mm)) / step
    return np.column_stack([linear, offset])


def _blurred(ratio: NDArray[np.float32], grid: Grid, draw: CTDraw) -> NDArray[np.float32]:
    """Point spread of kernel and slice over metal that is clipped as the scanner clips it."""
    from scipy import ndimage

    fwhm = np.array([draw.kernel_mm, draw.kernel_mm, draw.slice_mm])
    sigma = fwhm / FWHM_PER_SIGMA / grid.spacing_mm
    return np.asarray(ndimage.gaussian_filter(ratio, sigma, truncate=3.0, output=np.float32))


def _fine_noise(
    rng: np.random.Generator, shape: tuple[int, ...], grid: Grid, draw: CTDraw
) -> NDArray[np.float32]:
    """Noise above the coarse grid's frequencies, over water, of the wanted deviation.

    Filtered back-projection has little noise at low frequencies and none above the kernel's
    edge; a narrow Gaussian less a wide one of equal sum has such a spectrum.
    """
    from scipy import ndimage

    noise = rng.standard_normal(shape, dtype=np.float32)
    step = np.array(grid.spacing_mm)
    sigma = np.array([draw.kernel_mm, draw.kernel_mm, 0.7 * draw.slice_mm]) / FWHM_PER_SIGMA / step
    for axis in range(3):
        if sigma[axis] > 0.25:
            noise = ndimage.gaussian_filter1d(noise, sigma[axis], axis=axis, truncate=3.0)
    wide = noise
    for axis in (0, 1):
        wide = ndimage.uniform_filter1d(wide, max(3, round(6.6 / step[axis])), axis=axis)
    noise -= wide
    scale = draw.noise_hu / 1000 * np.sqrt(1 - COARSE_SHARE) / max(float(noise.std()), 1e-6)
    noise *= np.float32(scale)
    return noise
