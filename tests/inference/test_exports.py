from importlib import import_module
from pkgutil import iter_modules

import pytest


@pytest.mark.parametrize("name", ["inference", "losses", "models", "networks"])
def test_no_export_hides_behind_a_module_of_its_name(name):
    """Importing a module makes it an attribute of its package, whatever that promises there."""
    package = import_module(f"fuzzyseg.{name}")
    assert not {module.name for module in iter_modules(package.__path__)} & set(package.__all__)
