import numpy as np

from fuzzyseg.quantification.ct_values import values_under
from fuzzyseg.volume import Volume

COARSE = np.diag([6.0, 6.0, 6.0, 1.0])
COARSE[:3, 3] = [10, 20, 30]


def block():
    labels = np.zeros((8, 8, 8), np.int32)
    labels[2:4, 3:5, 4] = 3
    labels[6, 6, 6] = 1
    return labels, np.argwhere(labels == 3)


def fine_ct(offset=0.0):
    """Voxels of 2 mm; each of the coarse ones holds 27 of them. HU say which coarse one it is."""
    affine = np.diag([2.0, 2.0, -2.0, 1.0])  # from the head down
    affine[:3, 3] = COARSE[:3, 3] + [-2 + offset, -2, 7 * 6 + 2]
    numbers = np.arange(512).reshape(8, 8, 8)
    hu = numbers.repeat(3, 0).repeat(3, 1).repeat(3, 2)[:, :, ::-1]
    return Volume(hu.astype(np.float32), affine, "CT", "HU")


def test_every_voxel_of_the_ct_under_the_lesion_counts():
    labels, index = block()
    found = values_under(labels, 3, index, COARSE, fine_ct())
    expected = np.arange(512).reshape(8, 8, 8)[labels == 3].repeat(27)
    np.testing.assert_array_equal(np.sort(found), np.sort(expected))


def test_a_ct_elsewhere_has_nothing_under_it():
    labels, index = block()
    assert values_under(labels, 3, index, COARSE, fine_ct(offset=500.0)).size == 0
