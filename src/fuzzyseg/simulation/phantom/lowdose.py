"""The CT of a SPECT/CT: tissue's Hounsfield units with the blur and noise of a low dose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.simulation.phantom.grid import Grid

# In-plane and slice FWHM of a low-dose, thick-slice reconstruction, mm.
FWHM_MM = (1.5, 1.5, 4.0)
# Noise in 1 mm pixels and 5 mm slices at 120-130 kVp and 20-40 mAs, HU; averaged over larger
# voxels it falls less than a white one would, for low-dose kernels are smooth.
NOISE_HU = 18.0
NOISE_FWHM_MM = 4.0
_FWHM = float(np.sqrt(8 * np.log(2)))


def low_dose_ct(
    rng: np.random.Generator, hu: NDArray[np.float32], grid: Grid, noise_hu: float = NOISE_HU
) -> NDArray[np.float32]:
    """Blur, add noise, and keep within a scanner's range, -1024 to 3071 HU.

    Noise grows with what the beam has to pass: in each slice by the square root of
    exp(mean water path / 2) relative to a body of 25 cm, and vanishes in air around it.

    Parameters
    ----------
    rng : Generator
    hu : float32 ndarray of shape (X, Y, Z)
        Voxel averages.
    grid : Grid
    noise_hu : float, default 18
        Standard deviation in a 1 mm pixel of a body 25 cm across.

    Returns
    -------
    float32 ndarray of shape (X, Y, Z)
    """
    from scipy import ndimage

    step = np.array(grid.spacing_mm)
    blurred = ndimage.gaussian_filter(hu, np.array(FWHM_MM) / _FWHM / step, output=np.float32)
    water = np.clip(hu / 1000 + 1, 0, 2)
    area = water.sum(axis=(0, 1)) * step[0] * step[1]
    across_cm = 2 * np.sqrt(area / np.pi) / 10
    growth = np.exp(0.2 * (across_cm - 25.0) / 4).astype(np.float32)
    sigma = NOISE_FWHM_MM / _FWHM
    # White noise of a voxel's size, blurred; its SD after averaging over a voxel of this size.
    kept = sigma / np.sqrt(sigma**2 + step[0] ** 2 / 12 + 1e-9)
    noise = rng.standard_normal(hu.shape, dtype=np.float32)
    noise = ndimage.gaussian_filter(
        noise, [sigma / step[0], sigma / step[1], 0.0], output=np.float32
    )
    noise /= max(float(noise.std()), 1e-6)
    noise *= np.float32(noise_hu * kept) * growth * np.clip(water, 0.15, 1)
    return np.asarray(np.clip(blurred + noise, -1024, 3071), dtype=np.float32)
