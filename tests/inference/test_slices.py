import numpy as np
import pytest

from fuzzyseg.inference.slices import slices

# The value of a voxel says where it is: channel, x, y, z.
IMAGE = np.fromfunction(lambda d, x, y, z: 1000 * d + 100 * x + 10 * y + z, (2, 4, 5, 6)).astype(
    np.float32
)


@pytest.mark.parametrize("context", [0, 1, 2, 7])
@pytest.mark.parametrize("plane", ["transverse", "coronal", "sagittal"])
def test_equals_a_loop_over_slices_neighbours_and_channels(plane, context):
    axis = {"sagittal": 0, "coronal": 1, "transverse": 2}[plane]
    length = IMAGE.shape[axis + 1]
    for start, stop in ((0, length), (1, 3), (length - 1, length)):
        expected = []
        for k in range(start, stop):
            planes = []
            for channel in IMAGE:
                for neighbour in range(k - context, k + context + 1):
                    if 0 <= neighbour < length:
                        planes.append(np.take(channel, neighbour, axis))
                    else:
                        planes.append(np.full_like(np.take(channel, 0, axis), channel.min()))
            expected.append(planes)
        found = slices(IMAGE, plane, start, stop, context)
        np.testing.assert_array_equal(found, np.array(expected))
        assert found.flags.c_contiguous
