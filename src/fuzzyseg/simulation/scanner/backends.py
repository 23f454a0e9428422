"""Which backend computes on a device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.errors import InputError
from fuzzyseg.simulation.scanner.numba_backend import NumbaBackend

if TYPE_CHECKING:
    from fuzzyseg.simulation.scanner.backend import Backend


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

    from fuzzyseg.simulation.scanner.torch_backend import TorchBackend

    if device != "torch" and not (device.startswith("cuda") and torch.cuda.is_available()):
        raise InputError(
            f"expected the device cpu, or cuda where torch sees one, found {device!r}; use cpu"
        )

    return TorchBackend("cpu" if device == "torch" else device)
