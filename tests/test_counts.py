import numpy as np

from fuzzyseg.counts import class_counts, class_sums


def test_sums_are_those_of_each_class():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, (5, 6, 7)).astype(np.uint8)
    labels[labels == 1] = 3
    values = rng.normal(0, 1, labels.shape).astype(np.float32)
    counts, sums, maxima = class_sums(labels, values, 5)
    for k in range(5):
        inside = values[labels == k].astype(np.float64)
        assert counts[k] == inside.size
        np.testing.assert_allclose(sums[k], inside.sum())
        assert maxima[k] == (inside.max() if inside.size else -np.inf)
    np.testing.assert_array_equal(class_counts(labels, 5), counts)
