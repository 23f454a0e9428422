"""The projector on the CPU, by kernels that numba compiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.simulation.scanner.backend import ViewGeometry


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
        from fuzzyseg.simulation.scanner import _projection_kernels

        projection = np.empty(shape, np.float32)
        _projection_kernels.forward_view(self.load(image), mu, *_arguments(view), projection)
        return projection

    def back_view(self, projection: Any, mu: Any, view: ViewGeometry, image: Any) -> None:
        """Add the back-projection of (S, Z) to an image, in place."""
        from fuzzyseg.simulation.scanner import _projection_kernels

        _projection_kernels.back_view(self.load(projection), mu, *_arguments(view), image)

    def blend(self, weights: Any, stack: Any) -> NDArray[np.float32]:
        """Weighted sum over the first axis of a stack (N, ...)."""
        from fuzzyseg.simulation.scanner import _projection_kernels

        total = np.empty(stack.shape[1:], np.float32)
        _projection_kernels.blend(weights, stack.reshape(len(stack), -1), total.reshape(-1))
        return total

    def turn(self, volume: Any, cos: float, sin: float) -> NDArray[np.float32]:
        """Turn a volume (N, N, Z) so that its first axis points to the detector."""
        from fuzzyseg.simulation.scanner import _projection_kernels

        turned = np.empty(volume.shape, np.float32)
        _projection_kernels.turn(volume, cos, sin, turned)
        return turned


def _arguments(view: ViewGeometry) -> tuple[Any, ...]:
    return view.cos, view.sin, view.half_cm, view.taps, view.widths, view.low, view.high
