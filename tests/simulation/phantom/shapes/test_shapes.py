import numpy as np
import pytest

from fuzzyseg.simulation.phantom.shapes.build import rod, sheet, tube
from fuzzyseg.simulation.phantom.shapes.implicit import Ellipsoid, Plate, Segment
from fuzzyseg.simulation.phantom.shapes.solids import Blend, HalfSpace, Profile, Solid

STEP = 0.5
AXIS = np.arange(-30, 30, STEP, dtype=np.float32) + STEP / 2
SPACE = tuple(np.meshgrid(AXIS, AXIS, AXIS, indexing="ij"))
FRAME = ((0.6, 0.8, 0.0), (-0.8, 0.6, 0.0), (0.0, 0.0, 1.0))


def volume(shape):
    return float((shape.distance(SPACE) < 0).sum()) * STEP**3


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (Ellipsoid((1, 2, 3), (20, 10, 5)), 4 / 3 * np.pi * 1000),
        (Ellipsoid((1, 2, 3), (20, 10, 5), FRAME), 4 / 3 * np.pi * 1000),
        (Ellipsoid((0, 0, 0), (12, 8, 10), FRAME, power=30.0), np.pi * 12 * 8 * 20),
        (Segment((-10, 0, 0), (10, 0, 0), 6, 6), np.pi * 36 * 20 + 4 / 3 * np.pi * 216),
        (
            Segment((-10, 0, 0), (10, 0, 0), 6, 6, (0, 0, 1), 2.0),
            (np.pi * 36 * 20 + 4 / 3 * np.pi * 216) / 2,
        ),
        (Plate((0, 0, 0), (24, 0, 0), (0, 20, 0), (2, 2, 2)), 240 * 4 + 74.7 * np.pi * 2 + 33.5),
        (Profile(((-10, 12, 9, -9), (10, 12, 9, -9)), power=2.0), np.pi * 108 * 20),
        (Solid(Ellipsoid((0, 0, 0), (20, 20, 20)), wall_mm=4.0), 4 / 3 * np.pi * (8000 - 4096)),
        (
            Solid(Ellipsoid((0, 0, 0), (20, 20, 20)), within=(HalfSpace((0, 0, 0), (0, 0, 1)),)),
            2 / 3 * np.pi * 8000,
        ),
    ],
)
def test_volumes_are_the_textbook_s_and_boxes_hold_them(shape, expected):
    assert volume(shape) == pytest.approx(expected, rel=0.03)
    inside = shape.distance(SPACE) < 0
    low, high = shape.bounds
    for axis in range(3):
        assert SPACE[axis][inside].min() >= low[axis] - STEP
        assert SPACE[axis][inside].max() <= high[axis] + STEP


@pytest.mark.parametrize(
    "shape",
    [
        Ellipsoid((1, 2, 3), (14, 10, 12), FRAME),
        Segment((-9, 2, 0), (10, -5, 4), 6, 4, (0.0, 0.6, 0.8), 1.8),
        Plate((0, 0, 0), (20, 0, 5), (0, 16, 0), (2, 3, 2)),
        Solid(Ellipsoid((3, 0, 0), (15, 15, 15)), without=(Ellipsoid((9, 0, 0), (9, 9, 9)),)),
    ],
)
def test_a_mirrored_shape_is_the_mirror_image(shape):
    d = shape.distance(SPACE)
    assert np.allclose(shape.mirrored().distance(SPACE), d[::-1], atol=1e-3)


@pytest.mark.parametrize(
    "shape",
    [
        Ellipsoid((0, 0, 0), (14, 10, 12)),
        Ellipsoid((0, 0, 0), (14, 10, 12), power=6.0),
        Segment((-9, 2, 0), (10, -5, 4), 6, 4, (0.0, 0.6, 0.8), 1.8),
        Plate((0, 0, 0), (20, 0, 5), (0, 16, 0), (2, 3, 2)),
    ],
)
def test_near_the_surface_the_distance_grows_by_a_millimetre_a_millimetre(shape):
    d = shape.distance(SPACE)
    slope = np.linalg.norm(np.gradient(d, STEP), axis=0)
    near = np.abs(d) < 0.5
    assert np.quantile(slope[near], [0.02, 0.98]) == pytest.approx([1, 1], abs=0.25)


def test_a_blend_holds_its_shapes_and_little_more():
    parts = (Ellipsoid((-8, 0, 0), (10, 10, 10)), Ellipsoid((8, 0, 0), (10, 10, 10)))
    union = np.minimum(parts[0].distance(SPACE), parts[1].distance(SPACE))
    blended = Blend(parts, 6.0).distance(SPACE)
    assert (blended <= union + 1e-4).all()
    assert (union - blended).max() == pytest.approx(6.0 / 4, abs=0.05)


def test_a_tube_passes_through_its_nodes_and_a_sheet_through_its_corners():
    nodes = [(-20, 0, 0, 3), (0, 10, 0, 3), (20, 0, 5, 3)]
    for x, y, z, _ in nodes:
        point = tuple(np.array([v], np.float32) for v in (x, y, z))
        assert min(float(s.distance(point)[0]) for s in tube(nodes, 8).shapes) < -2.5
    grid = [[(0, 0, 0, 2), (20, 0, 4, 2)], [(0, 20, 0, 2), (20, 20, 0, 2)]]
    for x, y, z, _ in (corner for row in grid for corner in row):
        point = tuple(np.array([v], np.float32) for v in (x, y, z))
        assert min(float(s.distance(point)[0]) for s in sheet(grid, (3, 3)).shapes) < -1.9


def test_a_rod_tapers():
    d = rod((0, 0, -10), (0, 0, 10), 8, 2).distance(SPACE)
    below, above = (int((d[..., np.argmin(abs(AXIS - z))] < 0).sum()) for z in (-10, 10))
    assert below > 8 * above
