"""Where nothing is hot the bundled models find no lesion, however dense the CT is.

Images are blurred and noisy, not reconstructed: what a camera adds is beside the point.
"""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from fuzzyseg.conventions import FWHM_PER_SIGMA
from fuzzyseg.segmentation import Settings, segment
from fuzzyseg.simulation.patient import draw_patient
from fuzzyseg.simulation.patient_settings import PatientSettings
from fuzzyseg.simulation.phantom.dense.dense_settings import NO_DENSE_SETTINGS
from fuzzyseg.simulation.population import POPULATIONS
from fuzzyseg.volume import Study, Volume

IMPLANTS = replace(NO_DENSE_SETTINGS, fillings=1.0, hip=1.0, spine=1.0, cement=1.0, wires=1.0)
PARTS = {"thighs to navel": (0.0, 0.4), "shoulders to vertex": (0.75, 1.0)}
FWHM_MM = 11.0


def lesion_ml(task, study):
    if task == "spect":
        study = Study(spect=study.spect)
    found = segment(study, Settings(model=task, engine="torch", jobs=1))
    return np.count_nonzero(found.labels == 2) * study.spect.voxel_volume_ml


def rods(hu, radius):
    """A body of 1 with three rods of 10, blurred, and a CT in which the rods are dense."""
    x, y, z = np.mgrid[:80, :80, :80] - 39.5
    body = ((x / 34) ** 2 + (y / 26) ** 2 < 1) & (abs(z) < 34)
    axes = ((0, -14), (-16, 4), (16, 4))
    rod = sum((x - a) ** 2 + (y - b) ** 2 < radius**2 for a, b in axes) > 0
    rod &= abs(z) < 25
    spect = gaussian_filter(np.where(rod, 10.0, np.where(body, 1.0, 0.0)), 1.5)
    ct = np.where(rod, hu, np.where(body, 40.0, -1000.0))
    affine = np.diag([4.4, 4.4, 4.4, 1.0])
    return Study(
        spect=Volume(spect.astype(np.float32), affine, "NM"),
        ct=Volume(ct.astype(np.float32), affine, "CT", "HU"),
    )


@pytest.fixture(scope="module")
def patient():
    """Function that makes studies of a patient whose bones all take up as much."""

    def make(dense):
        drawn = draw_patient(
            4,
            PatientSettings(
                replace(POPULATIONS["paper"], dense=dense),
                arms="up", mass_kg=75.0, n_lesions=0, sample_mm=4.42,
            ),
        )  # fmt: skip
        assert not (drawn.labels == 2).any()
        voxel_mm = drawn.spacing_mm[0]
        rng = np.random.default_rng(4)
        blurred = gaussian_filter(drawn.activity, FWHM_MM / FWHM_PER_SIGMA / voxel_mm)
        soft = np.median(blurred[(drawn.labels == 0) & (drawn.attenuation > 0.15)])
        # Counts that a little blur then correlates, as a reconstruction does.
        noisy = rng.poisson(blurred * (3 / soft)).astype(np.float32)
        noisy = gaussian_filter(noisy, 1.0)
        studies = {}
        for name, ends in PARTS.items():
            first, last = (round(end * noisy.shape[2]) for end in ends)
            studies[name] = Study(
                spect=Volume(noisy[..., first:last], drawn.affine, "NM"),
                ct=Volume(drawn.ct[..., first:last], drawn.affine, "CT", "HU"),
            )
        return studies

    return make


@pytest.fixture(scope="module")
def uniform(patient):
    return patient(NO_DENSE_SETTINGS)


@pytest.fixture(scope="module")
def implanted(patient):
    studies = patient(IMPLANTS)
    for study in studies.values():
        assert study.ct.array.max() > 2000
    return studies


@pytest.mark.parametrize("radius", [2, 3])
@pytest.mark.parametrize(
    ("task", "hu"), [("spect", 1300), ("spect-ct", 300), ("spect-ct", 1300), ("spect-ct", 2500)]
)
def test_rods(task, hu, radius):
    assert lesion_ml(task, rods(hu, radius)) == 0


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("task", ["spect", "spect-ct"])
def test_uniform_skeleton(task, part, uniform):
    assert lesion_ml(task, uniform[part]) == 0


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("task", ["spect", "spect-ct"])
def test_implants_with_normal_uptake(task, part, implanted):
    assert lesion_ml(task, implanted[part]) == 0
