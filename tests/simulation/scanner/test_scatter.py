import numpy as np
import pytest

from fuzzyseg.simulation.scanner.backends import get_backend
from fuzzyseg.simulation.scanner.geometry import Orbit, make_orbit, view_angles
from fuzzyseg.simulation.scanner.montecarlo import scatter_kernels
from fuzzyseg.simulation.scanner.projector import Projector
from fuzzyseg.simulation.scanner.registry import PROTOCOLS
from fuzzyseg.simulation.scanner.regrid import interpolation_matrix, overlap_matrix, regrid
from fuzzyseg.simulation.scanner.scatter import DIRECTIONS, ScatterModel, trigonometric_weights

PROTOCOL = PROTOCOLS["discovery670"]
VOXEL = 0.44


@pytest.fixture(scope="module")
def water(cylinder, quick):
    """Projector and scatter model of a water cylinder of 11 cm radius, and the cylinder."""
    body = cylinder(64, 72, VOXEL, 11.0)
    mu = 0.15 * body
    orbit = make_orbit(body.any(axis=2), VOXEL, 30, "circular", 2.0)
    given = {"voxel_cm": VOXEL, "orbit": orbit, "response": PROTOCOL.response}
    kernels = scatter_kernels(PROTOCOL, PROTOCOL.photopeak, quick)
    return Projector(mu, **given), ScatterModel(mu, **given, kernels=kernels), body


@pytest.mark.parametrize(
    ("depth_cm", "expected"), [(3, 0.186), (7, 0.413), (11, 0.628), (15, 0.837), (19, 1.03)]
)
def test_scatter_to_primary_ratio_by_depth(water, depth_cm, expected):
    # Figures of a Monte Carlo of the whole cylinder, 20% window at 140 keV.
    projector, scatter, body = water
    place = 31.5 + (11.0 - depth_cm) / VOXEL
    low = int(place)
    image = np.zeros_like(body)
    image[low, 31:33, 35:37] = 1 - (place - low)
    image[low + 1, 31:33, 35:37] = place - low
    ratio = scatter.views(image, [0]).sum() / projector.forward(image, [0]).sum()
    assert ratio == pytest.approx(expected, rel=0.10)


def test_scatter_to_primary_ratio_of_uniform_activity(water):
    projector, scatter, body = water
    ratio = scatter.views(body, [3]).sum() / projector.forward(body, [3]).sum()
    assert ratio == pytest.approx(0.273, rel=0.10)


@pytest.mark.parametrize("directions", [4, 8, 12])
def test_trigonometric_weights_are_exact_for_low_harmonics(directions):
    at = np.arange(directions) * 2 * np.pi / directions
    orders = np.arange(directions // 2)
    for angle in (0.0, 0.3, 2.0, 5.9):
        weights = trigonometric_weights(angle, directions)
        for wave in (np.cos, np.sin):
            values = wave(np.outer(at, orders))
            np.testing.assert_allclose(weights @ values, wave(angle * orders), atol=1e-5)


def test_many_views_at_once_are_as_near_a_finer_grid_as_one_by_one(quick, cylinder):
    body = cylinder(64, 48, VOXEL, 11.0)
    orbit = make_orbit(body.any(axis=2), VOXEL, 30, "circular", 2.0)
    given = {"voxel_cm": VOXEL, "orbit": orbit, "response": PROTOCOL.response}
    kernels = scatter_kernels(PROTOCOL, PROTOCOL.photopeak, quick)
    usual, fine = (
        ScatterModel(0.15 * body, **given, kernels=kernels, grid_cm=grid) for grid in (0.88, 0.44)
    )
    image = np.zeros_like(body)
    image[20:24, 30:34, 20:24] = 1  # a hot cube off the axis
    few = [1, 9, 20]
    reference = fine.views(image, few)
    one_by_one = usual.views(image, few)
    at_once = usual.views(image, range(2 * DIRECTIONS))[few]

    def error(found):
        return np.linalg.norm(found - reference) / np.linalg.norm(reference)

    assert error(at_once) < 1.05 * error(one_by_one) < 0.15
    assert at_once.sum() == pytest.approx(reference.sum(), rel=0.01)
    assert np.linalg.norm(at_once - one_by_one) < 0.04 * np.linalg.norm(one_by_one)


def test_scatter_is_linear_in_activity(water):
    _, scatter, body = water
    rng = np.random.default_rng(0)
    a, b = (rng.random(body.shape).astype(np.float32) * (body > 0.5) for _ in range(2))
    both = scatter.views(2 * a + 3 * b, [4])
    apart = 2 * scatter.views(a, [4]) + 3 * scatter.views(b, [4])
    # Exact but for rounding, and for the few voxels whose source is cut off at 0.
    assert np.allclose(both, apart, atol=1e-4 * both.max())


def test_scatter_comes_from_the_body_alone(water):
    _, scatter, body = water
    view = scatter.views(body, [0])[0]
    rows = (np.arange(64) - 31.5) * VOXEL
    assert view[np.abs(rows) > 11 + 2].max() < 0.01 * view.max()
    assert view[np.abs(rows) < 11].min() > 0.02 * view.max()


def test_no_attenuation_no_scatter(water, quick):
    _, _, body = water
    model = ScatterModel(
        np.zeros_like(body),
        voxel_cm=VOXEL,
        orbit=Orbit(view_angles(4), np.full(4, 15.0)),
        response=PROTOCOL.response,
        kernels=scatter_kernels(PROTOCOL, PROTOCOL.photopeak, quick),
    )
    assert np.all(model.views(body, range(4)) == 0)


def test_torch_and_numba_agree(water, quick, torch_device):
    _, scatter, body = water
    other = ScatterModel(
        0.15 * body,
        voxel_cm=VOXEL,
        orbit=make_orbit(body.any(axis=2), VOXEL, 30, "circular", 2.0),
        response=PROTOCOL.response,
        kernels=scatter_kernels(PROTOCOL, PROTOCOL.photopeak, quick),
        backend=get_backend(torch_device),
    )
    ours = scatter.views(body, [2])
    assert np.allclose(other.views(body, [2]), ours, atol=1e-4 * ours.max())


def test_torch_and_numba_agree_on_many_views(water, quick, torch_device):
    _, scatter, body = water
    other = ScatterModel(
        0.15 * body,
        voxel_cm=VOXEL,
        orbit=make_orbit(body.any(axis=2), VOXEL, 30, "circular", 2.0),
        response=PROTOCOL.response,
        kernels=scatter_kernels(PROTOCOL, PROTOCOL.photopeak, quick),
        backend=get_backend(torch_device),
    )
    views = range(2 * DIRECTIONS)
    ours = scatter.views(body, views)
    assert np.allclose(other.views(body, views), ours, atol=1e-4 * ours.max())


def test_results_do_not_depend_on_the_number_of_threads(quick):
    threadpoolctl = pytest.importorskip("threadpoolctl")
    mu = np.full((100, 100, 120), 0.15, np.float32)
    image = np.random.default_rng(2).random(mu.shape).astype(np.float32)
    orbit = Orbit(view_angles(4), np.full(4, 40.0))
    kernels = scatter_kernels(PROTOCOL, PROTOCOL.photopeak, quick)
    found = []
    for threads in (1, 2):
        with threadpoolctl.threadpool_limits(threads):
            model = ScatterModel(
                mu, voxel_cm=VOXEL, orbit=orbit, response=PROTOCOL.response, kernels=kernels
            )
            found.append(model.views(image, [1]))
    assert np.array_equal(*found)


def test_overlap_matrix_keeps_totals():
    values = np.random.default_rng(0).random(50)
    matrix = overlap_matrix(50, 0.44, 26, 0.88)
    assert (matrix @ values).sum() * 0.88 == pytest.approx(values.sum() * 0.44, rel=1e-5)
    assert np.allclose(overlap_matrix(8, 1.0, 8, 1.0), np.eye(8))
    assert np.allclose(overlap_matrix(8, 1.0, 4, 2.0) @ np.ones(8), 1)


@pytest.mark.parametrize("device", ["cpu", "torch"])
def test_regrid_works_along_every_axis(device):
    backend = get_backend(device)
    volume = np.random.default_rng(3).random((6, 8, 10)).astype(np.float32)
    matrices = [overlap_matrix(n, 0.5, n // 2 + 1, 0.9) for n in volume.shape]
    expected = np.einsum("xyz,ax,by,cz->abc", volume, *matrices)
    loaded = [backend.load_matrix(matrix) for matrix in matrices]
    found = backend.fetch(regrid(backend.load(volume), loaded))
    assert np.allclose(found, expected, rtol=1e-5)


def test_interpolation_matrix_is_exact_for_straight_lines():
    coarse = (np.arange(20) - 9.5) * 0.9
    fine = (np.arange(40) - 19.5) * 0.4
    assert np.allclose(interpolation_matrix(20, 0.9, 40, 0.4) @ coarse, fine, atol=1e-5)
