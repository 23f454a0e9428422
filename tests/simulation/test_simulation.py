import subprocess
import sys

import pytest

from fuzzyseg import simulation


@pytest.mark.parametrize("name", simulation.__all__)
def test_what_users_need_is_importable_from_the_top(name):
    assert getattr(simulation, name).__module__.startswith("fuzzyseg.simulation.")
    assert name in dir(simulation)


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'simulate_dog'"):
        _ = simulation.simulate_dog


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, fuzzyseg.simulation; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not {"numba", "scipy", "torch"} & set(loaded.stdout.split())
