from dataclasses import replace

import numpy as np
import pytest

from fuzzyseg.simulation.scanner.montecarlo import KernelSettings
from fuzzyseg.simulation.scanner.registry import PROTOCOLS


@pytest.fixture(scope="session")
def quick():
    """Settings of a Monte Carlo of a fraction of a second."""
    return KernelSettings(photons=150_000)


@pytest.fixture(scope="session")
def coarse_protocol():
    """A camera with pixels of 0.88 cm: everything is 8 times fewer voxels."""
    return replace(PROTOCOLS["discovery670"].with_views(60), pixel_cm=0.88)


@pytest.fixture(scope="session")
def cylinder():
    """Function that makes a cylinder along Z, (N, N, Z), its edge voxels filled in part."""

    def make(n, n_z, voxel_cm, radius_cm, length_cm=None):
        fine = (np.arange(8 * n) - (8 * n - 1) / 2) * voxel_cm / 8
        disc = np.hypot(fine[:, None], fine[None, :]) < radius_cm
        disc = disc.reshape(n, 8, n, 8).mean(axis=(1, 3))
        z = (np.arange(n_z) - (n_z - 1) / 2) * voxel_cm
        inside = np.ones(n_z) if length_cm is None else np.abs(z) < length_cm / 2
        return (disc[..., None] * inside).astype(np.float32)

    return make


@pytest.fixture(params=["torch", "cuda"])
def torch_device(request):
    """Devices of the torch backend; CUDA where there is one."""
    import torch

    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    return request.param
