"""OS-EM reconstruction with attenuation, collimator response and scatter in the model.

One update with the views of subset m:

    f <- f / (A_m' 1) * A_m' ( y_m / (A_m f + S_m(f) + r_m) ).

S is the scatter that the current image itself makes, in every update; the back-projector
leaves it out, which changes the way to the solution, not the solution. r is scatter known
beforehand, from the lower energy window.

References
----------
.. [1] Hudson HM, Larkin RS. Accelerated image reconstruction using ordered subsets of
   projection data. IEEE Trans Med Imaging 1994;13:601.
.. [2] Ogawa K, Harata Y, Ichihara T, Kubo A, Hashimoto S. A practical method for
   position-dependent Compton-scatter correction in single photon emission CT. IEEE Trans Med
   Imaging 1991;10:408.
"""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

from fuzzyseg.conventions import FWHM_PER_SIGMA
from fuzzyseg.errors import InputError
from fuzzyseg.simulation.scanner.backends import get_backend
from fuzzyseg.simulation.scanner.geometry import reachable
from fuzzyseg.simulation.scanner.montecarlo import KernelSettings, scatter_kernels
from fuzzyseg.simulation.scanner.projector import Projector, check_attenuation
from fuzzyseg.simulation.scanner.scatter import ScatterModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.simulation.scanner.protocol import ReconstructionSettings
    from fuzzyseg.simulation.scanner.scan import Scan

    Array = NDArray[np.float32]

# Less is the noise of a CT's air: what has no body in it need not be passed through. Lung: 0.04.
_AIR_PER_CM = 0.01
_LEAST = 1e-20  # keeps divisions finite where neither model nor data have anything
_WINDOW_SMOOTHING_CM = 2.0  # FWHM of the filter on the lower window's counts; scatter is smooth


def reconstruct(
    scan: Scan,
    mu_per_cm: NDArray[np.floating],
    *,
    settings: ReconstructionSettings | None = None,
    kernel_settings: KernelSettings | None = None,
    device: str = "cpu",
) -> Array:
    """Reconstruct a scan to activity.

    Parameters
    ----------
    scan : Scan
    mu_per_cm : float32 ndarray of shape `scan.shape`
        Attenuation at 140 keV on the reconstruction's grid, in 1/cm.
    settings : ReconstructionSettings, optional
        The protocol's default if None; `scan.protocol.vendor` for a workstation's.
    kernel_settings : KernelSettings, optional
        Of the scatter Monte Carlo.
    device : str
        See backends.get_backend.

    Returns
    -------
    float32 ndarray of shape `scan.shape`
        Activity in Bq/mL, by the camera's known sensitivity. 0 outside the
        detectors' orbit.

    Raises
    ------
    InputError
        If the attenuation has another shape or is negative, there are no counts, or the views
        can't be shared evenly between the subsets.
    """
    settings = settings or scan.protocol.reconstruction
    mu = check_attenuation(mu_per_cm, scan.voxel_cm)
    if mu.shape != scan.shape:
        raise InputError(
            f"expected attenuation of the reconstruction's shape {scan.shape}, found {mu.shape}; "
            "average it onto voxels of the projections' pixel"
        )
    mu = np.where(mu > _AIR_PER_CM, mu, np.float32(0))
    protocol = scan.protocol
    check_subsets(protocol.views, settings.subsets)
    backend = get_backend(device)
    mask = reachable(mu.shape, scan.voxel_cm, scan.orbit)
    projector = Projector(
        mu if settings.attenuation else np.zeros_like(mu),
        voxel_cm=scan.voxel_cm,
        orbit=scan.orbit,
        response=protocol.response if settings.response else None,
        mask=mask,
        backend=backend,
    )
    scatter, known = None, None
    if settings.scatter == "model":
        scatter = ScatterModel(
            mu,
            voxel_cm=scan.voxel_cm,
            orbit=scan.orbit,
            response=protocol.response,
            kernels=scatter_kernels(protocol, protocol.photopeak, kernel_settings),
            backend=backend,
        )
    elif settings.scatter == "window":
        known = window_estimate(scan)
    image = osem(
        scan.counts,
        projector,
        scan.counts_per_unit,
        iterations=settings.iterations,
        subsets=settings.subsets,
        mask=mask,
        scatter=scatter,
        known=known,
    )
    if settings.post_filter_fwhm_cm > 0:
        sigma = settings.post_filter_fwhm_cm / FWHM_PER_SIGMA / scan.voxel_cm
        image = gaussian_filter(image, sigma, mode="constant")
    return image


def osem(
    counts: Array,
    projector: Projector,
    exposure: Array,
    *,
    iterations: int,
    subsets: int,
    mask: NDArray[np.bool_],
    scatter: ScatterModel | None = None,
    known: Array | None = None,
) -> Array:
    """Ordered-subsets expectation maximisation.

    Parameters
    ----------
    counts : float32 ndarray of shape (V, S, Z)
    projector : Projector
    exposure : float32 ndarray of shape (Z,)
        Counts per unit of the projector's output.
    iterations, subsets : int
    mask : bool ndarray of shape (X, Y)
        Voxels to reconstruct.
    scatter : ScatterModel, optional
    known : float32 ndarray of shape (V, S, Z), optional
        Scatter counts known beforehand.

    Raises
    ------
    InputError
        If the views can't be shared evenly between the subsets, or there are no counts.
    """
    check_subsets(projector.views, subsets)
    total = float(counts.sum(dtype=np.float64))
    if total <= 0:
        raise InputError("expected some counts, found none; check activity and scan time")
    backend = projector.backend
    measured, rate, inside = (backend.load(a) for a in (counts, exposure, mask[..., None]))
    additive = None if known is None else backend.load(known)
    groups = [range(m, projector.views, subsets) for m in _spread(subsets)]
    inverse, sensitivity_sum = [], 0.0
    for group in groups:
        sensitivity = backend.zeros(projector.shape)
        for view in group:
            projector.back_view(backend.zeros(projector.view_shape) + rate, view, sensitivity)
        sensitivity *= inside
        sensitivity_sum += float(sensitivity.sum())
        inverse.append(inside / sensitivity.clip(min=_LEAST))
    image = (backend.zeros(projector.shape) + total / sensitivity_sum) * inside
    for _ in range(iterations):
        for group, scale in zip(groups, inverse, strict=True):
            scattered = repeat(0) if scatter is None else scatter.each(scatter.coarse(image), group)
            correction = backend.zeros(projector.shape)
            for view, additional in zip(group, scattered, strict=False):
                model = (projector.forward_view(image, view) + additional) * rate
                if additive is not None:
                    model = model + additive[view]
                ratio = measured[view] / model.clip(min=_LEAST)
                projector.back_view(ratio * rate, view, correction)
            image = image * (correction * scale)
    return backend.fetch(image)


def check_subsets(views: int, subsets: int) -> None:
    """Refuse subsets that views can't be shared between evenly.

    Raises
    ------
    InputError
        If there are fewer views than subsets, or some subsets would get more than others.
    """
    if subsets < 1 or views % subsets:
        divisors = [n for n in range(1, min(views, 32) + 1) if views % n == 0]
        raise InputError(
            f"expected a number of subsets that divides {views} views, found {subsets}; use one "
            f"of {', '.join(map(str, divisors))}"
        )


def window_estimate(scan: Scan) -> Array:
    """Scatter counts in the photopeak, (V, S, Z), from the lower window.

    Ogawa's triple-energy-window estimate with nothing in the upper window, as is usual for
    Tc-99m: a triangle under the peak whose height is the counts per keV below it.
    """
    peak, lower = scan.protocol.photopeak, scan.protocol.scatter_window
    sigma = _WINDOW_SMOOTHING_CM / FWHM_PER_SIGMA / scan.voxel_cm
    smooth = gaussian_filter(scan.window_counts, (0, sigma, sigma))
    return np.asarray(smooth * np.float32(peak.width_kev / lower.width_kev / 2), np.float32)


def _spread(subsets: int) -> list[int]:
    """Order of subsets in which neighbours in time lie far apart in angle."""
    bits = max(1, (subsets - 1).bit_length())
    order = (int(format(n, f"0{bits}b")[::-1], 2) for n in range(2**bits))
    return [n for n in order if n < subsets]
