"""Padding and other values below air in CT."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fuzzyseg.io.messages import percent

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Where 12-bit CT scales end; air is -1000 HU.
AIR_HU = -1024.0


def floor_at_air(array: NDArray[np.float32]) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Raise everything below -1024 HU to -1024 HU.

    Scanners fill the corners outside the circle of reconstruction with values such as -2048
    and often do not declare them as padding; averaged with tissue they would bias it.

    Parameters
    ----------
    array : float32 ndarray
        CT in HU; changed in place where it is writable, otherwise copied.

    Returns
    -------
    array : float32 ndarray
    warnings : tuple of str
        One sentence if anything was changed.
    """
    below = array < AIR_HU
    count = int(np.count_nonzero(below))
    if not count:
        return array, ()
    lowest = float(array[below].min())
    if not array.flags.writeable:
        array = array.copy()
    array[below] = AIR_HU
    share = 100.0 * count / array.size
    return array, (
        f"{percent(share)} of the CT's voxels lie below {AIR_HU:.0f} HU (down to {lowest:.0f}, "
        f"padding or noise in air) and were set to {AIR_HU:.0f} HU.",
    )
