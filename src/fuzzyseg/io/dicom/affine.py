"""Where DICOM frames lie in the patient: orientation, position and spacing to an affine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# DICOM's patient axes point Left, Posterior, Superior (PS3.3 C.7.6.2.1.1); NIfTI's point
# Right, Anterior, Superior.
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def slice_normal(orientation: Sequence[float]) -> NDArray[np.float64]:
    """Compute the unit normal of an image plane in LPS.

    Parameters
    ----------
    orientation : sequence of 6 floats
        Image Orientation (Patient): cosines of the row direction, then of the column direction.

    Returns
    -------
    float64 ndarray of shape (3,)
        Row direction cross column direction; for an axial image it points to the head.
    """
    row, column = np.reshape(np.asarray(orientation, dtype=np.float64), (2, 3))
    normal = np.cross(row, column)
    return np.asarray(normal / np.linalg.norm(normal), dtype=np.float64)


def is_orthonormal(orientation: Sequence[float], tolerance: float = 1e-3) -> bool:
    """Tell whether two direction cosines are unit vectors at right angles."""
    vectors = np.reshape(np.asarray(orientation, dtype=np.float64), (2, 3))
    return bool(np.allclose(vectors @ vectors.T, np.eye(2), atol=tolerance))


def ras_affine(
    orientation: Sequence[float],
    position: Sequence[float],
    pixel_spacing: Sequence[float],
    slice_step: Sequence[float] | NDArray[np.float64],
) -> NDArray[np.float64]:
    """Affine of a stack of parallel frames, by equation C.7.6.2.1-1 of DICOM PS3.3.

    Parameters
    ----------
    orientation : sequence of 6 floats
        Image Orientation (Patient).
    position : sequence of 3 floats
        Image Position (Patient) of the first frame, mm, LPS.
    pixel_spacing : sequence of 2 floats
        Pixel Spacing as stored, mm: distance between rows, then distance between columns.
    slice_step : sequence of 3 floats
        Vector from one frame to the next, mm, LPS.

    Returns
    -------
    float64 ndarray of shape (4, 4)
        Maps (column, row, frame, 1), counted from 0, to mm in RAS.
    """
    row_direction, column_direction = np.reshape(np.asarray(orientation, dtype=np.float64), (2, 3))
    between_rows, between_columns = pixel_spacing
    affine = np.eye(4)
    # The column index walks along a row, so it steps by the distance between columns.
    affine[:3, 0] = row_direction * between_columns
    affine[:3, 1] = column_direction * between_rows
    affine[:3, 2] = slice_step
    affine[:3, 3] = position
    return np.asarray(LPS_TO_RAS @ affine, dtype=np.float64)
