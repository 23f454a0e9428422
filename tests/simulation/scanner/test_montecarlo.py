import numpy as np
import pytest
from scipy import integrate

from fuzzyseg.simulation.scanner import _photons, montecarlo
from fuzzyseg.simulation.scanner.montecarlo import KernelSettings, cache_folder, scatter_kernels
from fuzzyseg.simulation.scanner.protocol import EnergyWindow
from fuzzyseg.simulation.scanner.registry import PROTOCOLS
from fuzzyseg.simulation.scanner.scatter_grid import kernels_on_grid

PROTOCOL = PROTOCOLS["discovery670"]
FEW = KernelSettings(photons=5000)


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FUZZYSEG_CACHE", str(tmp_path))
    montecarlo._kernels.cache_clear()
    yield tmp_path
    montecarlo._kernels.cache_clear()


@pytest.mark.parametrize("energy_kev", [60.0, 100.0, 140.5])
def test_compton_cross_section_is_the_integral_of_its_density(energy_kev):
    def density(cos):
        ratio = 1 / (1 + energy_kev / 511.0 * (1 - cos))
        return 0.5 * 2.8179e-13**2 * ratio**2 * (ratio + 1 / ratio - 1 + cos**2)

    expected = 2 * np.pi * integrate.quad(density, -1, 1)[0]
    assert _photons.klein_nishina_total(energy_kev) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("energy_kev", "xcom"), [(80.0, 0.1755), (100.0, 0.1654), (150.0, 0.1480)])
def test_attenuation_of_water_is_that_of_nist(energy_kev, xcom):
    # XCOM without coherent scatter, cm2/g; electrons bound in atoms scatter 1 to 3% less.
    assert _photons.attenuation_per_cm(energy_kev) == pytest.approx(xcom, rel=0.03)


def test_near_the_source_scatter_is_the_first_collision():
    window = EnergyWindow(20.0, 1000.0)  # counts everything
    settings = KernelSettings(photons=20_000, directions=8, bin_cm=0.02, reach_cm=0.4)
    kernels = scatter_kernels(PROTOCOL, window, settings)
    along = (np.arange(40) - 19.5) * 0.02
    across = (np.arange(20) + 0.5) * 0.02
    near = np.hypot(along[:, None], across) < 0.3
    counted = kernels.moments[0][near].sum() * kernels_photopeak(PROTOCOL)
    first = 1 - np.exp(-_photons.compton_per_cm(140.5) * 0.3)
    assert first * 0.98 < counted < first * 1.08  # a few are second collisions


def kernels_photopeak(protocol):
    """Share of unscattered photons in the photopeak window, which kernels are relative to."""
    from scipy.stats import norm

    measured = norm(140.5, protocol.energy_sigma_kev(140.5))
    return measured.cdf(protocol.photopeak.high_kev) - measured.cdf(protocol.photopeak.low_kev)


def test_unscattered_photons_reach_the_lower_window_by_resolution_alone():
    from scipy.stats import norm

    kernels = scatter_kernels(PROTOCOL, PROTOCOL.scatter_window, FEW)
    measured = norm(140.5, PROTOCOL.energy_sigma_kev(140.5))
    lower = measured.cdf(PROTOCOL.scatter_window.high_kev) - measured.cdf(
        PROTOCOL.scatter_window.low_kev
    )
    assert kernels.primary == pytest.approx(lower / kernels_photopeak(PROTOCOL), rel=1e-6)


def test_a_narrower_window_takes_less_scatter(quick):
    wide, narrow = (
        scatter_kernels(PROTOCOL, EnergyWindow.around(140.0, percent), quick).moments[0].sum()
        for percent in (20.0, 15.0)
    )
    assert 0.5 * wide < narrow < 0.9 * wide


def test_kernels_are_computed_once_and_kept(own_cache, monkeypatch):
    first = scatter_kernels(PROTOCOL, PROTOCOL.photopeak, FEW)
    assert [f.suffix for f in own_cache.iterdir()] == [".npz"]
    montecarlo._kernels.cache_clear()
    monkeypatch.setattr(montecarlo, "_compute", None)  # must not be called again
    again = scatter_kernels(PROTOCOL, PROTOCOL.photopeak, FEW)
    assert np.array_equal(first.moments, again.moments)


@pytest.mark.parametrize("damage", [b"", b"not an archive", None])
def test_a_damaged_cache_is_remade(own_cache, damage):
    first = scatter_kernels(PROTOCOL, PROTOCOL.photopeak, FEW)
    (path,) = own_cache.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    montecarlo._kernels.cache_clear()
    again = scatter_kernels(PROTOCOL, PROTOCOL.photopeak, FEW)
    assert np.array_equal(first.moments, again.moments)
    assert path.read_bytes() == whole


def test_a_cache_that_cannot_be_written_is_done_without(own_cache, monkeypatch):
    (own_cache / "file").write_text("in the way")
    monkeypatch.setenv("FUZZYSEG_CACHE", str(own_cache / "file" / "below"))
    kernels = scatter_kernels(PROTOCOL, PROTOCOL.photopeak, FEW)
    assert kernels.moments[0].sum() > 0


def test_cache_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("FUZZYSEG_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("FUZZYSEG_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "fuzzyseg"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "fuzzyseg"


def test_the_grid_keeps_the_kernels_mass_and_symmetry(quick):
    kernels = scatter_kernels(PROTOCOL, PROTOCOL.photopeak, quick)
    padded, tables = kernels_on_grid(kernels, 0.88, (60, 60, 60))
    k0 = tables[0]
    assert k0.shape == padded
    # The square cut from the round kernel's reach loses the ring's corners alone.
    assert k0.sum() == pytest.approx(kernels.moments[0].sum(), rel=0.03)
    mirrored = np.roll(k0[:, ::-1, :], 1, axis=1)
    assert np.allclose(k0, mirrored, atol=1e-6)
    toward, away = k0[1:25].sum(), k0[-24:].sum()
    assert toward > 2 * away  # scatter that is still counted goes forward: its last place is ahead
