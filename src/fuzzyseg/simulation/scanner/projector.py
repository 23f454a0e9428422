"""Projection with attenuation and collimator response, and its exact adjoint.

p(v, s, z) = sum over planes d of G_d [ T_d R_v f ](s, z): turn the activity f by the view's
angle (bilinear), weigh each plane with its transmission T to the detector, blur it with the
response G at its distance, add. The sum is in voxels; whoever calls scales it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.simulation.scanner.backend import Backend, ViewGeometry
from fuzzyseg.simulation.scanner.backends import get_backend
from fuzzyseg.simulation.scanner.geometry import footprint, row_ranges
from fuzzyseg.simulation.scanner.response import gaussian_taps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from fuzzyseg.simulation.scanner.geometry import Orbit
    from fuzzyseg.simulation.scanner.response import CollimatorResponse

    Array = NDArray[np.float32]

_MAX_HALF_DEPTH = 1.0  # largest mu times half a voxel: beyond, the kernel's exponential is off


class Projector:
    """Rotate-and-sum projector.

    The methods for single views take and return the backend's arrays (numpy's on the CPU);
    `forward` and `back` take and return numpy's.

    Parameters
    ----------
    mu_per_cm : float32 ndarray of shape (X, Y, Z)
        Attenuation coefficient at 140 keV, in 1/cm, >= 0; zeros for none.
    voxel_cm : float
        Edge of the cubic voxels.
    orbit : Orbit
        Angle and radius of each of V views.
    response : CollimatorResponse or None
        None for no blur.
    mask : bool ndarray of shape (X, Y), optional
        Where there can be activity; planes and rows beyond it and beyond the attenuation are
        skipped. Everywhere if None.
    backend : Backend, optional
        Numba on the CPU if None.

    Raises
    ------
    InputError
        If the attenuation is negative, not finite or not 3-D, or the mask's shape is not (X, Y).
    """

    def __init__(
        self,
        mu_per_cm: NDArray[np.floating],
        *,
        voxel_cm: float,
        orbit: Orbit,
        response: CollimatorResponse | None,
        mask: NDArray[np.bool_] | None = None,
        backend: Backend | None = None,
    ) -> None:
        mu = check_attenuation(mu_per_cm, voxel_cm)
        self.backend = backend or get_backend()
        self.shape = mu.shape
        self.rows = max(mu.shape[:2])
        if mask is None:
            mask = np.ones(mu.shape[:2], dtype=bool)
        if mask.shape != mu.shape[:2]:
            raise InputError(
                f"expected a mask of shape {mu.shape[:2]}, found {mask.shape}; make it on "
                "the grid of the attenuation"
            )
        mask = mask | footprint(mu > 0)  # what attenuates is passed through in any case
        self._mu = self.backend.load(mu)
        self._views = make_views(self.rows, voxel_cm, orbit, response, mask)

    @property
    def views(self) -> int:
        """Number of views."""
        return len(self._views)

    @property
    def view_shape(self) -> tuple[int, int]:
        """Shape (S, Z) of one projection; S is the larger of X and Y."""
        return self.rows, self.shape[2]

    def forward_view(self, image: Any, view: int) -> Any:
        """Project an image (X, Y, Z) to one view (S, Z)."""
        self._expect(image.shape, self.shape, "an image")
        return self.backend.forward_view(image, self._mu, self._views[view], self.view_shape)

    def back_view(self, projection: Any, view: int, image: Any) -> None:
        """Add the back-projection of one view (S, Z) to an image (X, Y, Z), in place."""
        self._expect(projection.shape, self.view_shape, "a projection")
        self._expect(image.shape, self.shape, "an image")
        self.backend.back_view(projection, self._mu, self._views[view], image)

    def forward(self, image: NDArray[np.floating], views: Iterable[int] | None = None) -> Array:
        """Project an image (X, Y, Z) to some or all views, (V, S, Z)."""
        loaded = self.backend.load(image)
        chosen = range(self.views) if views is None else views
        return np.stack([self.backend.fetch(self.forward_view(loaded, view)) for view in chosen])

    def back(self, projections: NDArray[np.floating], views: Iterable[int] | None = None) -> Array:
        """Back-project (V, S, Z) to an image (X, Y, Z): the adjoint of `forward`."""
        image = self.backend.zeros(self.shape)
        chosen = range(self.views) if views is None else views
        for projection, view in zip(projections, chosen, strict=True):
            self.back_view(self.backend.load(projection), view, image)
        return self.backend.fetch(image)

    @staticmethod
    def _expect(found: tuple[int, ...], expected: tuple[int, ...], what: str) -> None:
        if tuple(found) != tuple(expected):
            raise InputError(
                f"expected {what} of shape {tuple(expected)}, found {tuple(found)}; use the grid "
                "that the projector was made for"
            )


def make_views(
    rows: int,
    voxel_cm: float,
    orbit: Orbit,
    response: CollimatorResponse | None,
    mask: NDArray[np.bool_],
) -> list[ViewGeometry]:
    """Describe every view of an orbit for the kernels.

    Parameters
    ----------
    rows : int
        Rows of a projection, and planes.
    voxel_cm : float
    orbit : Orbit
    response : CollimatorResponse or None
    mask : bool ndarray of shape (X, Y)
        Voxels that matter.
    """
    depths_cm = ((rows - 1) / 2 - np.arange(rows)) * voxel_cm  # nearest plane first
    taps = {}
    for radius in np.unique(orbit.radii_cm):
        sigma = np.zeros(rows) if response is None else response.sigma_cm(radius - depths_cm)
        taps[radius] = gaussian_taps(sigma, voxel_cm)
    half = np.float32(voxel_cm / 2)
    return [
        ViewGeometry(float(np.cos(angle)), float(np.sin(angle)), half, *taps[radius], *ranges)
        for angle, radius in zip(orbit.angles_rad, orbit.radii_cm, strict=True)
        for ranges in [row_ranges(mask, angle, rows)]
    ]


def check_attenuation(mu_per_cm: NDArray[np.floating], voxel_cm: float) -> Array:
    """Return an attenuation map as the kernels want it.

    Raises
    ------
    InputError
        If it is not 3-D, not finite, negative, or in the wrong unit.
    """
    mu = np.asarray(mu_per_cm)
    if mu.ndim != 3:
        raise InputError(f"expected a 3-D attenuation map, found shape {mu.shape}; pass one volume")
    lowest, highest = float(mu.min()), float(mu.max())
    if not (np.isfinite(lowest) and np.isfinite(highest)) or lowest < 0:
        raise InputError(
            f"expected attenuation >= 0 per cm, found values from {lowest:g} to {highest:g}; "
            "clip the map at 0 after conversion or resampling"
        )
    if highest * voxel_cm / 2 > _MAX_HALF_DEPTH:
        raise InputError(
            f"expected attenuation in 1/cm (water 0.15), found up to {highest:g}; convert the map"
        )
    return np.asarray(mu, np.float32)
