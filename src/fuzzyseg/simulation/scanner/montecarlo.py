"""Scatter kernels of an energy window, from a Monte Carlo in water that is run once and kept.

The kernels belong to effective source scatter estimation: K_i(x) is the number of counts that
scatter adds per count of unscattered photons, by the place x (relative to the source) of the
last collision, weighted with the i-th power of the excess of attenuation after it.

Compton scatter on free electrons only: coherent scatter, 2% of the collisions at 140 keV, and
the electrons' own motion are left out.

References
----------
.. [1] Frey EC, Tsui BMW. A new method for modeling the spatially-variant, object-dependent
   scatter response function in SPECT. IEEE NSS Conf Rec 1996;2:1082.
.. [2] Kadrmas DJ, Frey EC, Karimi SS, Tsui BMW. Fast implementations of reconstruction-based
   scatter compensation in fully 3D SPECT image reconstruction. Phys Med Biol 1998;43:857.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from contextlib import suppress
from dataclasses import astuple, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.io.output import replacing
from fuzzyseg.tc99m import GAMMA_KEV

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.simulation.scanner.protocol import EnergyWindow, Protocol

_VERSION = 1  # of the Monte Carlo; raise it when its results change


@dataclass(frozen=True)
class KernelSettings:
    """How the kernels are computed.

    Parameters
    ----------
    photons : int
        Photons followed. A million takes 1 to 2 s and leaves 0.6% of noise in a kernel's voxels.
    directions : int
        Detector directions scored at each collision.
    bin_cm : float
        Edge of the bins along and across the direction to the detector.
    reach_cm : float
        Largest distance from the source kept, along and across.
    seed : int
    """

    photons: int = 1_000_000
    directions: int = 4
    bin_cm: float = 0.22
    reach_cm: float = 24.2
    seed: int = 0


@dataclass(frozen=True, eq=False)
class ScatterKernels:
    """Kernels of one window in cylinder coordinates about the direction to the detector.

    Parameters
    ----------
    moments : float64 ndarray of shape (3, T, R)
        Counts in each ring, per count of an unattenuated unscattered photopeak photon.
    bin_cm : float
    primary : float
        Unscattered photons counted in this window, per one counted in the photopeak window.
    """

    moments: NDArray[np.float64]
    bin_cm: float
    primary: float


def scatter_kernels(
    protocol: Protocol, window: EnergyWindow, settings: KernelSettings | None = None
) -> ScatterKernels:
    """Kernels of a window of a protocol: from the cache if they are there, else computed.

    Parameters
    ----------
    protocol : Protocol
        For its energy resolution and its photopeak window, on which counts are based.
    window : EnergyWindow
    settings : KernelSettings, optional
    """
    sigma = protocol.energy_sigma_kev(GAMMA_KEV)
    return _kernels(window, protocol.photopeak, sigma, settings or KernelSettings())


def cache_folder() -> Path:
    """Where kernels are kept: FUZZYSEG_CACHE, else fuzzyseg in the user's cache folder."""
    if folder := os.environ.get("FUZZYSEG_CACHE"):
        return Path(folder)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "fuzzyseg"


@lru_cache(maxsize=8)
def _kernels(
    window: EnergyWindow, photopeak: EnergyWindow, sigma: float, settings: KernelSettings
) -> ScatterKernels:
    """Kernels from memory, from disk or from the Monte Carlo."""
    from fuzzyseg.simulation.scanner import _photons

    key = repr((_VERSION, GAMMA_KEV, astuple(window), sigma, astuple(settings)))
    name = f"scatter-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npz"
    path = cache_folder() / name
    bins = int(np.ceil(settings.reach_cm / settings.bin_cm))
    tally = _read(path, (3, 2 * bins, bins))
    if tally is None:
        tally = _compute(window, sigma, settings, np.zeros((3, 2 * bins, bins)))
        with suppress(OSError):  # a cache that can't be written costs time, nothing else
            _write(path, tally)
    at_peak, here = (
        float(_photons.accepted(GAMMA_KEV, w.low_kev, w.high_kev, sigma, GAMMA_KEV))
        for w in (photopeak, window)
    )
    moments = tally / at_peak
    moments.flags.writeable = False
    return ScatterKernels(moments, settings.bin_cm, here / at_peak)


def _compute(
    window: EnergyWindow, sigma: float, settings: KernelSettings, tally: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Run the Monte Carlo."""
    from fuzzyseg.simulation.scanner import _photons

    _photons.trace(
        np.random.default_rng(settings.seed),
        settings.photons,
        settings.directions,
        GAMMA_KEV,
        window.low_kev,
        window.high_kev,
        sigma,
        settings.bin_cm,
        tally,
    )
    return tally


def _read(path: Path, shape: tuple[int, ...]) -> NDArray[np.float64] | None:
    """Read a kept tally; None if there is none or the file is damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            tally = np.asarray(archive["tally"], dtype=np.float64)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return tally if tally.shape == shape and np.all(np.isfinite(tally)) else None


def _write(path: Path, tally: NDArray[np.float64]) -> None:
    """Write a tally so that no reader ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez(file, tally=tally)
