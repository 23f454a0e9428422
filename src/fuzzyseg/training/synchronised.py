"""Processes that train one network: which one this is, and norms that see the whole batch."""

from __future__ import annotations

import contextlib
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import torch
from torch import distributed, nn

from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from fuzzyseg.training.config import Config

_TIMEOUT = timedelta(days=1)  # the first process validates while the others wait


@contextlib.contextmanager
def processes(config: Config) -> Iterator[tuple[int, int]]:
    """Rank and number of processes: those of torchrun, or one.

    Raises
    ------
    InputError
        If they cannot share out the batch equally.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield 0, 1
        return
    if config.batch % world:
        raise InputError(
            f"expected a --batch divisible among {world} processes, found {config.batch}; "
            f"make it a multiple of {world}"
        )
    if config.device == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    backend = "nccl" if config.device == "cuda" else "gloo"
    distributed.init_process_group(backend, timeout=_TIMEOUT)
    try:
        yield distributed.get_rank(), world
    finally:
        distributed.destroy_process_group()


def synchronise(network: nn.Module) -> None:
    """Give a network's norms the statistics of all processes' batches together, in place.

    torch's own SyncBatchNorm knows no CPU.
    """
    for module in network.modules():
        kind = _SHARED.get(type(module))
        if kind is not None:
            module.__class__ = kind


class _Shared(nn.modules.batchnorm._BatchNorm):
    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (torch's own name)
        """Normalise; every process must hold as many voxels."""
        if not self.training:
            return super().forward(input)
        norm: Any = self  # with statistics and weights, as all norms of ours
        axes = [0, *range(2, input.ndim)]
        shape = (1, -1, *(1,) * (input.ndim - 2))
        x = input.float()
        n = x.numel() // x.shape[1] * distributed.get_world_size()
        mean = _summed(x.sum(axes)) / n
        centred = x - mean.view(shape)
        variance = _summed((centred**2).sum(axes)) / n
        with torch.no_grad():
            norm.num_batches_tracked += 1
            norm.running_mean.lerp_(mean, norm.momentum)
            norm.running_var.lerp_(variance * (n / (n - 1)), norm.momentum)
        scale = norm.weight * (variance + norm.eps).rsqrt()
        normalised: Tensor = centred * scale.view(shape) + norm.bias.view(shape)
        return normalised.to(input.dtype)


class _Shared2d(_Shared, nn.BatchNorm2d):
    pass


class _Shared3d(_Shared, nn.BatchNorm3d):
    pass


_SHARED: dict[type, type] = {nn.BatchNorm2d: _Shared2d, nn.BatchNorm3d: _Shared3d}


class _Sum(torch.autograd.Function):
    """Sum over the processes; so is its gradient."""

    @staticmethod
    def forward(_: Any, x: Tensor) -> Tensor:
        total = x.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        distributed.all_reduce(total)
        return total


def _summed(x: Tensor) -> Tensor:
    total: Tensor = _Sum.apply(x)  # type: ignore[no-untyped-call]
    return total
