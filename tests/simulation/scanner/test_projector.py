import numpy as np
import pytest

from fuzzyseg.conventions import FWHM_PER_SIGMA
from fuzzyseg.errors import InputError
from fuzzyseg.simulation.scanner.backends import get_backend
from fuzzyseg.simulation.scanner.geometry import Orbit, make_orbit, view_angles
from fuzzyseg.simulation.scanner.projector import Projector
from fuzzyseg.simulation.scanner.registry import PROTOCOLS
from fuzzyseg.simulation.scanner.response import gaussian_taps

RESPONSES = {name: protocol.response for name, protocol in PROTOCOLS.items()}
BACKENDS = ["cpu", "torch"]


def orbit_of(views, radius_cm=20.0):
    return Orbit(view_angles(views), np.full(views, radius_cm))


def random_problem(device, n=32, n_z=18, views=7):
    """Projector with a body of random attenuation, and an image in it; voxels of 0.88 cm."""
    rng = np.random.default_rng(5)
    x = (np.arange(n) - (n - 1) / 2) * 0.88
    body = (x[:, None] / 11) ** 2 + (x[None, :] / 8) ** 2 < 1
    mu = (0.3 * body[..., None] * rng.random((n, n, n_z))).astype(np.float32)
    image = (body[..., None] * rng.random((n, n, n_z))).astype(np.float32)
    orbit = make_orbit(body, 0.88, views, "body-contour", 2.0)
    projector = Projector(
        mu,
        voxel_cm=0.88,
        orbit=orbit,
        response=RESPONSES["symbia-t16"],
        mask=body,
        backend=get_backend(device),
    )
    return projector, image, body[..., None]


@pytest.mark.parametrize("device", BACKENDS)
def test_back_is_the_adjoint_of_forward(device):
    projector, image, _ = random_problem(device)
    projections = projector.forward(image)
    other = np.random.default_rng(6).random(projections.shape).astype(np.float32)
    left = np.vdot(projections.astype(float), other)
    right = np.vdot(image.astype(float), projector.back(other))
    assert left == pytest.approx(right, rel=1e-5)


def test_torch_and_numba_agree(torch_device):
    (ours, image, body), (torchs, _, _) = (random_problem(d) for d in ("cpu", torch_device))
    projections = ours.forward(image)
    assert np.allclose(torchs.forward(image), projections, atol=1e-5 * projections.max())
    back = ours.back(projections) * body
    assert np.allclose(torchs.back(projections) * body, back, atol=1e-5 * back.max())


@pytest.mark.parametrize("name", RESPONSES)
@pytest.mark.parametrize("distance_cm", [5.0, 10.0, 20.0])
def test_point_source_has_the_width_of_the_formula(name, distance_cm):
    response = RESPONSES[name]
    voxel = 0.1
    image = np.zeros((41, 41, 41), np.float32)
    image[20, 20, 20] = 1
    orbit = Orbit(np.zeros(1), np.array([distance_cm]))
    view = Projector(np.zeros_like(image), voxel_cm=voxel, orbit=orbit, response=response).forward(
        image
    )[0]
    expected = FWHM_PER_SIGMA * np.hypot(
        response.slope * distance_cm + response.at_face_cm, response.intrinsic_cm
    )
    for profile in (view[:, 20], view[20, :]):
        # Half maximum by linear interpolation, as NEMA NU 1 measures it.
        half = profile.max() / 2
        last = np.nonzero(profile >= half)[0][-1]
        beyond = (profile[last] - half) / (profile[last] - profile[last + 1])
        assert 2 * (last + beyond - 20) * voxel == pytest.approx(expected, rel=0.03)


def test_kernels_are_integrated_over_pixels_and_sum_to_one():
    sigma = np.array([0.05, 0.2, 0.5, 1.5])
    taps, widths = gaussian_taps(sigma, 0.44)
    i = np.arange(taps.shape[1])
    assert np.allclose(taps[:, 0] + 2 * taps[:, 1:].sum(axis=1), 1)
    # Sheppard: integrating over a pixel adds a twelfth of its square to the variance.
    variance = 2 * (taps * i**2).sum(axis=1) * 0.44**2
    assert np.allclose(variance[2:], sigma[2:] ** 2 + 0.44**2 / 12, rtol=0.01)
    assert np.all(taps[i > widths[:, None]] == 0)


def test_attenuation_is_that_of_the_depth():
    mu = np.zeros((32, 32, 4), np.float32)
    mu[6:26, 8:24] = 0.15
    image = np.zeros_like(mu)
    image[10, 15, 2] = 1.0
    seen = Projector(mu, voxel_cm=0.5, orbit=orbit_of(4), response=None).forward(image)
    # Depth from the voxel's middle to the faces at +x, +y, -x, -y, in voxels.
    for view, depth in zip(seen, (15.5, 8.5, 4.5, 7.5), strict=True):
        assert view.sum() == pytest.approx(np.exp(-0.15 * 0.5 * depth), rel=1e-5)


@pytest.mark.parametrize("device", BACKENDS)
def test_views_show_a_point_where_it_is(device):
    image = np.zeros((33, 33, 9), np.float32)
    image[26, 20, 3] = 1  # 10 voxels along x, 4 along y
    orbit = orbit_of(4)
    projector = Projector(
        np.zeros_like(image), voxel_cm=0.5, orbit=orbit, response=None, backend=get_backend(device)
    )
    rows = [np.unravel_index(view.argmax(), view.shape) for view in projector.forward(image)]
    assert rows == [(20, 3), (6, 3), (12, 3), (26, 3)]  # u = y, -x, -y, x


def test_counts_are_kept_in_air():
    x = np.arange(48) - 23.5
    blob = np.exp(-(x[:, None] ** 2 + x[None, :] ** 2) / 50)[..., None] * np.ones(24)
    image = (blob * np.exp(-((np.arange(24) - 11.5) ** 2) / 10)).astype(np.float32)
    projector = Projector(
        np.zeros_like(image), voxel_cm=0.44, orbit=orbit_of(9), response=RESPONSES["symbia-t16"]
    )
    totals = projector.forward(image).sum(axis=(1, 2))
    assert np.allclose(totals, image.sum(), rtol=1e-3)


def test_grid_need_not_be_square():
    mu = np.full((24, 16, 5), 0.1, np.float32)
    projector = Projector(mu, voxel_cm=0.88, orbit=orbit_of(6), response=RESPONSES["symbia-t16"])
    image = np.random.default_rng(1).random(mu.shape).astype(np.float32)
    projections = projector.forward(image)
    assert projections.shape == (6, 24, 5)
    left = float((projections.astype(float) ** 2).sum())
    assert left == pytest.approx(
        np.vdot(image.astype(float), projector.back(projections)), rel=1e-5
    )


@pytest.mark.parametrize(
    ("mu", "said"),
    [
        (np.full((8, 8, 2), -0.1), ">= 0 per cm"),
        (np.full((8, 8, 2), np.nan), ">= 0 per cm"),
        (np.full((8, 8, 2), 1000.0), "water 0.15"),
        (np.zeros((8, 8)), "3-D"),
    ],
)
def test_unusable_attenuation_is_refused(mu, said):
    with pytest.raises(InputError, match=said):
        Projector(mu, voxel_cm=0.44, orbit=orbit_of(4), response=None)


@pytest.mark.parametrize("device", ["tpu", "cuda"])
def test_a_device_that_is_not_there_is_refused(device, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="use cpu"):
        get_backend(device)


def test_shapes_have_to_agree():
    mu = np.zeros((8, 8, 2))
    projector = Projector(mu, voxel_cm=0.44, orbit=orbit_of(4), response=None)
    with pytest.raises(InputError, match=r"image of shape \(8, 8, 2\), found \(8, 8, 3\)"):
        projector.forward(np.zeros((8, 8, 3)))
    with pytest.raises(InputError, match=r"projection of shape \(8, 2\), found \(9, 2\)"):
        projector.back(np.zeros((4, 9, 2)))
    with pytest.raises(InputError, match="mask of shape"):
        Projector(
            mu, voxel_cm=0.44, orbit=orbit_of(4), response=None, mask=np.ones((8, 9), dtype=bool)
        )
