from typing import get_args

import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.simulation.protocol import (
    PROTOCOLS,
    TC99M_KEV,
    EnergyWindow,
    ProtocolName,
    get_protocol,
)
from fuzzyseg.simulation.reconstruction import check_subsets
from fuzzyseg.simulation.response import FWHM_PER_SIGMA


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
    at_peak = protocol.energy_sigma_kev(TC99M_KEV)
    assert at_peak * FWHM_PER_SIGMA == pytest.approx(14.05)
    assert protocol.energy_sigma_kev(TC99M_KEV / 4) == pytest.approx(at_peak / 2)


@pytest.mark.parametrize(
    ("name", "hole_cm", "length_cm", "septum_cm"),
    [("discovery670", 0.15, 3.5, 0.02), ("symbia-t16", 0.111, 2.405, 0.016)],
)
def test_collimator_figures_follow_from_its_holes(name, hole_cm, length_cm, septum_cm):
    # Anger's formulas; 24.6 per cm is the attenuation of lead at 140 keV.
    protocol = PROTOCOLS[name]
    length = length_cm - 2 / 24.6
    assert protocol.response.slope * FWHM_PER_SIGMA == pytest.approx(hole_cm / length, rel=0.03)
    assert protocol.response.at_face_cm * FWHM_PER_SIGMA == pytest.approx(hole_cm, rel=0.03)
    openness = hole_cm**2 / (length * (hole_cm + septum_cm))
    per_mbq = 1e6 * (0.26 * openness) ** 2  # K = 0.26 for hexagonal holes
    # The crystal and the window pass 70 to 95% of what comes through the holes.
    assert 0.70 < protocol.sensitivity_cps_per_mbq / per_mbq < 0.95


def test_unknown_protocol_and_too_few_views_are_refused():
    with pytest.raises(InputError, match="discovery670"):
        get_protocol("gamma-camera")
    with pytest.raises(InputError, match="evenly, found 3"):
        get_protocol("symbia-t16").with_views(3)


def test_names_for_the_command_line_are_those_of_the_protocols():
    assert set(get_args(ProtocolName)) == set(PROTOCOLS)


def test_views_that_no_usual_subsets_share_are_refused():
    with pytest.raises(InputError, match="subsets"):
        get_protocol("discovery670").with_views(63)
