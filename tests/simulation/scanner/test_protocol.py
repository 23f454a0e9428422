from pathlib import Path

import numpy as np
import pytest

from fuzzyseg.conventions import FWHM_PER_SIGMA
from fuzzyseg.errors import InputError
from fuzzyseg.simulation.scanner import cameras
from fuzzyseg.simulation.scanner.protocol import EnergyWindow
from fuzzyseg.simulation.scanner.reconstruction import check_subsets
from fuzzyseg.simulation.scanner.registry import PROTOCOLS, get_protocol
from fuzzyseg.simulation.scanner.response import Collimator
from fuzzyseg.tc99m import GAMMA_KEV


@pytest.mark.parametrize("views", [2, 12, 63])
def test_views_that_subsets_cannot_share_are_refused_by_what_divides_them(views):
    with pytest.raises(InputError, match=f"divisible by 8 or 10, found {views}; use 60"):
        get_protocol("discovery670").with_views(views)


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("views", [60, 120, 256])
def test_subsets_share_the_views_evenly(name, views):
    protocol = get_protocol(name).with_views(views)
    assert protocol.views == views
    for settings in (protocol.reconstruction, protocol.vendor):
        check_subsets(views, settings.subsets)
        assert settings.subsets >= 4


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize(("views", "subsets"), [(60, 10), (120, 10), (256, 8)])
def test_two_by_ten_wherever_ten_divides_the_views(name, views, subsets):
    settings = PROTOCOLS[name].with_views(views).reconstruction
    assert (settings.iterations, settings.subsets) == (2, subsets)


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
def test_the_listed_settings_are_those_of_their_own_views(protocol):
    assert protocol.with_views(protocol.views) == protocol


def test_windows_are_in_percent_of_their_centre():
    window = EnergyWindow.around(140.0, 20.0)
    assert (window.low_kev, window.high_kev) == (126.0, 154.0)
    assert window.width_kev == 28.0


def test_energy_resolution_is_ten_percent_and_grows_with_the_root():
    protocol = PROTOCOLS["discovery670"]
    at_peak = protocol.energy_sigma_kev(GAMMA_KEV)
    assert at_peak * FWHM_PER_SIGMA == pytest.approx(14.05)
    assert protocol.energy_sigma_kev(GAMMA_KEV / 4) == pytest.approx(at_peak / 2)


# Holes of both cameras: across, along, septum, gap behind them, all in cm; 26.9 per cm is lead's
# attenuation at 140 keV. Published: FWHM of the system at 10 cm (mm).
HOLES = [
    ("discovery670", (0.15, 3.5, 0.02, 0.5), 7.2),
    ("symbia-t16", (0.111, 2.405, 0.016, 1.0), 7.5),
]


@pytest.mark.parametrize(("name", "holes", "published_mm"), HOLES)
def test_resolution_at_10_cm_is_the_published_one(name, holes, published_mm):
    hole, length, _, gap = holes
    length -= 2 / 26.9
    response = PROTOCOLS[name].response
    for distance in (0.0, 10.0, 25.0):
        geometric = hole * (length + gap + distance) / length
        expected = np.hypot(geometric, 0.38)
        assert FWHM_PER_SIGMA * response.sigma_cm(distance) == pytest.approx(expected, rel=1e-6)
    found_mm = 10 * FWHM_PER_SIGMA * response.sigma_cm(10.0)
    assert found_mm == pytest.approx(published_mm, rel=0.015)
    assert 7.15 < found_mm < 7.45


@pytest.mark.parametrize(("name", "holes", "_"), HOLES)
def test_sensitivity_follows_from_the_holes_and_the_crystal(name, holes, _):
    hole, length, septum, _ = holes
    through = (0.26 * hole**2 / ((length - 2 / 26.9) * (hole + septum))) ** 2
    per_mbq = 1e6 * through * 0.89 * 0.862  # photons a decay; absorbed in 9.5 mm of NaI
    assert PROTOCOLS[name].sensitivity_cps_per_mbq == pytest.approx(per_mbq, rel=0.02)


def test_efficiency_of_holes_is_angers():
    collimator = Collimator(hole_cm=0.15, length_cm=3.5, septum_cm=0.02, gap_cm=0.5)
    assert collimator.efficiency == pytest.approx(1.009e-4, rel=1e-3)
    assert collimator.effective_cm == pytest.approx(3.4257, abs=1e-4)


def test_unknown_protocol_and_too_few_views_are_refused():
    with pytest.raises(InputError, match="discovery670"):
        get_protocol("gamma-camera")
    with pytest.raises(InputError, match="by 8 or 10, found 3"):
        get_protocol("symbia-t16").with_views(3)


def test_every_file_of_a_scanner_is_listed():
    files = {path.stem.replace("_", "-") for path in Path(cameras.__path__[0]).glob("[!_]*.py")}
    assert files == set(PROTOCOLS)
    assert all(protocol.about for protocol in PROTOCOLS.values())


def test_views_that_no_usual_subsets_share_are_refused():
    with pytest.raises(InputError, match="subsets"):
        get_protocol("discovery670").with_views(63)
