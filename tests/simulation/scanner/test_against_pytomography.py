"""Projections beside those of pytomography, where it is installed."""

import importlib.util
import warnings

import numpy as np
import pytest

from fuzzyseg.simulation.scanner.geometry import Orbit
from fuzzyseg.simulation.scanner.projector import Projector
from fuzzyseg.simulation.scanner.registry import PROTOCOLS

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pytomography") is None,
    reason="needs pytomography, an optional peer to compare with",
)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_projections_agree_within_a_percent(name):
    response = PROTOCOLS[name].response
    n, n_z, voxel, views, radius = 64, 24, 0.44, 6, 15.0
    x, z = (np.arange(m) - (m - 1) / 2 for m in (n, n_z))
    x, y, z = np.meshgrid(x * voxel, x * voxel, z * voxel, indexing="ij")
    hot = np.exp(-((x - 3) ** 2 + (y + 2) ** 2 + z**2) / 4.5)
    image = (hot + 0.2 * (np.hypot(x / 9, y / 6) < 1) * (np.abs(z) < 4)).astype(np.float32)
    mu = (0.15 * (np.hypot(x / 10, y / 7) < 1)).astype(np.float32)
    degrees = np.arange(views) * 360.0 / views + 10
    orbit = Orbit(np.deg2rad(degrees), np.full(views, radius))
    ours = Projector(mu, voxel_cm=voxel, orbit=orbit, response=response).forward(image)
    theirs = pytomography_projections(image, mu, voxel, degrees, radius, response)
    assert np.linalg.norm(ours - theirs) < 0.01 * np.linalg.norm(theirs)
    assert np.abs(ours - theirs).max() < 0.01 * theirs.max()


def pytomography_projections(image, mu, voxel, degrees, radius, response):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch
        from pytomography.metadata.SPECT import SPECTObjectMeta, SPECTProjMeta, SPECTPSFMeta
        from pytomography.projectors.SPECT import SPECTSystemMatrix
        from pytomography.transforms.SPECT import SPECTAttenuationTransform, SPECTPSFTransform

        device = "cuda" if torch.cuda.is_available() else "cpu"
        radii = np.full(len(degrees), radius)
        psf = SPECTPSFMeta(
            (response.slope, response.at_face_cm, response.intrinsic_cm),
            # Its kernels are sampled, ours integrated over pixels: a twelfth of a pixel squared.
            sigma_fit=lambda d, a, b, c: np.sqrt((a * d + b) ** 2 + c**2 + voxel**2 / 12),
            min_sigmas=4,
        )
        system = SPECTSystemMatrix(
            [SPECTAttenuationTransform(torch.tensor(mu, device=device)), SPECTPSFTransform(psf)],
            [],
            SPECTObjectMeta([voxel] * 3, list(image.shape)),
            SPECTProjMeta(image.shape[1:], [voxel] * 2, 270 - degrees, radii=radii),
        )
        return system.forward(torch.tensor(image, device=device)).cpu().numpy()
