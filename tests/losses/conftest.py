"""Random predictions and images, and neighbours counted one by one."""

import itertools

import numpy as np
import pytest
import torch


def draw(shape, n_classes=3, n_channels=1, seed=7, dtype=torch.float64):
    """Return logits (B, C, *space), image (B, D, *space) and classes (B, *space)."""
    rng = np.random.default_rng(seed)
    batch, *space = shape
    z = torch.from_numpy(2 * rng.normal(size=(batch, n_classes, *space))).to(dtype)
    y = torch.from_numpy(rng.random((batch, n_channels, *space))).to(dtype)
    return z, y, torch.from_numpy(rng.integers(0, n_classes, (batch, *space)))


@pytest.fixture(name="draw")
def draw_fixture():
    return draw


def neighbours_of(voxel, shape, neighbours):
    for step in itertools.product((-1, 0, 1), repeat=len(shape)):
        length = sum(abs(s) for s in step)
        if length == 0 or (neighbours == "faces" and length > 1):
            continue
        other = tuple(i + s for i, s in zip(voxel, step, strict=True))
        if all(0 <= i < n for i, n in zip(other, shape, strict=True)):
            yield other


def literal_rfcm(f, y, q, beta, neighbours, mask=None, v=None):
    """Eqs. (3), (6) and (11) of one image, as loops; f (C, *space), y (D, *space)."""
    f, y = np.asarray(f), np.asarray(y)
    space = f.shape[1:]
    inside = [j for j in np.ndindex(space) if mask is None or mask[j]]
    if v is None:
        v = [
            sum(f[(k, *j)] ** q * y[(slice(None), *j)] for j in inside)
            / sum(f[(k, *j)] ** q for j in inside)
            for k in range(len(f))
        ]
    loss = np.zeros(space)
    for j in inside:
        for k in range(len(f)):
            cost = sum((y[(d, *j)] - v[k][d]) ** 2 for d in range(len(y)))
            for m in range(len(f)):
                for other in neighbours_of(j, space, neighbours):
                    if m != k and other in inside:
                        cost += beta * f[(m, *other)] ** q
            loss[j] += f[(k, *j)] ** q * cost
    return loss, len(inside)


@pytest.fixture(name="literal_rfcm")
def literal_rfcm_fixture():
    return literal_rfcm
