"""Where the detector is in each view, and which voxels it can see.

Frame: view v looks along (cos, sin) of its angle in the index axes (X, Y), about the axis
through the middle of the grid. A voxel's depth t points to the detector, its lateral place u
is a quarter turn further; planes run from the detector inwards, rows along u.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.ndimage import binary_erosion

from fuzzyseg.errors import InputError, TooWideError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fuzzyseg.simulation.scanner.protocol import OrbitKind

BODY_MU_PER_CM = 0.02  # least attenuation at 140 keV that counts as body; lung has 0.04


@dataclass(frozen=True, eq=False)
class Orbit:
    """Views of a scan.

    Parameters
    ----------
    angles_rad : float64 ndarray of shape (V,)
    radii_cm : float64 ndarray of shape (V,)
        Distance from the axis to the collimator's face.
    """

    angles_rad: NDArray[np.float64]
    radii_cm: NDArray[np.float64]


def view_angles(views: int) -> NDArray[np.float64]:
    """Angles in radians, equally spaced over a turn, the first 0."""
    return np.linspace(0.0, 2 * np.pi, views, endpoint=False)


def footprint(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where (X, Y) a mask (X, Y, Z) is set in any slice."""
    return np.asarray(mask.any(axis=2))


def body_footprint(
    activity: NDArray[np.float32], mu_per_cm: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Where (X, Y) there is any body, or activity, in any slice."""
    return footprint((mu_per_cm > BODY_MU_PER_CM) | (activity > 0))


def cubic_voxel_cm(voxel_cm: float | Sequence[float]) -> float:
    """Edge of a cubic voxel, in cm.

    Raises
    ------
    InputError
        If the edges differ by more than a thousandth, or are not positive.
    """
    edges = np.atleast_1d(np.asarray(voxel_cm, dtype=np.float64))
    if edges.size not in {1, 3} or not np.all(np.isfinite(edges)) or edges.min() <= 0:
        raise InputError(
            f"expected one or three positive voxel edges in cm, found {edges.tolist()}; "
            "give the size of a voxel"
        )
    if edges.max() - edges.min() > 1e-3 * edges.max():
        raise InputError(
            f"expected voxels of equal edges, found {edges.tolist()} cm; resample the "
            "phantom to cubic voxels first"
        )
    return float(edges.mean())


def distance_to_axis_cm(shape: tuple[int, ...], voxel_cm: float) -> NDArray[np.float64]:
    """Distance of each voxel's far corner from the axis, (X, Y), in cm."""
    x, y = (np.abs(np.arange(n) - (n - 1) / 2) + 0.5 for n in shape[:2])
    distance: NDArray[np.float64] = np.hypot(x[:, None], y[None, :]) * voxel_cm
    return distance


def check_field_of_view(mask: NDArray[np.bool_], voxel_cm: float, fov_cm: float) -> None:
    """Refuse a mask (X, Y) that leaves the circle seen in every view.

    Raises
    ------
    TooWideError
        If a voxel of the mask lies outside the circle of the field of view or of the grid.
    """
    diameter = min(fov_cm, max(mask.shape) * voxel_cm)
    reach = float(np.max(distance_to_axis_cm(mask.shape, voxel_cm), where=mask, initial=0.0))
    if reach > diameter / 2 + voxel_cm:  # a voxel at the edge is seen in part
        raise TooWideError(
            f"expected a phantom within the field of view, {diameter:.1f} cm across, found one "
            f"that reaches {reach:.1f} cm from the axis; centre it, raise or remove "
            "the arms, or use a smaller one"
        )


def outline_radii_cm(
    mask: NDArray[np.bool_], voxel_cm: float, angles_rad: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Farthest the mask (X, Y) reaches towards each view's detector, (V,), in cm."""
    x, y = (np.argwhere(_edge(mask)) - (np.array(mask.shape) - 1) / 2).T[..., None] * voxel_cm
    cos, sin = np.cos(angles_rad), np.sin(angles_rad)
    corner = 0.5 * voxel_cm * (np.abs(cos) + np.abs(sin))
    reach: NDArray[np.float64] = (x * cos + y * sin).max(axis=0) + corner
    return reach


def make_orbit(
    mask: NDArray[np.bool_], voxel_cm: float, views: int, kind: OrbitKind, clearance_cm: float
) -> Orbit:
    """Move the detector about a body: its outline plus a clearance, or a circle around that.

    Parameters
    ----------
    mask : bool ndarray of shape (X, Y)
        Where there is body in any slice.
    voxel_cm : float
    views : int
    kind : {"circular", "body-contour"}
    clearance_cm : float
    """
    angles = view_angles(views)
    radii = outline_radii_cm(mask, voxel_cm, angles) + clearance_cm
    if kind == "circular":
        reach = float(np.max(distance_to_axis_cm(mask.shape, voxel_cm), where=mask, initial=0.0))
        radii = np.full(views, reach + clearance_cm)
    return Orbit(angles, radii)


def reachable(shape: tuple[int, ...], voxel_cm: float, orbit: Orbit) -> NDArray[np.bool_]:
    """Voxels (X, Y) that lie before the detector in every view and within the grid's circle.

    No activity can be elsewhere, so a reconstruction needs no other voxel.
    """
    x, y = ((np.arange(n) - (n - 1) / 2) * voxel_cm for n in shape[:2])
    inside: NDArray[np.bool_] = np.hypot(x[:, None], y[None, :]) <= max(shape[:2]) * voxel_cm / 2
    for angle, radius in zip(orbit.angles_rad, orbit.radii_cm, strict=True):
        inside &= x[:, None] * np.cos(angle) + y[None, :] * np.sin(angle) <= radius
    return inside


def row_ranges(
    mask: NDArray[np.bool_], angle_rad: float, rows: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of each plane between which a mask (X, Y) has voxels, seen from one view.

    Returns
    -------
    low, high : int64 ndarray of shape (rows,)
        First row and one past the last, for each of as many planes as rows; equal where empty.
    """
    edge = np.nonzero(_edge(mask))
    x, y = (edge[axis] - (mask.shape[axis] - 1) / 2 for axis in (0, 1))
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    middle = (rows - 1) / 2
    plane, row = middle - (x * cos + y * sin), middle + (y * cos - x * sin)
    low, high = np.full(rows, rows, np.int64), np.zeros(rows, np.int64)
    for d in _around(plane):  # a voxel weighs in the places less than a voxel from it, each way
        inside = (d >= 0) & (d < rows)
        np.minimum.at(low, d[inside], np.floor(row[inside]).astype(np.int64))
        np.maximum.at(high, d[inside], np.ceil(row[inside]).astype(np.int64) + 1)
    low, high = np.clip(low - 1, 0, rows), np.clip(high + 1, 0, rows)
    high = np.where(high > low, high, low)
    return low, high


def _edge(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Voxels of a mask with a neighbour outside it."""
    return mask & ~binary_erosion(mask)


def _around(place: NDArray[np.float64]) -> list[NDArray[np.int64]]:
    """Whole numbers within sqrt(2) of each place: a voxel's neighbours after any turn."""
    base = np.floor(place).astype(np.int64)
    return [base + k for k in (-1, 0, 1, 2)]


def collapsed_shape(shape: tuple[int, ...], factor: int) -> tuple[int, ...]:
    """Shape after every axis is divided by a factor.

    Raises
    ------
    InputError
        If an axis is no multiple of the factor.
    """
    if any(n % factor for n in shape):
        raise InputError(
            f"expected every axis to be a multiple of {factor} voxels, found shape {shape}; "
            "pad the phantom with air"
        )
    return tuple(n // factor for n in shape)


def collapse(
    array: NDArray[np.floating], factor: int, axes: tuple[int, ...], how: Literal["sum", "mean"]
) -> NDArray[np.float32]:
    """Add up, or average, groups of `factor` neighbours along axes.

    Raises
    ------
    InputError
        If one of the axes is no multiple of the factor.
    """
    collapsed_shape(tuple(array.shape[axis] for axis in axes), factor)
    for axis in sorted(axes, reverse=True):
        shape = array.shape
        blocks = (*shape[:axis], shape[axis] // factor, factor, *shape[axis + 1 :])
        array = array.reshape(blocks).sum(axis=axis + 1, dtype=np.float32)
    scale = 1 if how == "sum" else 1 / factor ** len(axes)
    return array * np.float32(scale)
