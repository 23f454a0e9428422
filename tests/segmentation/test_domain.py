import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from fuzzyseg.resample import resample
from fuzzyseg.segmentation import Settings, segment, summary
from fuzzyseg.segmentation.domain import bone_scan_domain, result_domain
from fuzzyseg.simulation.healthy import draw_healthy
from fuzzyseg.simulation.patient_settings import PatientSettings
from fuzzyseg.simulation.phantom.tissues import TISSUES
from fuzzyseg.simulation.phantom.uptake import draw_uptake
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


def hounsfield():
    """A CT that somebody gives as a SPECT."""
    r = ellipse()
    hu = np.where(r < 1, 40.0, -1000.0)
    hu[28:37, 22:30] = 400
    return (hu + np.random.default_rng(0).normal(0, 15, hu.shape)).astype(np.float32)


def counts(scale=1.0):
    """Counts of a bone scan: soft tissue, spine and ribs of 11 times that, Poisson noise."""
    r = ellipse()
    uptake = np.where(r < 1, 4.0, 0.0)
    uptake[28:37, 22:30] = 44
    ribs = (r > 0.7) & (r < 0.92) & (np.arange(24) % 4 < 2)
    uptake[ribs] = 44
    uptake[30:34, 25:29, 8:14] = 160
    blurred = gaussian_filter(uptake, 1.5)
    return np.random.default_rng(0).poisson(blurred * scale).astype(np.float32)


@pytest.mark.parametrize(
    ("array", "given", "found"),
    [
        (mr(), {"modality": "other"}, "does not look like a bone scan"),
        (labels(), {"modality": "other"}, "label map"),
        (hounsfield(), {"modality": "NM"}, "as air does in CT"),
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
    assert run["image"]["out_of_domain"] >= domain.score
    assert set(domain.warnings) <= set(run["warnings"])


@pytest.mark.parametrize("given", [{}, {"nuclide": "Tc-99m", "half_life_s": 21624.1}])
@pytest.mark.parametrize("scale", [0.3, 1.0, 100.0])
def test_counts_of_a_bone_scan_pass(given, scale):
    assert bone_scan_domain(Volume(counts(scale), AFFINE, "NM", "counts", **given)).warnings == ()


@pytest.mark.parametrize("level", [0.5, 5.0, 2000.0])
def test_noise_below_zero_is_no_ct(level):
    """As filtered backprojection leaves it."""
    noise = np.random.default_rng(1).normal(0, level, (64, 64, 24))
    image = Volume((50 * level * counts() / 44 + noise).astype(np.float32), AFFINE, "NM")
    assert not any("CT" in text for text in bone_scan_domain(image).warnings)


def test_a_lesion_as_large_as_an_organ_is_told():
    labels = np.zeros((30, 30, 30), np.uint8)
    labels[2:12, 2:12, 2:12] = 2  # 80 ml
    labels[20:25, 20:25, 20:25] = 2
    voxel_ml = 0.08
    assert result_domain(labels, voxel_ml).warnings == ()
    labels[2:18, 2:12, 2:12] = 2  # 128 ml
    found = result_domain(labels, voxel_ml)
    assert found.score > 1 / 3
    assert "128 ml" in found.warnings[0]
    assert result_domain(0 * labels, voxel_ml) == (0.0, ())
    hot = counts(100.0)
    hot[20:44, 30:44] = hot.max()
    run = summary(segment(Volume(hot, AFFINE, "NM"), Settings(method="kmeans")))
    assert any("Is it an organ" in text for text in run["warnings"])


# Standard uptake values 60 minutes after FDG; after a meal the heart is bright, and after
# chemotherapy the marrow.
FDG = {
    "adipose": 0.3,
    "lung": 0.5,
    "liver": 2.3,
    "spleen": 1.9,
    "kidney": 3.0,
    "cortical bone": 0.7,
}
FASTING = FDG | {"brain": 7.0, "heart": 2.0, "bladder": 12.0, "spongiosa": 1.5}
FED = FDG | {"brain": 9.0, "heart": 6.0, "bladder": 20.0, "spongiosa": 2.5}
FIELDS = {"whole": (0, 1), "without head": (0, 0.86), "chest": (0.4, 0.8), "head": (0.8, 1)}


@pytest.fixture(scope="module")
def body():
    """Tissues of a patient on voxels of 7 mm."""
    streams = {
        name: np.random.default_rng(i)
        for i, name in enumerate(("body", "deformation", "uptake", "findings", "viscera"))
    }
    settings = PatientSettings(voxel_mm=7.0, sample_mm=7.0, mass_kg=75.0)
    uptake = draw_uptake(streams["uptake"], settings.population.uptake)
    return draw_healthy(streams, settings, uptake).phantom


def fdg(phantom, suv, field):
    """A PET of FDG in a file that names no nuclide, and the CT of it."""
    shares = {name: phantom.fraction(name).astype(np.float32) for name in TISSUES if name != "air"}
    uptake = sum(share * np.float32(suv.get(name, 0.7)) for name, share in shares.items())
    counts = np.random.default_rng(0).poisson(gaussian_filter(uptake, 0.5) * 40)
    pet = gaussian_filter(counts.astype(np.float32), 0.4)
    hu = np.where(phantom.bone_fraction > 0.5, 400, np.where(uptake > 0, 40, -1024))
    first, last = (round(end * pet.shape[2]) for end in FIELDS[field])
    affine = phantom.grid.affine
    ct = Volume(hu[..., first:last], affine, "CT", "HU")
    return Volume(pet[..., first:last], affine, "other"), ct


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("suv", [FASTING, FED], ids=["fasting", "fed"])
def test_fdg_without_a_name_is_told(suv, field, body):
    pet, ct = fdg(body, suv, field)
    domain = bone_scan_domain(pet)
    assert domain.score > 1 / 3
    assert "does not look like a bone scan" in domain.warnings[0]
    beside = bone_scan_domain(pet, ct)
    if field != "head":  # a brain is near the skull
        assert "near bone in the CT" in beside.warnings[0]
    assert beside.score >= domain.score


@pytest.mark.parametrize(
    ("uptake", "found"),
    [(1.0, ()), (12.0, ("mm thick",)), (60.0, ())],
    ids=["no", "brain", "urine"],
)
def test_a_thick_bright_organ_is_told_unless_it_is_a_bladder(uptake, found):
    """In the bone scan of `counts` on wider voxels, as a factor on soft tissue."""
    image = counts(100.0)
    x, y, z = np.mgrid[:64, :64, :24]
    image[(x - 32) ** 2 + (y - 40) ** 2 + (z - 12) ** 2 < 49] *= uptake
    texts = bone_scan_domain(Volume(image, np.diag([7.0, 7.0, 7.0, 1.0]), "NM")).warnings
    assert len(texts) == len(found)
    assert all(word in text for word, text in zip(found, texts, strict=True))


@pytest.mark.parametrize("protocol", ["discovery670", "symbia-t16"])
def test_simulated_bone_scans_pass(protocol):
    recipe = Recipe(protocol=protocol, seed=5, views=10, fine=False, axial=(0.12, 0.2))
    patient = simulate_patient(recipe, number=1)
    for ct in (None, resample(patient.ct, patient.spect)):
        domain = bone_scan_domain(patient.spect, ct)
        assert domain.warnings == ()
        assert domain.score < 1 / 3
