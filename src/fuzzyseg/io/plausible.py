"""The last look at what a reader gives: values and places that no image has."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.volume import Volume

# Widest range of voxel widths and of distances from the origin, mm: from microscopes to rooms.
_VOXEL_MM = (1e-3, 200.0)
_FAR_MM = 1e5
# Most axes may lean by, over the whole image, in the smallest voxel width.
_LEAN_VOXELS = 0.5
# Largest magnitudes of an image that is not all zeros: beyond them a slope is damaged, and
# squares leave the range of float32.
_MAGNITUDE = (1e-15, 1e15)


def require_plausible(volume: Volume) -> None:
    """Refuse an image that no scanner and no program makes.

    Raises
    ------
    InputError
        If a value is not finite, all are beyond any unit, axes are sheared, or voxels have
        widths or places beyond a room's.
    """
    name = volume.source or "the volume"
    if volume.array.size == 0:
        raise InputError(f"expected an image with voxels, found none in {name}; export it again")
    low, high = float(volume.array.min()), float(volume.array.max())  # NaN where one is
    if not (math.isfinite(low) and math.isfinite(high)):
        raise InputError(
            f"expected finite values, found NaN or infinity in {name}; the file or its slope is "
            "damaged: export it again, or replace them"
        )
    largest = max(-low, high)
    if largest and not _MAGNITUDE[0] <= largest <= _MAGNITUDE[1]:
        raise InputError(
            f"expected plausible image values, found magnitudes up to {largest:.3g} in {name}; "
            "its slope is damaged: export it again"
        )
    require_upright(volume.affine, volume.shape, name)
    if min(volume.spacing_mm) < _VOXEL_MM[0] or max(volume.spacing_mm) > _VOXEL_MM[1]:
        raise InputError(
            f"expected voxels of {_VOXEL_MM[0]:g} to {_VOXEL_MM[1]:g} mm, found "
            f"{' x '.join(f'{s:.3g}' for s in volume.spacing_mm)} mm in {name}; correct its header"
        )
    if np.abs(volume.affine[:3, 3]).max() > _FAR_MM:
        raise InputError(
            f"expected an image within {_FAR_MM / 1000:g} m of the origin, found its first voxel "
            f"at {np.round(volume.affine[:3, 3]).tolist()} mm in {name}; correct its header"
        )


def require_upright(affine: NDArray[np.float64], shape: tuple[int, ...], name: str) -> None:
    """Refuse axes that do not stand at right angles: voxels would be sheared; InputError."""
    columns = affine[:3, :3]
    widths = np.linalg.norm(columns, axis=0)
    if not np.isfinite(widths).all() or widths.min() == 0:
        raise InputError(f"expected finite axes, found {columns.tolist()} in {name}; correct them")
    cosines = (columns / widths).T @ (columns / widths) - np.eye(3)
    lean = np.abs(cosines * np.multiply(widths, shape)).max() / widths.min()
    if lean > _LEAN_VOXELS:
        degrees = math.degrees(math.asin(min(1.0, float(np.abs(cosines).max()))))
        raise InputError(
            f"expected voxel axes at right angles, found them sheared by {degrees:.2g} degrees in "
            f"{name} (a CT taken with a tilted gantry, perhaps); resample it to an orthogonal "
            "grid first, for example with 3D Slicer or nibabel.processing.resample_to_output"
        )
