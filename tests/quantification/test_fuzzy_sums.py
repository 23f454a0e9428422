import numpy as np
import pytest

from fuzzyseg.quantification.fuzzy_sums import fuzzy_sums, threshold_curve


def test_sums_and_curve_are_those_of_the_definitions():
    rng = np.random.default_rng(0)
    u = rng.random((6, 7, 8), np.float32)
    u[0] = 0.5  # exactly at a threshold
    image = rng.normal(10, 5, u.shape).astype(np.float32)
    volume, total = fuzzy_sums(u, image, 0.1)
    assert volume == pytest.approx(0.1 * u.astype(float).sum())
    assert total == pytest.approx(0.1 * (u.astype(float) * image).sum(), rel=1e-6)
    thresholds = (0.2, 0.5, 0.7, 1.0)
    for t, found in zip(thresholds, threshold_curve(u, image, 0.1, thresholds), strict=True):
        assert found.volume_ml == pytest.approx(0.1 * (u >= np.float32(t)).sum())
        assert found.total == pytest.approx(0.1 * image[u >= np.float32(t)].sum(dtype=float))
