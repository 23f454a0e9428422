import numpy as np
import pytest

from fuzzyseg.simulation.phantom.grid import Grid
from fuzzyseg.simulation.phantom.shapes import deformation
from fuzzyseg.simulation.phantom.shapes.deformation import Deformation

LOW, HIGH = np.array([-260.0, -150.0, 700.0]), np.array([260.0, 150.0, 1760.0])
GRID = Grid.covering(LOW, HIGH, (10.0, 10.0, 10.0))
AXES = [GRID.axis(i) for i in range(3)]


@pytest.mark.parametrize("seed", range(6))
def test_it_never_folds(seed):
    u = deformation.draw(np.random.default_rng(seed), LOW, HIGH)
    jacobian = u.jacobian(AXES)
    assert 0.3 < jacobian.min() < 0.9
    assert 1.1 < jacobian.max() < 2.2
    assert jacobian.std() > 0.05  # it does something


def test_even_the_worst_coefficients_below_the_bound_do_not_fold():
    rng = np.random.default_rng(0)
    bound = deformation.INJECTIVE * 90.0 * 0.6
    for _ in range(5):
        signs = rng.choice([-bound, bound], (3, 9, 9, 9))
        u = Deformation((0.0, 0.0, 0.0), 90.0, signs)
        axes = [np.arange(180.0, 540.0, 10.0)] * 3
        assert u.jacobian(axes).min() > 0


def test_the_jacobian_is_the_derivative():
    u = deformation.draw(np.random.default_rng(3), LOW, HIGH)
    step = 0.5
    points = [np.array([30.0, 31.7]), np.array([-20.0, 12.0]), np.array([900.0, 1400.0])]
    columns = []
    for i in range(3):
        ahead = [p + step * (j == i) for j, p in enumerate(points)]
        behind = [p - step * (j == i) for j, p in enumerate(points)]
        columns.append((u.on_axes(ahead) - u.on_axes(behind)) / (2 * step))
    matrix = np.moveaxis(np.array(columns), (0, 1), (-1, -2)) + np.eye(3)
    assert u.jacobian(points) == pytest.approx(np.linalg.det(matrix), abs=2e-3)


def test_the_inverse_undoes_it():
    u = deformation.draw(np.random.default_rng(4), LOW, HIGH)
    rng = np.random.default_rng(5)
    p = rng.uniform(LOW, HIGH, (50, 3))
    moved = np.array([q + u.on_axes([np.array([c]) for c in q]).reshape(3) for q in p])
    assert u.inverse(moved) == pytest.approx(p, abs=0.02)


def test_displacements_are_bounded_and_the_identity_moves_nothing():
    u = deformation.draw(np.random.default_rng(6), LOW, HIGH)
    assert np.abs(u.on_axes(AXES)).max() <= u.limit_mm <= 0.25 * 90
    identity = deformation.none()
    assert not identity.on_axes(AXES).any()
    assert (identity.jacobian(AXES) == 1).all()


def test_the_draw_does_not_depend_on_voxels_but_on_the_seed():
    a, b = (deformation.draw(np.random.default_rng(7), LOW, HIGH) for _ in range(2))
    assert np.array_equal(a.coefficients, b.coefficients)
    c = deformation.draw(np.random.default_rng(8), LOW, HIGH)
    assert not np.array_equal(a.coefficients, c.coefficients)


def rigid(degrees, shift):
    a = np.radians(degrees)
    matrix = np.eye(4)
    matrix[:2, :2] = [[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]
    matrix[:3, 3] = shift
    return matrix


def test_a_motion_of_a_body_without_bends_is_rigid():
    still = Deformation((-300.0, -300.0, 500.0), 90.0, np.zeros((3, 8, 8, 16)))
    matrix = rigid(3.0, (5.0, -8.0, 20.0))
    moved = still.moved(matrix)
    points = np.random.default_rng(0).uniform(LOW, HIGH, (40, 3))
    there = points @ matrix[:3, :3].T + matrix[:3, 3]
    assert points + moved.at(points) == pytest.approx(there, abs=1e-9)
    assert moved.inverse(there) == pytest.approx(points, abs=1e-3)
    x, y, z = (c.reshape(-1)[:5] for c in points.T)
    grid = moved.on_axes([x, y, z])[:, 2, 3, 4]
    assert grid == pytest.approx(moved.at(np.array([[x[2], y[3], z[4]]]))[0], abs=1e-3)
    assert moved.jacobian([x, y, z]) == pytest.approx(1, abs=1e-5)
    assert np.abs(moved.on_axes(AXES)).max() <= moved.limit_mm
    assert moved.turn == pytest.approx(2 * np.sin(np.radians(1.5)))


def test_bends_go_along_with_a_shift():
    u = deformation.draw(np.random.default_rng(7), LOW, HIGH)
    matrix = rigid(0.0, (12.0, 3.0, -15.0))
    points = np.random.default_rng(1).uniform(LOW + 20, HIGH - 20, (40, 3))
    before = points + matrix[:3, 3]
    assert points + u.moved(matrix).at(points) == pytest.approx(before + u.at(before), abs=1e-6)


def test_bends_add_up_within_the_bound():
    u, v = (deformation.draw(np.random.default_rng(s), LOW, HIGH, sd_mm=4.0) for s in (1, 2))
    points = np.random.default_rng(2).uniform(LOW, HIGH, (20, 3))
    assert u.plus(v).at(points) == pytest.approx(u.at(points) + v.at(points), abs=1e-9)
    far = deformation.draw(np.random.default_rng(3), LOW, HIGH, sd_mm=60.0)
    assert far.plus(far).jacobian(AXES).min() > 0
