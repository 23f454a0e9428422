"""The projector in torch, for CUDA devices: the same sums as the numba kernels.

What is cheap on a core is not what is cheap on a device: the blur is a product with dense
Toeplitz matrices here. Nothing is summed in an order that can change between runs: the adjoint
of the rotation collects what comes to a voxel instead of adding to voxels from many threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fuzzyseg.simulation.scanner.backend import ViewGeometry


class TorchBackend:
    """Torch on a device.

    Parameters
    ----------
    device : str
        As torch names it.
    """

    def __init__(self, device: str) -> None:
        self.device = torch.device(device)

    @property
    def fft(self) -> Any:
        """Torch's own."""
        return torch.fft

    def load(self, array: NDArray[Any] | torch.Tensor) -> torch.Tensor:
        """Bring an array over, as float32 or bool."""
        if isinstance(array, torch.Tensor):
            return array
        dtype = np.bool_ if array.dtype == np.bool_ else np.float32
        return torch.tensor(np.ascontiguousarray(array, dtype), device=self.device)

    def load_matrix(self, matrix: NDArray[np.float32]) -> torch.Tensor:
        """Bring a matrix over; dense, as devices like it."""
        return self.load(matrix)

    def fetch(self, array: torch.Tensor) -> NDArray[np.float32]:
        """Bring a tensor back."""
        fetched: NDArray[np.float32] = array.cpu().numpy()
        return fetched

    def zeros(self, shape: tuple[int, ...]) -> torch.Tensor:
        """Make a float32 tensor of zeros."""
        return torch.zeros(shape, device=self.device)

    def forward_view(
        self, image: torch.Tensor, mu: torch.Tensor, view: ViewGeometry, shape: tuple[int, int]
    ) -> torch.Tensor:
        """Project an image (X, Y, Z) to (S, Z)."""
        rows, slices = shape
        planes = self._gather(image, view, rows) * self._transmission(mu, view, rows)
        along, across = self._toeplitz(view, slices), self._toeplitz(view, rows)
        blurred = torch.bmm(planes, along)
        return across.permute(1, 0, 2).reshape(rows, -1) @ blurred.reshape(-1, slices)

    def back_view(
        self, projection: torch.Tensor, mu: torch.Tensor, view: ViewGeometry, image: torch.Tensor
    ) -> None:
        """Add the back-projection of (S, Z) to an image, in place."""
        rows, slices = projection.shape
        along, across = self._toeplitz(view, slices), self._toeplitz(view, rows)
        planes = torch.bmm((across.reshape(-1, rows) @ projection).view(-1, rows, slices), along)
        self._collect(planes * self._transmission(mu, view, rows), view, image)

    def blend(self, weights: torch.Tensor, stack: torch.Tensor) -> torch.Tensor:
        """Weighted sum over the first axis of a stack (N, ...)."""
        return (weights @ stack.reshape(len(stack), -1)).reshape(stack.shape[1:])

    def turn(self, volume: torch.Tensor, cos: float, sin: float) -> torch.Tensor:
        """Turn a volume (N, N, Z) so that its first axis points to the detector."""
        size = volume.shape[0]
        return self._sample(volume, cos, sin, size).flip(0)

    def _transmission(self, mu: torch.Tensor, view: ViewGeometry, rows: int) -> torch.Tensor:
        """Transmission from each voxel's middle to the detector, (D, S, Z)."""
        depth = self._gather(mu, view, rows)
        return torch.exp(-2 * float(view.half_cm) * (depth.cumsum(0) - depth / 2))

    def _toeplitz(self, view: ViewGeometry, size: int) -> torch.Tensor:
        """Blur of each plane as a matrix, (D, size, size)."""
        taps = torch.zeros((len(view.taps), max(size, view.taps.shape[1])), device=self.device)
        taps[:, : view.taps.shape[1]] = self.load(view.taps)
        index = torch.arange(size, device=self.device)
        return taps[:, (index[:, None] - index).abs()]

    def _gather(self, volume: torch.Tensor, view: ViewGeometry, rows: int) -> torch.Tensor:
        return self._sample(volume, view.cos, view.sin, rows)

    def _places(
        self, plane: torch.Tensor, row: torch.Tensor, cos: float, sin: float, size: tuple[int, ...]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Voxel coordinates (X, Y) of depths and lateral places about the axis, in voxels."""
        return (
            (size[0] - 1) / 2 + plane * cos - row * sin,
            (size[1] - 1) / 2 + plane * sin + row * cos,
        )

    def _sample(self, volume: torch.Tensor, cos: float, sin: float, rows: int) -> torch.Tensor:
        """Bilinear samples (D, S, Z) of a volume (X, Y, Z), nearest plane first; 0 outside."""
        n_x, n_y, n_z = volume.shape
        t = torch.arange(rows, device=self.device, dtype=torch.float64) - (rows - 1) / 2
        x, y = self._places(-t[:, None], t[None, :], cos, sin, (n_x, n_y))
        flat = volume.reshape(-1, n_z)
        out = torch.zeros((rows * rows, n_z), device=self.device)
        for i in (x.floor(), x.floor() + 1):
            for j in (y.floor(), y.floor() + 1):
                inside = (i >= 0) & (i < n_x) & (j >= 0) & (j < n_y)
                weight = (1 - (x - i).abs()) * (1 - (y - j).abs()) * inside
                index = (i.clamp(0, n_x - 1) * n_y + j.clamp(0, n_y - 1)).long()
                out += weight.reshape(-1, 1).float() * flat[index.reshape(-1)]
        return out.view(rows, rows, n_z)

    def _collect(self, planes: torch.Tensor, view: ViewGeometry, image: torch.Tensor) -> None:
        """Adjoint of _sample: add to each voxel the samples less than a voxel from it."""
        rows, _, n_z = planes.shape
        n_x, n_y, _ = image.shape
        x = torch.arange(n_x, device=self.device, dtype=torch.float64)[:, None]
        y = torch.arange(n_y, device=self.device, dtype=torch.float64)[None, :]
        middle = (rows - 1) / 2
        from_x, from_y = x - (n_x - 1) / 2, y - (n_y - 1) / 2
        plane = (middle - (from_x * view.cos + from_y * view.sin)).floor()
        row = (middle + (from_y * view.cos - from_x * view.sin)).floor()
        flat = planes.reshape(-1, n_z)
        for shift in range(16):  # any sample that near in X and Y is one of 4 x 4 here
            d, s = plane + shift // 4 - 1, row + shift % 4 - 1
            inside = (d >= 0) & (d < rows) & (s >= 0) & (s < rows)
            at_x, at_y = self._places(middle - d, s - middle, view.cos, view.sin, (n_x, n_y))
            weight = (1 - (at_x - x).abs()).clamp(min=0) * (1 - (at_y - y).abs()).clamp(min=0)
            index = (d.clamp(0, rows - 1) * rows + s.clamp(0, rows - 1)).long()
            share = (weight * inside).reshape(-1, 1).float() * flat[index.reshape(-1)]
            image += share.view(n_x, n_y, n_z)
