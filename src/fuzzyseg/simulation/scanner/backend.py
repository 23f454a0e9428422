"""Where the arrays live and who computes on them: numba on the CPU, or torch on a device.

Projector, scatter and OS-EM are written once, with the operators that numpy arrays and torch
tensors share. What differs between the two is behind this interface.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class ViewGeometry:
    """One view, as the kernels want it.

    Parameters
    ----------
    cos, sin : float
        Direction from the axis to the detector.
    half_cm : float32
        Half a voxel.
    taps, widths : ndarray of shape (D, H + 1) and (D,)
        Response of each plane, nearest first, from response.gaussian_taps.
    low, high : int64 ndarray of shape (D,)
        Rows low..high - 1 of each plane can hold anything; the others may be skipped.
    """

    cos: float
    sin: float
    half_cm: np.float32
    taps: NDArray[np.float32]
    widths: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]


class Backend(Protocol):
    """What projector, scatter and OS-EM need; arrays are the backend's own (`Any`)."""

    @property
    def fft(self) -> Any:
        """A module with `rfftn(x, s=...)` and `irfftn(x, s=...)`."""

    def load(self, array: NDArray[Any]) -> Any:
        """Bring a numpy array over, as float32 or bool."""

    def load_matrix(self, matrix: NDArray[np.float32]) -> Any:
        """Bring over a matrix, mostly zeros, to multiply 2-D arrays with from the left."""

    def fetch(self, array: Any) -> NDArray[np.float32]:
        """Bring an array back."""

    def zeros(self, shape: tuple[int, ...]) -> Any:
        """Make a float32 array of zeros."""

    def forward_view(self, image: Any, mu: Any, view: ViewGeometry, shape: tuple[int, int]) -> Any:
        """Project an image (X, Y, Z) to (S, Z)."""

    def back_view(self, projection: Any, mu: Any, view: ViewGeometry, image: Any) -> None:
        """Add the back-projection of (S, Z) to an image, in place."""

    def blend(self, weights: Any, stack: Any) -> Any:
        """Weighted sum over the first axis of a stack (N, ...)."""

    def turn(self, volume: Any, cos: float, sin: float) -> Any:
        """Turn a volume (N, N, Z) so that its first axis points to the detector."""
