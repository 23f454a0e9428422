"""Numba kernel of the scatter Monte Carlo: photons from a point in endless water.

Each photon is followed from collision to collision. At each one it is not left to chance
whether it flies towards a detector: several directions are drawn, and to each is booked the
probability that the photon scatters that way and is counted (forced detection). The medium has
no preferred direction, so any direction may stand for the detector's; the place is booked by
its coordinates along and across it.
"""
# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False

from __future__ import annotations

import math
from typing import Any

from fuzzyseg.compiled import njit

_OPTIONS: Any = {"cache": True, "nogil": True, "error_model": "numpy"}

_ELECTRON_KEV = 510.99895  # rest energy of the electron (CODATA 2018)
_ELECTRON_RADIUS_CM = 2.8179403e-13  # classical electron radius (CODATA 2018)
_ELECTRONS_PER_CM3 = 3.3428e23  # in water of 1 g/cm3
_PHOTOELECTRIC_150_KEV = 7.31e-4  # 1/cm in water (NIST XCOM)
_LEAST_KEV = 20.0  # photons below are soon absorbed, and no window reaches down there
_PHOTOELECTRIC_POWER = -3.28  # slope of XCOM's table from 100 to 150 keV, log-log


@njit(**_OPTIONS)
def klein_nishina_total(energy_kev):
    """Compton cross-section of a free electron, in cm^2."""
    k = energy_kev / _ELECTRON_KEV
    a = 1 + 2 * k
    log = math.log(a)
    first = (1 + k) / k**2 * (2 * (1 + k) / a - log / k)
    total = first + log / (2 * k) - (1 + 3 * k) / a**2
    return 2 * math.pi * _ELECTRON_RADIUS_CM**2 * total


@njit(**_OPTIONS)
def _klein_nishina(energy_kev, cos):
    """Cross-section per steradian over r_e^2 / 2, and the energy after scattering."""
    ratio = 1 / (1 + energy_kev / _ELECTRON_KEV * (1 - cos))
    return ratio * ratio * (ratio + 1 / ratio - (1 - cos * cos)), energy_kev * ratio


@njit(**_OPTIONS)
def compton_per_cm(energy_kev):
    """Compton attenuation of water, in 1/cm."""
    return _ELECTRONS_PER_CM3 * klein_nishina_total(energy_kev)


@njit(**_OPTIONS)
def attenuation_per_cm(energy_kev):
    """Attenuation of water without coherent scatter, in 1/cm."""
    photoelectric = _PHOTOELECTRIC_150_KEV * (energy_kev / 150) ** _PHOTOELECTRIC_POWER
    return compton_per_cm(energy_kev) + photoelectric


@njit(**_OPTIONS)
def accepted(energy_kev, low, high, sigma_at_peak, peak):
    """Probability that a photon of an energy is measured between low and high (keV)."""
    scale = sigma_at_peak * math.sqrt(energy_kev / peak) * math.sqrt(2.0)
    return 0.5 * (math.erf((high - energy_kev) / scale) - math.erf((low - energy_kev) / scale))


@njit(**_OPTIONS)
def _direction(rng):
    """Draw a unit vector from the sphere."""
    cos = 2 * rng.random() - 1
    sin = math.sqrt(1 - cos * cos)
    phi = 2 * math.pi * rng.random()
    return sin * math.cos(phi), sin * math.sin(phi), cos


@njit(**_OPTIONS)
def _scatter(rng, energy, u):
    """Draw the direction after a Compton collision by rejection, and the energy with it."""
    while True:
        v = _direction(rng)
        density, after = _klein_nishina(energy, u[0] * v[0] + u[1] * v[1] + u[2] * v[2])
        if 2 * rng.random() < density:  # 2 is the density forward, its maximum
            return v, after


@njit(**_OPTIONS)
def trace(rng, photons, directions, peak, low, high, sigma, bin_cm, tally):
    """Follow photons and book where they last scattered before being counted.

    Parameters
    ----------
    rng : numpy.random.Generator
    photons, directions : int
        Photons started, and detector directions drawn a collision.
    peak, low, high, sigma : float
        Energy of emission, edges of the window and standard deviation of the measured energy
        at the emission's, in keV.
    bin_cm : float
    tally : float64 ndarray of shape (3, T, R)
        Added to, in counts a photon relative to one that flies to the detector unscattered and
        is counted for sure. Moments 0 to 2 of the excess of attenuation over that of the
        emission; T bins along the direction to the detector, the source in the middle; R bins
        across.
    """
    reference = attenuation_per_cm(peak)
    lowest = max(low - 4 * sigma, _LEAST_KEV)
    n_along, n_across = tally.shape[1], tally.shape[2]
    scale = 2 * math.pi / (photons * directions)
    for _ in range(photons):
        x, y, z = 0.0, 0.0, 0.0
        u = _direction(rng)
        energy, weight = peak, 1.0
        while energy > lowest:
            mu = attenuation_per_cm(energy)
            step = -math.log(1 - rng.random()) / mu
            x, y, z = x + step * u[0], y + step * u[1], z + step * u[2]
            total = klein_nishina_total(energy)
            weight *= _ELECTRONS_PER_CM3 * total / mu  # survives the photoelectric effect
            radius2 = x * x + y * y + z * z
            for _ in range(directions):
                n = _direction(rng)
                density, after = _klein_nishina(energy, u[0] * n[0] + u[1] * n[1] + u[2] * n[2])
                along = x * n[0] + y * n[1] + z * n[2]
                across = math.sqrt(max(radius2 - along * along, 0.0))
                t, r = math.floor(along / bin_cm) + n_along // 2, int(across / bin_cm)
                if after <= lowest or t < 0 or t >= n_along or r >= n_across:
                    continue
                chance = density * _ELECTRON_RADIUS_CM**2 / total
                booked = scale * weight * chance * accepted(after, low, high, sigma, peak)
                excess = attenuation_per_cm(after) / reference - 1
                tally[0, t, r] += booked
                tally[1, t, r] += booked * excess
                tally[2, t, r] += booked * excess * excess
            u, energy = _scatter(rng, energy, u)
