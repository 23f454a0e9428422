"""What numpy arrays and torch tensors do under different names."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

Array = Any  # numpy.ndarray or torch.Tensor


def is_tensor(a: Any) -> bool:
    """Whether it is a torch tensor; does not import torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(a, torch.Tensor)


def to_host(a: Array) -> np.ndarray:
    """As a numpy array; a tensor is copied from its device."""
    return np.asarray(a.detach().cpu() if is_tensor(a) else a)


def on_host(a: Any) -> Any:
    """Copy a tensor to numpy, and leave all else as it is."""
    return to_host(a) if is_tensor(a) else a


def like(values: Any, a: Array) -> Array:
    """Numbers as an array of the type, precision and device of another."""
    if is_tensor(a):
        import torch

        return torch.as_tensor(np.asarray(values), dtype=a.dtype, device=a.device)
    return np.asarray(values, dtype=a.dtype)


def empty(shape: tuple[int, ...], a: Array) -> Array:
    """Room for numbers of the type, precision and device of another."""
    return a.new_empty(shape) if is_tensor(a) else np.empty(shape, a.dtype)


def total(a: Array) -> float:
    """Sum of all elements, in float64."""
    if is_tensor(a):
        import torch

        return float(a.sum(dtype=torch.float64))
    return float(a.sum(dtype=np.float64))


def double(a: Array) -> Array:
    """In float64."""
    return a.double() if is_tensor(a) else a.astype(np.float64)


def cast(a: Array, other: Array) -> Array:
    """In the precision of another."""
    return a.to(other.dtype) if is_tensor(a) else a.astype(other.dtype)


def exp(a: Array) -> Array:
    """Exponential of each element."""
    return a.exp() if is_tensor(a) else np.exp(a)


def sort(a: Array) -> Array:
    """Sorted along the first axis."""
    return a.sort(0).values if is_tensor(a) else np.sort(a, axis=0)


def stack(arrays: list[Array]) -> Array:
    """Along a new first axis."""
    if is_tensor(arrays[0]):
        import torch

        return torch.stack(arrays)
    return np.stack(arrays)


def harden(u: Array) -> Array:
    """Class of the largest membership in u (C, ...), int8; ties go to the lower class."""
    if is_tensor(u):
        import torch

        return u.argmax(0).to(torch.int8)
    return u.argmax(0).astype(np.int8)
