"""The shift at which two images correlate best, of all there are.

Normalised cross-correlation over what both fields hold, by Fourier transforms [1]_.

References
----------
.. [1] Padfield D. Masked object registration in the Fourier domain. IEEE Trans Image Process
   2012;21:2706.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_SHARE = 0.4  # of what one of the images holds, within the other's field
_APART = 4  # voxels: nearer maxima are one


def best_shifts(
    fixed: NDArray[np.float32], moving: NDArray[np.float32], count: int
) -> list[NDArray[np.float64]]:
    """Find shifts t, in voxels, at which `moving[x + t]` is most like `fixed[x]`.

    Parameters
    ----------
    fixed, moving : float32 ndarray of shape (X, Y, Z)
        Of mean about 0 and on voxels of one width; shapes may differ.
    count : int
        How many to find.

    Returns
    -------
    list of float64 ndarray of shape (3,)
        Best first.
    """
    score = correlations(fixed, moving)
    found = []
    for _ in range(count):
        at = np.array(np.unravel_index(int(score.argmax()), score.shape))
        found.append((at - np.array(fixed.shape) + 1).astype(np.float64))
        score[tuple(slice(max(0, i - _APART), i + _APART + 1) for i in at)] = -1.0
    return found


def correlations(fixed: NDArray[np.float32], moving: NDArray[np.float32]) -> NDArray[np.float64]:
    """Correlate at every shift; -1 where fields share too little.

    Returns
    -------
    float64 ndarray
        At index t + shape of `fixed` - 1: sum f(x) g(x + t) over the root of the sums of f^2 and
        of g^2, each over what both fields hold.
    """
    from scipy.signal import correlate

    f, g = fixed.astype(np.float64), moving.astype(np.float64)
    both = correlate(g, f, method="fft")
    of_fixed = correlate(np.ones_like(g), f**2, method="fft")
    of_moving = correlate(g**2, np.ones_like(f), method="fft")
    enough = of_fixed >= LEAST_SHARE * (f**2).sum()
    enough |= of_moving >= LEAST_SHARE * (g**2).sum()
    product = of_fixed * of_moving
    enough &= product > 1e-12 * product.max()
    return np.where(enough, both / np.sqrt(np.where(enough, product, 1.0)), -1.0)
