import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from fuzzyseg.segmentation import Settings, segment, summary
from fuzzyseg.segmentation.domain import bone_scan_domain
from fuzzyseg.simulation.simulated import Recipe, simulate_patient
from fuzzyseg.volume import Volume

AFFINE = np.diag([4.0, 4.0, 4.0, 1.0])


def ellipse(shape=(64, 64, 24), radii=(24, 18)):
    x, y, _ = np.mgrid[tuple(slice(0, n) for n in shape)]
    return ((x - 32) / radii[0]) ** 2 + ((y - 32) / radii[1]) ** 2


def mr():
    """T1-like: bright fat around muscle, a bright organ, a field that varies, Rician noise."""
    rng = np.random.default_rng(0)
    r = ellipse()
    tissue = np.select([r < 0.1, r < 0.8, r < 1], [0.6, 0.25, 1.0], 0.0)
    tissue *= 1 + 0.3 * np.sin(np.arange(64) / 20)[:, None, None]
    noise = rng.normal(0, 0.015, (2, *tissue.shape))
    return np.hypot(tissue + noise[0], noise[1]) * 1000


def labels():
    """A label map 0..117, as of an organ segmentation: the nearest of 117 places."""
    places = np.random.default_rng(0).uniform(0, [64, 64, 24], (117, 3))
    at = np.stack(np.mgrid[:64, :64, :24], axis=-1)
    nearest = cKDTree(places).query(at)[1] + 1
    return np.where(ellipse() < 1, nearest, 0)


def counts(scale=1.0):
    """Counts of a bone scan: soft tissue, bone of 10 times that, Poisson noise."""
    r = ellipse()
    uptake = np.where(r < 1, 4.0, 0.0)
    uptake[28:36, 24:30] = 40
    uptake[31:34, 26:29, 10:14] = 160
    blurred = gaussian_filter(uptake, 1.5)
    return np.random.default_rng(0).poisson(blurred * scale).astype(np.float32)


@pytest.mark.parametrize(
    ("array", "given", "found"),
    [
        (mr(), {"modality": "other"}, "does not look like a bone scan"),
        (labels(), {"modality": "other"}, "label map"),
        (counts(), {"modality": "PT", "nuclide": "F-18"}, "F-18"),
        (counts(), {"modality": "PT", "half_life_s": 6586.2}, "half-life of 6586 s"),
    ],
)
def test_what_is_no_bone_scan_is_told_and_scored(array, given, found):
    volume = Volume(array, AFFINE, **given)
    domain = bone_scan_domain(volume)
    assert domain.score > 1 / 3
    assert any(found in text for text in domain.warnings)
    run = summary(segment(volume, Settings(method="kmeans")))
    assert run["image"]["out_of_domain"] == domain.score
    assert set(domain.warnings) <= set(run["warnings"])


@pytest.mark.parametrize("given", [{}, {"nuclide": "Tc-99m", "half_life_s": 21624.1}])
@pytest.mark.parametrize("scale", [0.3, 1.0, 100.0])
def test_counts_of_a_bone_scan_pass(given, scale):
    assert bone_scan_domain(Volume(counts(scale), AFFINE, "NM", "counts", **given)).warnings == ()


@pytest.mark.parametrize("protocol", ["discovery670", "symbia-t16"])
def test_simulated_bone_scans_pass(protocol):
    recipe = Recipe(protocol=protocol, seed=5, views=10, fine=False, axial=(0.12, 0.2))
    domain = bone_scan_domain(simulate_patient(recipe, number=1).spect)
    assert domain.warnings == ()
    assert domain.score < 1 / 3
