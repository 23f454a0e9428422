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
