"""The shared mathematics against loops over voxels, classes and neighbours in float64."""

import itertools
import math

import numpy as np
import pytest
import torch

from fuzzyseg import fuzzy
from fuzzyseg.errors import InputError

EXPONENTS = (1, 1.5, 2, 2.7, 3, 6)
SHAPES = ((7,), (4, 3), (3, 4, 2), (1, 5), (2, 1, 3), (2, 2, 2, 2))


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def some_memberships(rng, n_classes, shape):
    u = rng.random((n_classes, *shape)) ** 3
    return u / u.sum(0)


def neighbours_of(voxel, shape, neighbours):
    for step in itertools.product((-1, 0, 1), repeat=len(shape)):
        length = sum(abs(s) for s in step)
        if length == 0 or (neighbours == "faces" and length > 1):
            continue
        other = tuple(i + s for i, s in zip(voxel, step, strict=True))
        if all(0 <= i < n for i, n in zip(other, shape, strict=True)):
            yield other


def loop_squared_distances(y, v):
    out = np.zeros((v.shape[0], *y.shape[1:]))
    for voxel in np.ndindex(y.shape[1:]):
        for k in range(v.shape[0]):
            out[(k, *voxel)] = sum((y[(d, *voxel)] - v[k, d]) ** 2 for d in range(v.shape[1]))
    return out


def loop_spatial(u, q, neighbours):
    out = np.zeros_like(u)
    for voxel in np.ndindex(u.shape[1:]):
        for k in range(u.shape[0]):
            for other in neighbours_of(voxel, u.shape[1:], neighbours):
                out[(k, *voxel)] += sum(u[(m, *other)] ** q for m in range(u.shape[0]) if m != k)
    return out


def loop_memberships(cost, q):
    out = np.zeros_like(cost)
    for voxel in np.ndindex(cost.shape[1:]):
        weights = [float(c) ** (-1 / (q - 1)) for c in cost[(slice(None), *voxel)]]
        out[(slice(None), *voxel)] = np.array(weights) / sum(weights)
    return out


def loop_centres(u, y, q):
    out = np.zeros((u.shape[0], y.shape[0]))
    for k in range(u.shape[0]):
        weights = [u[(k, *voxel)] ** q for voxel in np.ndindex(u.shape[1:])]
        for d in range(y.shape[0]):
            values = [y[(d, *voxel)] for voxel in np.ndindex(u.shape[1:])]
            out[k, d] = sum(w * x for w, x in zip(weights, values, strict=True)) / sum(weights)
    return out


@pytest.mark.parametrize("q", EXPONENTS)
def test_power(q, rng):
    u = rng.random(20)
    expected = [math.pow(x, q) for x in u]
    np.testing.assert_allclose(fuzzy.power(u, q), expected, rtol=1e-14)
    np.testing.assert_allclose(fuzzy.power(torch.from_numpy(u), q), expected, rtol=1e-14)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n_channels", [1, 3])
def test_squared_distances(shape, n_channels, rng):
    y, v = rng.normal(size=(n_channels, *shape)), rng.normal(size=(4, n_channels))
    np.testing.assert_allclose(fuzzy.squared_distances(y, v), loop_squared_distances(y, v))


@pytest.mark.parametrize("q", [q for q in EXPONENTS if q > 1])
@pytest.mark.parametrize("shape", SHAPES[:3])
def test_memberships(q, shape, rng):
    cost = rng.random((3, *shape))
    np.testing.assert_allclose(fuzzy.memberships(cost, q), loop_memberships(cost, q), rtol=1e-12)


def test_memberships_are_hard_when_q_is_1():
    cost = np.array([[1.0, 2.0, 3.0], [2.0, 1.0, 3.0], [4.0, 1.0, 5.0]])
    expected = [[1, 0, 0.5], [0, 0.5, 0.5], [0, 0.5, 0]]
    np.testing.assert_array_equal(fuzzy.memberships(cost, 1), expected)
    np.testing.assert_array_equal(fuzzy.memberships(torch.from_numpy(cost), 1), expected)


@pytest.mark.parametrize("q", EXPONENTS)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_memberships_survive_zero_and_huge_costs(q, dtype):
    huge = np.finfo(dtype).max
    cost = np.array([[0.0, 0.0, 1.0, huge], [1.0, 0.0, 0.0, huge], [1.0, 1.0, 0.0, huge]], dtype)
    for result in (fuzzy.memberships(cost, q), fuzzy.memberships(torch.from_numpy(cost), q)):
        found = np.asarray(result)
        assert found.dtype == dtype
        np.testing.assert_allclose(found.sum(0), 1, rtol=2e-3)
        np.testing.assert_allclose(found[:, 3], 1 / 3, rtol=2e-3)
        if q <= 2:  # at a centre: all of the membership
            np.testing.assert_allclose(found[:, 0], [1, 0, 0], atol=1e-3)
            np.testing.assert_allclose(found[:, 1], [0.5, 0.5, 0], atol=1e-3)


@pytest.mark.parametrize("q", EXPONENTS)
@pytest.mark.parametrize("n_channels", [1, 2])
def test_centres(q, n_channels, rng):
    u, y = some_memberships(rng, 3, (4, 3)), rng.normal(size=(n_channels, 4, 3))
    found = fuzzy.centres(fuzzy.power(u, q), y)
    np.testing.assert_allclose(found, loop_centres(u, y, q), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_centre_of_an_empty_class_is_zero(dtype):
    u, y = np.zeros((2, 5), dtype), np.ones((1, 5), dtype)
    u[0] = 1
    for found in (fuzzy.centres(u, y), fuzzy.centres(torch.from_numpy(u), torch.from_numpy(y))):
        np.testing.assert_array_equal(np.asarray(found), [[1], [0]])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("neighbours", ["faces", "all"])
@pytest.mark.parametrize("q", [1, 2, 2.7])
def test_spatial_cost_and_objective(shape, neighbours, q, rng):
    u = some_memberships(rng, 3, shape)
    y, v, beta = rng.normal(size=(2, *shape)), rng.normal(size=(3, 2)), 0.3
    uq = fuzzy.power(u, q)
    spatial = loop_spatial(u, q, neighbours)
    squared = loop_squared_distances(y, v)
    np.testing.assert_allclose(fuzzy.spatial_cost(uq, neighbours), spatial, atol=1e-13)
    expected = (u**q * squared).sum() + beta * (u**q * spatial).sum()
    found = fuzzy.objective(uq, fuzzy.squared_distances(y, v), beta, neighbours)
    assert found == pytest.approx(expected, rel=1e-12)
    plain = fuzzy.objective(uq, fuzzy.squared_distances(y, v))
    assert plain == pytest.approx((u**q * squared).sum(), rel=1e-12)


@pytest.mark.parametrize("neighbours", ["faces", "all"])
def test_neighbour_sum_is_its_own_adjoint(neighbours, rng):
    a, b = rng.normal(size=(2, 4, 5, 3))
    left = (fuzzy.neighbour_sum(a, 3, neighbours) * b).sum()
    right = (a * fuzzy.neighbour_sum(b, 3, neighbours)).sum()
    assert left == pytest.approx(right, rel=1e-12)


@pytest.mark.parametrize("neighbours", ["faces", "all"])
@pytest.mark.parametrize("q", [1.5, 2, 3])
def test_batches_and_torch_give_what_single_arrays_give(neighbours, q, rng):
    y, v = rng.normal(size=(2, 4, 2, 5, 3)), rng.normal(size=(2, 4, 3, 2))  # two batch axes

    def everything(y, v, axis):
        squared = fuzzy.squared_distances(y, v, axis)
        u = fuzzy.memberships(squared, q, axis)
        uq = fuzzy.power(u, q)
        cost = squared + 0.2 * fuzzy.spatial_cost(uq, neighbours, axis)
        return (
            fuzzy.memberships(cost, q, axis),
            fuzzy.centres(uq, y, axis),
            fuzzy.objective(uq, squared, 0.1, neighbours, axis),
        )

    single = [everything(y[i], v[i], 0) for i in np.ndindex(2, 4)]
    for found, *expected in zip(everything(y, v, 2), *single, strict=True):
        stacked = np.reshape(expected, (2, 4, *np.shape(expected[0])))
        np.testing.assert_allclose(found, stacked, rtol=1e-12)
    in_torch = everything(torch.from_numpy(y), torch.from_numpy(v), 2)
    for ours, theirs in zip(everything(y, v, 2), in_torch, strict=True):
        np.testing.assert_allclose(theirs.numpy(), ours, rtol=1e-11)


@pytest.mark.parametrize("q", [1.5, 2, 2.7, 3])
@pytest.mark.parametrize("neighbours", ["faces", "all"])
def test_gradients_flow_in_torch(q, neighbours, rng):
    y = torch.from_numpy(rng.normal(size=(2, 1, 3, 4))).requires_grad_()
    v = torch.from_numpy(rng.normal(size=(2, 3, 1))).requires_grad_()

    def loss(y, v):
        squared = fuzzy.squared_distances(y, v, 1)
        uq = fuzzy.power(fuzzy.memberships(squared, q, 1), q)
        again = fuzzy.squared_distances(y, fuzzy.centres(uq, y, 1), 1)
        return fuzzy.objective(uq, again, 0.1, neighbours, 1)

    assert torch.autograd.gradcheck(loss, (y, v))


def test_float32_stays_float32(rng):
    y, v = rng.random((1, 4, 4), np.float32), rng.random((3, 1), np.float32)
    for q in EXPONENTS:
        u = fuzzy.memberships(fuzzy.squared_distances(y, v), q)
        assert u.dtype == np.float32
        assert fuzzy.memberships(torch.from_numpy(u), q).dtype == torch.float32
        assert fuzzy.spatial_cost(fuzzy.power(u, q)).dtype == np.float32
        assert fuzzy.centres(u, y).dtype == np.float32


@pytest.mark.parametrize("q", [0.5, 0, -1, math.nan, math.inf])
def test_bad_exponents(q):
    with pytest.raises(InputError, match="exponent q >= 1"):
        fuzzy.memberships(np.ones((2, 3)), q)


def test_an_exponent_that_makes_all_memberships_alike():
    with pytest.raises(InputError, match="exponent q of at most 100, found 101"):
        fuzzy.memberships(np.ones((2, 3)), 101)


def test_bad_neighbours():
    with pytest.raises(InputError, match=r"'faces', 'all'.*found 'corners'"):
        fuzzy.neighbour_sum(np.ones((2, 3)), 2, "corners")
