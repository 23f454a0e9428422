"""Where the arrays live and who computes on them: numba on the CPU, or torch on a device.

Projector, scatter and OS-EM are written once, with the operators that numpy arrays and torch
tensors share. What differs between the two is behind this interface.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from fuzzyseg.errors import InputError

if TYPE_CHECKING:
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


class NumbaBackend:
    """Fused kernels on one core."""

    @property
    def fft(self) -> Any:
        """SciPy's, which keeps float32."""
        from scipy import fft

        return fft

    def load(self, array: NDArray[Any]) -> NDArray[Any]:
        """Contiguous and writeable: one compiled kernel serves every caller."""
        dtype = np.bool_ if array.dtype == np.bool_ else np.float32
        return np.require(array, dtype, ["C_CONTIGUOUS", "WRITEABLE"])

    def load_matrix(self, matrix: NDArray[np.float32]) -> Any:
        """Sparse: less work, and no sums whose order depends on the number of BLAS threads."""
        from scipy.sparse import csr_array

        return csr_array(matrix)

    def fetch(self, array: NDArray[np.float32]) -> NDArray[np.float32]:
        """Nothing to do."""
        return array

    def zeros(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Make a float32 array of zeros."""
        return np.zeros(shape, np.float32)

    def forward_view(
        self, image: Any, mu: Any, view: ViewGeometry, shape: tuple[int, int]
    ) -> NDArray[np.float32]:
        """Project an image (X, Y, Z) to (S, Z)."""
        from fuzzyseg.simulation import _kernels

        projection = np.empty(shape, np.float32)
        _kernels.forward_view(self.load(image), mu, *_arguments(view), projection)
        return projection

    def back_view(self, projection: Any, mu: Any, view: ViewGeometry, image: Any) -> None:
        """Add the back-projection of (S, Z) to an image, in place."""
        from fuzzyseg.simulation import _kernels

        _kernels.back_view(self.load(projection), mu, *_arguments(view), image)

    def blend(self, weights: Any, stack: Any) -> NDArray[np.float32]:
        """Weighted sum over the first axis of a stack (N, ...)."""
        from fuzzyseg.simulation import _kernels

        total = np.empty(stack.shape[1:], np.float32)
        _kernels.blend(weights, stack.reshape(len(stack), -1), total.reshape(-1))
        return total

    def turn(self, volume: Any, cos: float, sin: float) -> NDArray[np.float32]:
        """Turn a volume (N, N, Z) so that its first axis points to the detector."""
        from fuzzyseg.simulation import _kernels

        turned = np.empty(volume.shape, np.float32)
        _kernels.turn(volume, cos, sin, turned)
        return turned


def _arguments(view: ViewGeometry) -> tuple[Any, ...]:
    return view.cos, view.sin, view.half_cm, view.taps, view.widths, view.low, view.high


def get_backend(device: str = "cpu") -> Backend:
    """Backend for a device.

    Parameters
    ----------
    device : str
        "cpu" for numba; "cuda", "cuda:1" and so on for torch there; "torch" for torch on the
        CPU, slower than numba and meant for tests.

    Raises
    ------
    InputError
        If there is no such device.
    """
    if device == "cpu":
        return NumbaBackend()
    import torch

    from fuzzyseg.simulation.torch_backend import TorchBackend

    if device != "torch" and not (device.startswith("cuda") and torch.cuda.is_available()):
        raise InputError(
            f"expected the device cpu, or cuda where torch sees one, found {device!r}; use cpu"
        )

    return TorchBackend("cpu" if device == "torch" else device)
