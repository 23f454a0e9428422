import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def kernel_cache(tmp_path_factory):
    """Scatter kernels are kept in a folder of this run, which its processes share."""
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUZZYSEG_CACHE", str(folder / "kernels"))
        yield


@pytest.fixture
def shared_data():
    """Folder of real studies beside the checkout; tests that need it skip where it is absent."""
    if not SHARED.exists():
        pytest.skip(f"needs the real studies in {SHARED}, which are not part of the project")
    return SHARED


@pytest.fixture(scope="session")
def toy_folder(tmp_path_factory):
    """Folder with spect.nii.gz, ct.nii.gz and labels.nii.gz of the toy study."""
    from toy_study import write_study

    folder = tmp_path_factory.mktemp("study")
    write_study(folder)
    return folder


@pytest.fixture
def bundled(tmp_path_factory, monkeypatch):
    """Folder that stands for the models in the package; empty until a test puts some there."""
    from fuzzyseg.models import locate

    folder = tmp_path_factory.mktemp("bundled")
    monkeypatch.setattr(locate, "BUNDLED", folder)
    locate.bundled_models.cache_clear()
    yield folder
    locate.bundled_models.cache_clear()
