import numpy as np

from fuzzyseg.io.hounsfield import floor_at_air


def test_values_below_air_are_raised_and_told():
    array = np.array([-2048, -1030, -1024, -1000, 40], dtype=np.float32)
    floored, (warning,) = floor_at_air(array)
    np.testing.assert_array_equal(floored, [-1024, -1024, -1024, -1000, 40])
    assert "40%" in warning
    assert "-2048" in warning


def test_a_read_only_array_is_copied():
    array = np.full(3, -3000, dtype=np.float32)
    array.flags.writeable = False
    floored, _ = floor_at_air(array)
    assert array[0] == -3000
    assert floored[0] == -1024


def test_nothing_to_do_says_nothing():
    array = np.zeros(3, dtype=np.float32)
    assert floor_at_air(array) == (array, ())
