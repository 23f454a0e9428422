"""A SPECT scan: from activity and attenuation to counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.simulation.scanner.backends import get_backend
from fuzzyseg.simulation.scanner.beds import Bed, plan_beds, seconds_per_slice
from fuzzyseg.simulation.scanner.geometry import (
    Orbit,
    body_footprint,
    check_field_of_view,
    collapse,
    collapsed_shape,
    cubic_voxel_cm,
    make_orbit,
)
from fuzzyseg.simulation.scanner.montecarlo import KernelSettings, scatter_kernels
from fuzzyseg.simulation.scanner.projector import Projector, check_attenuation
from fuzzyseg.simulation.scanner.scatter import ScatterModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fuzzyseg.simulation.scanner.montecarlo import ScatterKernels
    from fuzzyseg.simulation.scanner.protocol import Protocol

    Array = NDArray[np.float32]

SCATTER_GRID_CM = 0.66  # finer than a reconstruction's: scatter is not inverted by itself either


@dataclass(frozen=True, eq=False)
class Scan:
    """Projections of one patient, beds stitched.

    Parameters
    ----------
    protocol : Protocol
    counts : float32 ndarray of shape (V, S, Z)
        Counts in the photopeak window: whole numbers if noise was on.
    expected : float32 ndarray of shape (V, S, Z)
        Their expectation.
    window_counts : float32 ndarray of shape (V, S, Z)
        Counts in the lower scatter window.
    scatter_fraction : float
        Share of scatter in the expected photopeak counts.
    orbit : Orbit
    beds : tuple of Bed
    seconds : float64 ndarray of shape (Z,)
        Time that each slice was seen in each view; twice a bed's where two beds overlap.
    voxel_cm : float
        Pixel of the projections and voxel of a reconstruction.
    shape : tuple of int
        (X, Y, Z) of a reconstruction.
    """

    protocol: Protocol
    counts: Array
    expected: Array
    window_counts: Array
    scatter_fraction: float
    orbit: Orbit
    beds: tuple[Bed, ...]
    seconds: NDArray[np.float64]
    voxel_cm: float
    shape: tuple[int, int, int]

    @property
    def counts_per_unit(self) -> Array:
        """Calibration (Z,): counts of a pixel per Bq/mL summed along its column of voxels."""
        rate = self.protocol.sensitivity_cps_per_mbq * 1e-6 * self.voxel_cm**3
        return np.asarray(rate * self.seconds, np.float32)


def acquire(
    activity_bq_ml: NDArray[np.floating],
    mu_per_cm: NDArray[np.floating],
    *,
    voxel_cm: float | Sequence[float],
    protocol: Protocol,
    seed: int | np.random.SeedSequence | np.random.Generator = 0,
    scatter: bool = True,
    noise: bool = True,
    kernel_settings: KernelSettings | None = None,
    device: str = "cpu",
) -> Scan:
    """Scan a patient.

    The patient is given on voxels 1, 2 or more times finer than the protocol's pixel.
    Projections are computed at that fineness and added up to pixels; one that equals the pixel
    is faster, but then a reconstruction inverts the very model that made its data.

    Physical decay during the scan, dead time, motion and the table are left out.

    Parameters
    ----------
    activity_bq_ml : float32 ndarray of shape (X, Y, Z)
        Activity at the time of the scan, in Bq/mL, >= 0.
    mu_per_cm : float32 ndarray of shape (X, Y, Z)
        Attenuation at 140 keV, in 1/cm.
    voxel_cm : float or three floats
        Edge of the cubic voxels: the protocol's pixel over a whole number, to 2%.
    protocol : Protocol
    seed : int, SeedSequence or Generator
        Of the noise.
    scatter : bool
        False leaves scatter out of both windows.
    noise : bool
        False returns expectations as counts.
    kernel_settings : KernelSettings, optional
        Of the scatter Monte Carlo.
    device : str
        See backends.get_backend.

    Returns
    -------
    Scan

    Raises
    ------
    InputError
        If shapes differ, the activity is zero or negative, the attenuation negative, the
        voxels not cubic or not a fraction of the pixel, or the patient leaves the field of view.
    """
    patient = _positioned(activity_bq_ml, mu_per_cm, voxel_cm, protocol)
    pixel_cm = patient.factor * patient.voxel_cm
    x, y, z = collapsed_shape(patient.mu.shape, patient.factor)
    orbit = make_orbit(
        patient.body, patient.voxel_cm, protocol.views, protocol.orbit, protocol.clearance_cm
    )
    beds = plan_beds(z, pixel_cm, protocol.axial_fov_cm, protocol.bed_overlap_cm)
    per_bed = protocol.scan_minutes * 60.0 / len(beds)
    seconds = seconds_per_slice(beds, z, per_bed * protocol.detectors / protocol.views)
    kernels = (
        scatter_kernels(protocol, protocol.photopeak, kernel_settings),
        scatter_kernels(protocol, protocol.scatter_window, kernel_settings),
    )
    primary, expected, window = _expected(
        patient, orbit, seconds, protocol, kernels, scatter=scatter, device=device
    )
    total = float(expected.sum(dtype=np.float64))
    counts, window_counts = expected, window
    if noise:
        rng = np.random.default_rng(seed)
        counts, window_counts = (rng.poisson(e).astype(np.float32) for e in (expected, window))
    return Scan(
        protocol=protocol,
        counts=counts,
        expected=expected,
        window_counts=window_counts,
        scatter_fraction=1 - float(primary.sum(dtype=np.float64)) / total,
        orbit=orbit,
        beds=tuple(beds),
        seconds=seconds,
        voxel_cm=pixel_cm,
        shape=(x, y, z),
    )


@dataclass(frozen=True, eq=False)
class _Patient:
    """A patient in the scanner: activity (Bq/mL) and attenuation (1/cm), both (X, Y, Z)."""

    activity: Array
    mu: Array
    voxel_cm: float
    factor: int  # voxels in a pixel's width
    body: NDArray[np.bool_]  # (X, Y): where there is any in some slice


def _positioned(
    activity_bq_ml: NDArray[np.floating],
    mu_per_cm: NDArray[np.floating],
    voxel_cm: float | Sequence[float],
    protocol: Protocol,
) -> _Patient:
    """Check a patient against the scanner; InputError if they do not fit each other."""
    voxel = cubic_voxel_cm(voxel_cm)
    mu = check_attenuation(mu_per_cm, voxel)
    activity = _check_activity(activity_bq_ml, mu.shape)
    factor = _oversampling(voxel, protocol.pixel_cm)
    body = body_footprint(activity, mu)
    check_field_of_view(body, voxel, protocol.fov_cm)
    return _Patient(activity, mu, voxel, factor, body)


def _expected(
    patient: _Patient,
    orbit: Orbit,
    seconds: NDArray[np.float64],
    protocol: Protocol,
    kernels: tuple[ScatterKernels, ScatterKernels],
    *,
    scatter: bool,
    device: str,
) -> tuple[Array, Array, Array]:
    """Compute expected counts, each (V, S, Z).

    Parameters
    ----------
    seconds : float64 ndarray of shape (Z,)
        Time that each slice is seen in each view.
    kernels : two ScatterKernels
        Of the photopeak window and of the lower one.

    Returns
    -------
    primary, photopeak, lower : float32 ndarrays of shape (V, S, Z)
        Unscattered photons in the photopeak window; all in that window; all in the lower one.
    """
    rate = protocol.sensitivity_cps_per_mbq * 1e-6 * patient.voxel_cm**3
    scale = np.asarray(rate * seconds, np.float32)
    backend = get_backend(device)
    geometry: dict[str, Any] = {
        "voxel_cm": patient.voxel_cm,
        "orbit": orbit,
        "response": protocol.response,
        "backend": backend,
    }
    loaded = backend.load(patient.activity)
    projector = Projector(patient.mu, mask=patient.body, **geometry)
    primary = scale * _projected(projector, loaded, patient.factor)
    peak, lower = kernels
    window = np.float32(lower.primary) * primary
    if not scatter:
        return primary, primary, window
    pixel_cm, per_pixel = patient.factor * patient.voxel_cm, np.float32(patient.factor**2)

    def scattered(of_window: ScatterKernels) -> Array:
        model = ScatterModel(
            patient.mu, kernels=of_window, pixel_cm=pixel_cm, grid_cm=SCATTER_GRID_CM, **geometry
        )
        return scale * per_pixel * model.views(loaded, range(protocol.views))

    return primary, primary + scattered(peak), window + scattered(lower)


def _projected(projector: Projector, loaded: Any, factor: int) -> Array:
    """Projections (V, S, Z) of an activity on the backend, fine pixels added up to whole ones."""
    views = (projector.forward_view(loaded, view) for view in range(projector.views))
    fine = map(projector.backend.fetch, views)
    return np.stack([collapse(projection, factor, (0, 1), "sum") for projection in fine])


def _check_activity(activity: NDArray[np.floating], shape: tuple[int, ...]) -> Array:
    """Return the activity as float32, or say what is wrong with it."""
    activity = np.asarray(activity)
    if activity.shape != shape:
        raise InputError(
            f"expected activity of the attenuation's shape {shape}, found {activity.shape}; "
            "resample one onto the other's grid"
        )
    lowest, highest = float(activity.min()), float(activity.max())
    if not (np.isfinite(lowest) and np.isfinite(highest)) or lowest < 0:
        raise InputError(
            f"expected activity >= 0 Bq/mL, found values from {lowest:g} to {highest:g}; clip "
            "it at 0"
        )
    if highest == 0:
        raise InputError("expected some activity, found 0 in every voxel; give tissues an uptake")
    return np.asarray(activity, np.float32)


def _oversampling(voxel_cm: float, pixel_cm: float) -> int:
    """Voxels in a pixel's width."""
    factor = max(round(pixel_cm / voxel_cm), 1)
    if abs(pixel_cm / voxel_cm / factor - 1) > 0.02:
        raise InputError(
            f"expected voxels of {pixel_cm:g} cm, the protocol's pixel, divided by a "
            f"whole number, found {voxel_cm:g} cm; resample the phantom, for example "
            f"to {pixel_cm / 2:g} cm"
        )
    return factor
