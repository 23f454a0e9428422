"""Images to cluster, and robust fuzzy c-means written plainly."""

from types import SimpleNamespace

import numpy as np
import pytest
from minima import toy_spect
from scipy import ndimage


@pytest.fixture
def rng():
    return np.random.default_rng(20210706)


@pytest.fixture(scope="session")
def spect():
    """A toy bone SPECT, 40^3, in which fuzzy c-means has both of its minima.

    Body 1, bone 6, four small lesions 24; blurred, with Poisson noise. `truth` is 0, 1, 2.
    """
    image, truth = toy_spect()
    return SimpleNamespace(image=image, truth=truth)


@pytest.fixture(scope="session")
def blobs():
    """Make noisy images of three levels, 0, 0.4 and 1: (*space,) or, with channels, (D, *space)."""

    def make(shape, dtype=np.float64, n_channels=None, noise=0.08, seed=0):
        rng = np.random.default_rng(seed)
        field = rng.random(shape)
        levels = np.array([0.0, 0.4, 1.0])[np.digitize(field, [0.5, 0.8])]
        if n_channels is None:
            image = levels + noise * rng.standard_normal(shape)
        else:
            scale = 1.0 + np.arange(n_channels).reshape(-1, *(1,) * len(shape))
            image = scale * levels + noise * rng.standard_normal((n_channels, *shape))
        return image.astype(dtype)

    return make


@pytest.fixture(scope="session")
def plain_rfcm():
    """One iteration of eqs. (5) and (6), all in float64 with scipy's convolution.

    Takes y (D, *space), u (C, *space), v (C, D); returns J before it, then the new u and v.
    """

    def kernel(n_space, neighbours):
        if neighbours == "faces":
            taps = ndimage.generate_binary_structure(n_space, 1).astype(float)
        else:
            taps = np.ones((3,) * n_space)
        taps[(1,) * n_space] = 0
        return taps

    def step(y, u, v, q, beta, neighbours, inside=None):
        y, u, v = (np.asarray(a, dtype=np.float64) for a in (y, u, v))
        taps = kernel(y.ndim - 1, neighbours)
        d2 = np.stack([sum((y[d] - c[d]) ** 2 for d in range(y.shape[0])) for c in v])
        near = np.zeros_like(u)
        for k in range(len(v)):
            for m in range(len(v)):
                if m != k:
                    near[k] += ndimage.convolve(u[m] ** q, taps, mode="constant")
        before = float((u**q * (d2 + beta * near)).sum())
        cost = d2 + 2 * beta * near
        new = (cost == cost.min(0)) * 1.0 if q == 1 else cost ** (-1 / (q - 1))
        new /= new.sum(0)
        if inside is not None:
            new *= inside
        uq = new**q
        centres = np.array([[(w * c).sum() / w.sum() for c in y] for w in uq])
        return before, new, centres

    return step
