import numpy as np
import pytest
import torch
from tiny_models import tiny_model, write_tiny

from fuzzyseg.inference.engines import open_engine
from fuzzyseg.inference.kept import kept_model
from fuzzyseg.models.model_files import load_model

ENGINES = ("torch", "openvino", "onnxruntime")


def test_a_model_is_read_once_and_again_when_its_files_change(tmp_path):
    write_tiny(tmp_path)
    first = kept_model(tmp_path / "spect")
    assert kept_model(tmp_path / "spect.json") is first
    write_tiny(tmp_path, seed=1, filters=2)
    changed = kept_model(tmp_path / "spect")
    assert changed.card.architecture.filters == 2
    assert load_model(tmp_path / "spect") is not changed


@pytest.mark.parametrize("engine", ENGINES)
def test_engines_stay_open_for_kept_models_alone(engine, tmp_path):
    if engine != "torch":
        pytest.importorskip(engine)
    write_tiny(tmp_path)
    kept, other = kept_model(tmp_path / "spect"), load_model(tmp_path / "spect")
    for model, stays in ((kept, True), (other, False)):
        with open_engine(engine, model, 1) as first, open_engine(engine, model, 1) as second:
            assert (first is second) == stays


def test_a_model_in_training_is_never_kept():
    model = tiny_model()
    batch = np.ones((1, 1, 8, 8), np.float32)
    with open_engine("torch", model, 1) as run:
        before = run(batch)
    with torch.no_grad():
        for parameter in model.network.parameters():
            parameter.add_(1)
    with open_engine("torch", model, 1) as run:
        assert not np.allclose(run(batch), before)


@pytest.mark.parametrize("dims", [2, 3])
def test_volumes_of_many_shapes_are_computed_as_before(dims, tmp_path):
    """Networks for shapes that were used long ago are given up, and compiled anew."""
    pytest.importorskip("openvino")
    write_tiny(tmp_path, dims=dims)
    model = kept_model(tmp_path / "spect")
    volumes = [np.full((1, 1, *(4 + n,) * dims), 0.5, np.float32) for n in (0, 2, 0, 4, 2)]
    with open_engine("torch", model, 1) as run:
        expected = [run(volume) for volume in volumes]
    with open_engine("openvino", model, 1) as run:
        for volume, memberships in zip(volumes, expected, strict=True):
            np.testing.assert_allclose(run(volume), memberships, atol=1e-5)
