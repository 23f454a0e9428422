import pytest
from toy_training import write_manifest


@pytest.fixture(scope="session")
def manifest(tmp_path_factory):
    """Manifest of two toy patients with SPECT, CT, labels and activity."""
    return write_manifest(tmp_path_factory.mktemp("patients"))
