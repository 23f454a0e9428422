import hashlib
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.simulation.scanner.registry import PROTOCOLS
from fuzzyseg.simulation.scanner.scan import acquire

VOXEL = 0.44


@pytest.fixture(scope="module")
def scan_of(coarse_protocol, cylinder, quick):
    body = cylinder(64, 48, VOXEL, 9.0, length_cm=12.0)

    def scan(**changes):
        given = {"voxel_cm": VOXEL, "protocol": coarse_protocol, "kernel_settings": quick}
        return acquire(2e4 * body, 0.15 * body, **{**given, **changes})

    return scan


@pytest.fixture(scope="module")
def scan(scan_of):
    return scan_of(seed=1)


def test_counts_in_air_are_activity_times_sensitivity_times_time(coarse_protocol):
    x = (np.arange(64) - 31.5) * VOXEL
    ball = sum(np.meshgrid(x**2, x**2, x[:48] ** 2, indexing="ij")) < 9.0
    activity = 1e4 * ball.astype(np.float32)
    scan = acquire(
        activity,
        np.zeros_like(activity),
        voxel_cm=VOXEL,
        protocol=coarse_protocol,
        noise=False,
    )
    becquerels = activity.sum(dtype=float) * VOXEL**3
    # Two detectors watch for 30 minutes.
    expected = becquerels * 77e-6 * 2 * 1800
    assert scan.expected.sum(dtype=float) == pytest.approx(expected, rel=2e-3)
    assert scan.scatter_fraction == pytest.approx(0, abs=1e-6)


def test_noise_is_poisson(scan):
    seen = scan.expected > 5
    score = (scan.counts[seen] - scan.expected[seen]) / np.sqrt(scan.expected[seen])
    assert seen.sum() > 10_000
    assert abs(score.mean()) < 4 / np.sqrt(score.size)
    assert score.var() == pytest.approx(1, abs=6 / np.sqrt(score.size))
    assert np.all(scan.counts == np.round(scan.counts))


def test_time_is_shared_by_detectors_views_and_beds(coarse_protocol, scan_of):
    short = scan_of(noise=False, scatter=False)
    assert np.allclose(short.seconds, 1800 * 2 / 60)
    long = scan_of(noise=False, scatter=False, protocol=replace(coarse_protocol, axial_fov_cm=12.5))
    assert [(b.start, b.stop) for b in long.beds] == [(0, 14), (10, 24)]
    assert long.seconds[0] == pytest.approx(1800 * 2 / 60 / 2)
    assert long.seconds[12] == pytest.approx(1800 * 2 / 60)
    rates = [s.expected / s.seconds for s in (short, long)]
    assert np.allclose(*rates, rtol=1e-5)


def test_scatter_fills_both_windows(scan, scan_of):
    unscattered = scan_of(scatter=False, noise=False)
    assert 0.15 < scan.scatter_fraction < 0.3
    share = 1 - unscattered.expected.sum() / scan.expected.sum()
    assert scan.scatter_fraction == pytest.approx(share, rel=1e-3)
    # A few unscattered photons are measured that low, and most of the counts there scattered.
    assert 0 < unscattered.window_counts.sum() < 0.2 * scan.window_counts.sum()


def test_same_seed_same_counts(scan, scan_of):
    again, other = scan_of(seed=1), scan_of(seed=2)
    assert np.array_equal(scan.counts, again.counts)
    assert np.array_equal(scan.window_counts, again.window_counts)
    assert not np.array_equal(scan.counts, other.counts)


def test_seeds_may_be_sequences(scan_of):
    one, two = (scan_of(scatter=False, seed=np.random.SeedSequence([7, 1])) for _ in range(2))
    assert np.array_equal(one.counts, two.counts)


PROGRAM = """
import hashlib
from dataclasses import replace
import numpy as np
from fuzzyseg.simulation.scanner.montecarlo import KernelSettings
from fuzzyseg.simulation.scanner.registry import PROTOCOLS
from fuzzyseg.simulation.scanner.reconstruction import reconstruct
from fuzzyseg.simulation.scanner.scan import acquire
protocol = replace(PROTOCOLS["symbia-t16"].with_views(20), pixel_cm=1.0)
x = np.arange(24) - 11.5
body = np.repeat((np.hypot(x[:, None], x) < 9).astype(np.float32)[..., None], 8, 2)
scan = acquire(1e4 * body, 0.15 * body, voxel_cm=1.0, protocol=protocol, seed=3,
               kernel_settings=KernelSettings(photons=20000))
image = reconstruct(scan, 0.15 * body, kernel_settings=KernelSettings(photons=20000))
print(hashlib.sha256(scan.counts.tobytes() + image.tobytes()).hexdigest())
"""


def test_same_seed_same_bits_in_another_process(tmp_path):
    here = {}
    exec(compile(PROGRAM.replace("print(", "digest = ("), "program", "exec"), here)  # noqa: S102
    environment = {**os.environ, "FUZZYSEG_CACHE": str(tmp_path)}  # kernels are computed again
    there = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.strip() == here["digest"]
    assert len(here["digest"]) == hashlib.sha256().digest_size * 2


def test_fine_and_direct_simulation_are_alike(scan, scan_of, coarse_protocol):
    direct = scan_of(protocol=replace(coarse_protocol, pixel_cm=VOXEL), noise=False)
    assert direct.shape == (64, 64, 48)
    assert scan.shape == (32, 32, 24)
    assert direct.expected.sum() == pytest.approx(scan.expected.sum(), rel=3e-3)


def test_views_of_any_protocol_can_be_changed(cylinder, quick):
    protocol = replace(PROTOCOLS["symbia-t16"].with_views(8), pixel_cm=0.88)
    body = cylinder(32, 8, 0.88, 9.0)
    scan = acquire(
        body, 0.15 * body, voxel_cm=(0.88,) * 3, protocol=protocol, kernel_settings=quick
    )
    assert scan.counts.shape == (8, 32, 8)


def changed(key, value):
    body = np.zeros((64, 64, 8), np.float32)
    body[24:40, 24:40] = 1
    given = {
        "activity_bq_ml": 1e4 * body,
        "mu_per_cm": 0.15 * body,
        "voxel_cm": VOXEL,
        "protocol": PROTOCOLS["symbia-t16"].with_views(8),
        "scatter": False,
    }
    given["protocol"] = replace(given["protocol"], pixel_cm=0.88)
    return {**given, key: value}


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("activity_bq_ml", np.zeros((64, 64, 8)), "some activity"),
        ("activity_bq_ml", -np.ones((64, 64, 8)), ">= 0 Bq/mL"),
        ("activity_bq_ml", np.ones((64, 64, 9)), "attenuation's shape"),
        ("activity_bq_ml", np.ones((64, 64, 8)), "within the field of view"),
        ("mu_per_cm", np.full((64, 64, 8), -0.1), ">= 0 per cm"),
        ("voxel_cm", (0.44, 0.45, 0.44), "equal edges"),
        ("voxel_cm", 0.6, "divided by a whole number"),
    ],
)
def test_bad_input_is_refused_in_one_line(key, value, said):
    with pytest.raises(InputError, match=said) as error:
        acquire(**changed(key, value))
    assert "\n" not in str(error.value)


def test_odd_grids_cannot_be_collapsed():
    given = changed("scatter", False)
    for key in ("activity_bq_ml", "mu_per_cm"):
        given[key] = given[key][:, :, :7]
    with pytest.raises(InputError, match="multiple of 2"):
        acquire(**given)
