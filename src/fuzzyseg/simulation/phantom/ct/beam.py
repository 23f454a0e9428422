"""What an X-ray beam gets wrong, slice by slice: cupping, streaks, starved rays and their noise.

Each slice is projected on a coarse grid, P = mu_w * integral of (mu / mu_w), in water and in
whatever is denser (M). A ray reports

    I = exp(-W) (exp(-(1 - h) M) + exp(-(1 + h) M)) / 2 + f,    P' = -log I,

with h the spectrum's spread and f a floor of scatter and electronics, and carries the noise of
its photons, var P' = I / I0 / (I - f)^2. Filtered back-projection being linear, that of P' - P,
with the noise and the cupping c W^2 added, is the error of the image.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.simulation.phantom.ct.ct_settings import CTDraw

# Attenuation of water at the beam's effective energy of 80 keV, 1/cm (NISTIR 5632).
WATER_PER_CM = 0.1837
COARSE_MM = (4.4, 5.0)
ANGLES = 96
_EVERY = 4  # one in so many angles is enough for the map of noise
_SOFT = 1.3  # above this many times water counts as dense
_LEAST = 1e-7  # of the unattenuated beam: what a detector can still tell from nothing
_REFERENCE_CM = 25.0
# Standard deviation of a ray's logarithm above which scanners smooth it with its neighbours.
_MOST_STD = 0.06
# Share of a voxel's noise variance at spatial frequencies that the coarse grid holds. Filtered
# back-projection has variance growing with frequency cubed below the kernel's edge.
COARSE_SHARE = 0.2


def beam_errors(
    rng: np.random.Generator,
    ratio: NDArray[np.float32],
    spacing_mm: tuple[float, float, float],
    draw: CTDraw,
) -> tuple[NDArray[np.float32], NDArray[np.float32], tuple[int, int, int]]:
    """Errors of the image on a coarse grid, and how noisy each place is.

    Parameters
    ----------
    rng : Generator
    ratio : float32 ndarray of shape (X, Y, Z)
        Attenuation over water's, 1 + HU / 1000, metal not clipped.
    spacing_mm : (x, y, z)
    draw : CTDraw

    Returns
    -------
    error : float32 ndarray of shape (X', Y', Z')
        HU, with the low frequencies of the noise.
    noise : float32 ndarray of shape (X', Y', Z')
        Standard deviation of all noise over that at the middle of 25 cm of water.
    factor : (int, int, int)
        Voxels of the image along each edge of a coarse one.
    """
    from fuzzyseg.simulation.phantom.ct.ct_kernels import back, forward

    flat, tall = (max(1, round(c / s)) for c, s in zip(COARSE_MM, spacing_mm[1:], strict=True))
    factor = (flat, flat, tall)
    dense = np.maximum(ratio - np.float32(_SOFT), 0)
    water = block_means(np.minimum(ratio, np.float32(_SOFT)), factor)
    mineral = block_means(dense, factor) if dense.any() else np.zeros_like(water)
    n, m, slices = water.shape
    pixel_cm = flat * spacing_mm[0] / 10
    rays = math.ceil(math.hypot(n, m)) + 4
    angles = (np.arange(ANGLES) + 0.5) * np.pi / ANGLES
    cos, sin = np.cos(angles), np.sin(angles)
    ramp = _ramp(rays)
    photons = photons_for(draw.noise_hu, pixel_cm)
    noise_at_middle = math.exp(WATER_PER_CM * _REFERENCE_CM) / photons
    error = np.zeros(water.shape, np.float32)
    spread = np.ones(water.shape, np.float32)
    image, noise = np.zeros((n, m), np.float32), np.zeros((n, m), np.float32)
    # Streaks run into the air beside the body too, where an image shows them.
    everywhere = np.ones((n, m), bool)
    for z in range(slices):
        white = rng.standard_normal((ANGLES, rays), dtype=np.float32)
        slab = np.ascontiguousarray(water[..., z])
        inside = slab > 0.05
        if not inside.any():
            continue
        sums = np.zeros((2, ANGLES, rays), np.float32)
        forward(slab, np.ascontiguousarray(mineral[..., z]), cos, sin, sums)
        sums *= np.float32(WATER_PER_CM * pixel_cm)
        wrong, variance = _rays(sums[0], sums[1], draw, photons)
        wrong += np.sqrt(variance) * white
        filtered = np.fft.irfft(np.fft.rfft(wrong, ramp[0]) * ramp[1], ramp[0])[:, :rays]
        back(
            filtered.astype(np.float32),
            variance,
            _EVERY,
            cos,
            sin,
            everywhere,
            image,
            noise,
        )
        error[..., z] = image * np.float32(1000 * np.pi / ANGLES / pixel_cm / WATER_PER_CM)
        spread[..., z] = np.sqrt(noise * np.float32(_EVERY / ANGLES / noise_at_middle))
    return error, spread, factor


def _rays(
    water: NDArray[np.float32], dense: NDArray[np.float32], draw: CTDraw, photons: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Error of each ray's line integral, and the variance of its noise."""
    h = np.float32(draw.hardening)
    # -log of the mean of both exponentials, which must not underflow behind metal.
    split = -np.logaddexp(-(1 - h) * dense, -(1 + h) * dense) + np.float32(math.log(2))
    direct = np.exp(-np.minimum(water + split, 80.0))
    seen = np.maximum(direct + np.float32(draw.floor), np.float32(_LEAST))
    wrong = -np.log(seen) - (water + dense) + np.float32(draw.cupping) * water * water
    # Scanners know the floor's mean and take most of it off; a tenth of it stays.
    known = np.maximum(direct + np.float32(0.1 * draw.floor), np.float32(_LEAST))
    wrong += np.log(seen) - np.log(known)
    variance = seen / np.float32(photons) / np.maximum(direct, np.float32(1e-6)) ** 2
    return wrong.astype(np.float32), np.minimum(variance, _MOST_STD**2).astype(np.float32)


def photons_for(noise_hu: float, pixel_cm: float) -> float:
    """Photons a coarse ray needs for this noise in the middle of 25 cm of water.

    The variance of filtered back-projection with a ramp over A views of rays a cm wide is
    pi^2 / (12 A a^2) times that of a ray [1]_; a ray's is exp(P) / I0. `COARSE_SHARE` of the
    variance is left to the coarse grid.

    References
    ----------
    .. [1] Kak AC, Slaney M. Principles of Computerized Tomographic Imaging, 1988, chapter 5.
    """
    wanted = COARSE_SHARE * (noise_hu / 1000 * WATER_PER_CM) ** 2
    gain = np.pi**2 / (12 * ANGLES * pixel_cm**2)
    return float(gain * math.exp(WATER_PER_CM * _REFERENCE_CM) / wanted)


def _ramp(rays: int) -> tuple[int, NDArray[np.float32]]:
    """Length of the transforms, and the band-limited ramp, from its samples in space."""
    n = 2 ** math.ceil(math.log2(2 * rays))
    k = np.fft.fftfreq(n, 1 / n)
    odd = np.abs(k) % 2 == 1
    taps = np.zeros(n)
    taps[odd] = -1 / (np.pi * k[odd]) ** 2
    taps[0] = 0.25
    return n, np.fft.rfft(taps).real.astype(np.float32)


def block_means(volume: NDArray[np.float32], factor: tuple[int, int, int]) -> NDArray[np.float32]:
    """Means of blocks; the last ones are filled up with the outermost voxels."""
    missing = [(0, -n % f) for n, f in zip(volume.shape, factor, strict=True)]
    if any(m[1] for m in missing):
        volume = np.pad(volume, missing, mode="edge")
    (x, y, z), (a, b, c) = volume.shape, factor
    blocks = volume.reshape(x // a, a, y // b, b, z // c, c)
    return np.asarray(blocks.mean(axis=(1, 3, 5), dtype=np.float32))
